"""Why a cookie is missing: what is known of one page, one API and one cookie, and the causes.

Pure: whoever asks (`limen doctor`, the diagnostic of development) brings the facts.
"""

from limen.web.missing.causes import CAUSES as CAUSES
from limen.web.missing.causes import Cause as Cause
from limen.web.missing.causes import causes_of as causes_of
from limen.web.missing.situation import Cors as Cors
from limen.web.missing.situation import SetCookie as SetCookie
from limen.web.missing.situation import SignedIn as SignedIn
from limen.web.missing.situation import Situation as Situation
from limen.web.missing.situation import Stranger as Stranger
from limen.web.missing.situation import without_value as without_value
