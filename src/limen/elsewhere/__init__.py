"""What another system has: its users, and the sessions of a server that still runs beside.

The setting `elsewhere` takes the verifiers; `limen import` takes the users over.
"""

from limen.elsewhere.authjs import AuthjsSessions as AuthjsSessions
from limen.elsewhere.authjs import AuthjsTokens as AuthjsTokens
from limen.elsewhere.better_auth import BetterAuthSessions as BetterAuthSessions
