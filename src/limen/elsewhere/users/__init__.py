"""Users of other libraries' databases, read as accounts that Limen can keep."""

from __future__ import annotations

from limen.elsewhere.databases import SourceUnavailable as SourceUnavailable
from limen.elsewhere.layouts import LAYOUTS as LAYOUTS
from limen.elsewhere.layouts import Layout as Layout
from limen.elsewhere.layouts import Names as Names
from limen.elsewhere.users.reading import Source as Source
from limen.elsewhere.users.rows import Interpretation as Interpretation
from limen.elsewhere.users.rows import Unreadable as Unreadable
