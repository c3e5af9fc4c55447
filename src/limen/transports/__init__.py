"""How a credential travels: in a cookie or in a header; pure, headers in and headers out."""

from limen.transports.base import Carrier as Carrier
from limen.transports.base import Presented as Presented
from limen.transports.base import Transport as Transport
from limen.transports.bearer import BearerTransport as BearerTransport
from limen.transports.cookie import CookieSettings as CookieSettings
from limen.transports.cookie import CookieTransport as CookieTransport
from limen.transports.dpop import DpopTransport as DpopTransport
from limen.transports.origin import OriginRule as OriginRule
