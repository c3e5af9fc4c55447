"""Sign-in for Python back ends: JWT and server session as one setting, both revocable.

An authenticator proves who somebody is, once. A strategy remembers it. A transport carries
what the client must present. A store keeps what the server must remember. A principal is
what your code receives.
"""

from limen.audit import AuditEvent as AuditEvent
from limen.audit import AuditKind as AuditKind
from limen.audit import AuditPolicy as AuditPolicy
from limen.auditing import audited_as as audited_as
from limen.authority import Limen as Limen
from limen.blocking import BlockingLimen as BlockingLimen
from limen.dpop import Proof as Proof
from limen.dpop import ProofPolicy as ProofPolicy
from limen.errors import ConfigurationError as ConfigurationError
from limen.errors import LetterRejected as LetterRejected
from limen.errors import LimenError as LimenError
from limen.errors import MigrationNeeded as MigrationNeeded
from limen.errors import Overloaded as Overloaded
from limen.errors import StoreUnavailable as StoreUnavailable
from limen.freshness import Freshness as Freshness
from limen.guarantees import Guarantees as Guarantees
from limen.guarantees import Receipt as Receipt
from limen.letter import EmailPolicy as EmailPolicy
from limen.letter import Letter as Letter
from limen.operations import AwaitsEmail as AwaitsEmail
from limen.operations import EmailConfirmed as EmailConfirmed
from limen.operations import PasswordChanged as PasswordChanged
from limen.operations import SignedIn as SignedIn
from limen.passwords import PasswordPolicy as PasswordPolicy
from limen.principal import Authentication as Authentication
from limen.principal import Client as Client
from limen.principal import Principal as Principal
from limen.revocation import Target as Target
from limen.secret import Secret as Secret
from limen.session import Session as Session
from limen.settings import Settings as Settings
from limen.throttle import Budget as Budget
from limen.transports.authjs import AuthjsSettings as AuthjsSettings
from limen.transports.better_auth import BetterAuthSettings as BetterAuthSettings
from limen.transports.browser import BrowserSettings as BrowserSettings
from limen.transports.cookie import CookieSettings as CookieSettings
from limen.usernames import UsernamePolicy as UsernamePolicy
from limen.verdict import Absent as Absent
from limen.verdict import Authenticated as Authenticated
from limen.verdict import Issued as Issued
from limen.verdict import Reason as Reason
from limen.verdict import Refused as Refused
