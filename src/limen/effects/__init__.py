"""Every question a flow may ask of the world: the whole contract with stores and drivers.

A flow is a plain generator. It yields an `Effect` and receives its answer, or yields what
it observes (`Enter`, `Check`, `Note`) and receives nothing. It never awaits, reads a clock
or draws randomness, so one flow serves every driver, and the log of what it yielded *is*
the trace: a store read cannot be missing from it.

A store performs each `StoreEffect` as one atomic verb. `Effect[A]` names the answer `A`.
"""

from limen.effects.accounts import AddAccount as AddAccount
from limen.effects.accounts import AddIdentity as AddIdentity
from limen.effects.accounts import FindAccount as FindAccount
from limen.effects.accounts import ListAccounts as ListAccounts
from limen.effects.accounts import ListIdentities as ListIdentities
from limen.effects.accounts import Removal as Removal
from limen.effects.accounts import RemoveAccount as RemoveAccount
from limen.effects.accounts import RemoveIdentity as RemoveIdentity
from limen.effects.accounts import SetDisabled as SetDisabled
from limen.effects.accounts import SetEmail as SetEmail
from limen.effects.accounts import SetPassword as SetPassword
from limen.effects.accounts import SetUsername as SetUsername
from limen.effects.accounts import UpdateAccount as UpdateAccount
from limen.effects.accounts import UpdateIdentity as UpdateIdentity
from limen.effects.asking import Access as Access
from limen.effects.asking import Effect as Effect
from limen.effects.asking import Reading as Reading
from limen.effects.asking import Writing as Writing
from limen.effects.audit import AppendAudit as AppendAudit
from limen.effects.audit import ReadAudit as ReadAudit
from limen.effects.families import FindRefresh as FindRefresh
from limen.effects.families import RotateRefresh as RotateRefresh
from limen.effects.flows import AnyEffect as AnyEffect
from limen.effects.flows import Flow as Flow
from limen.effects.flows import LocalEffect as LocalEffect
from limen.effects.flows import Observation as Observation
from limen.effects.flows import Step as Step
from limen.effects.flows import StoreEffect as StoreEffect
from limen.effects.flows import ask as ask
from limen.effects.flows import check as check
from limen.effects.flows import enter as enter
from limen.effects.flows import may_have_revoked as may_have_revoked
from limen.effects.flows import note as note
from limen.effects.flows import record as record
from limen.effects.keys import AddKey as AddKey
from limen.effects.keys import LoadKeys as LoadKeys
from limen.effects.keys import PromoteKey as PromoteKey
from limen.effects.keys import RemoveKey as RemoveKey
from limen.effects.keys import ResealKey as ResealKey
from limen.effects.keys import SetKeyState as SetKeyState
from limen.effects.local import AskFeed as AskFeed
from limen.effects.local import AskPosition as AskPosition
from limen.effects.local import HashPassword as HashPassword
from limen.effects.local import PasswordAnswer as PasswordAnswer
from limen.effects.local import RefreshKeys as RefreshKeys
from limen.effects.local import Remember as Remember
from limen.effects.local import SearchBreaches as SearchBreaches
from limen.effects.local import SendLetter as SendLetter
from limen.effects.local import VerifyPassword as VerifyPassword
from limen.effects.log import Ended as Ended
from limen.effects.log import FindRevocation as FindRevocation
from limen.effects.log import KeepRevocations as KeepRevocations
from limen.effects.log import KeptRevocation as KeptRevocation
from limen.effects.log import ListKept as ListKept
from limen.effects.log import ReadLog as ReadLog
from limen.effects.log import Revoke as Revoke
from limen.effects.meaning import meant as meant
from limen.effects.meaning import told as told
from limen.effects.sessions import AttachCredential as AttachCredential
from limen.effects.sessions import CountCredentials as CountCredentials
from limen.effects.sessions import FindSession as FindSession
from limen.effects.sessions import ListSessions as ListSessions
from limen.effects.sessions import OpenSession as OpenSession
from limen.effects.sessions import SetSessionFields as SetSessionFields
from limen.effects.sessions import TouchSession as TouchSession
from limen.effects.tickets import Consume as Consume
from limen.effects.tickets import Counter as Counter
from limen.effects.tickets import Draw as Draw
from limen.effects.tickets import FindTicket as FindTicket
from limen.effects.tickets import ForgetCounts as ForgetCounts
from limen.effects.tickets import Increment as Increment
from limen.effects.tickets import KeepTicket as KeepTicket
from limen.effects.tickets import Purge as Purge
from limen.effects.tickets import ReadCounts as ReadCounts
from limen.effects.tickets import Ticket as Ticket
