"""How a process hears of revocations that others made."""

from limen.feeds.polling import BlockingFeed as BlockingFeed
from limen.feeds.polling import PollingFeed as PollingFeed
