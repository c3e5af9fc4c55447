"""What an application can ask of Limen, each as a flow, for either driver.

An operation fetches the time once, picks the strategy and composes the protocol's flows.
Expected outcomes are values; only faults raise.
"""

from limen.operations.changes import Changes
from limen.operations.elsewhere import Admissions
from limen.operations.identities import Identities
from limen.operations.identities import IdentitySignedIn as IdentitySignedIn
from limen.operations.identities import ProvenIdentity as ProvenIdentity
from limen.operations.imports import Imported as Imported
from limen.operations.imports import Imports
from limen.operations.letters import EmailConfirmed as EmailConfirmed
from limen.operations.parts import Parts as Parts
from limen.operations.proving import AwaitsEmail as AwaitsEmail
from limen.operations.proving import PasswordChanged as PasswordChanged
from limen.operations.proving import SignedIn as SignedIn
from limen.operations.reauthentication import Reauthentication
from limen.operations.upkeep import Upkeep


class Operations(Changes, Identities, Reauthentication, Admissions, Imports, Upkeep):
    """The verbs of Limen as flows; `Limen` and `BlockingLimen` run them."""
