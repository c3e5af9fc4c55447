"""What scenarios are made of: addresses, steps, and what clients do in many of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.lab.playing.clients import ACCESS, REFRESH
from limen.lab.run import Step
from limen.lab.servers.site import BASE_PATH, PROTECTED
from limen.phase import Phase

if TYPE_CHECKING:
    from limen.lab.playing.clients import Owner, Thief
    from limen.lab.playing.stage import Stage

SIGN_IN: Final = f"{BASE_PATH}/sign-in/email"
SIGN_OUT: Final = f"{BASE_PATH}/sign-out"
END_OTHERS: Final = f"{BASE_PATH}/revoke-other-sessions"
NOBODY: Final = "nobody@example.org"
# The access token of the presets lives 300 s, and their sessions end after 7 days without use.
PAST_ACCESS: Final = 301_000
PAST_IDLE: Final = 8 * 86_400_000

PROVING: Final = (
    Phase.LOGIN_RECEIVE,
    Phase.LOGIN_RATE_LIMIT,
    Phase.USER_LOOKUP,
    Phase.PASSWORD_VERIFY,
)
SIGNING_IN: Final = (
    *PROVING,
    Phase.PRELOGIN_DISCARD,
    Phase.CREDENTIAL_ISSUE,
    Phase.LOGIN_RESPOND,
    Phase.CLIENT_STORE,
)
READING: Final = (
    Phase.CLIENT_ATTACH,
    Phase.CSRF_CHECK,
    Phase.CREDENTIAL_EXTRACT,
    Phase.CREDENTIAL_VALIDATE,
    Phase.REVOCATION_CHECK,
    Phase.PRINCIPAL_LOAD,
    Phase.AUTHZ_DECIDE,
    Phase.RESOURCE_RESPOND,
    Phase.REFRESH,
)
REPLAYING: Final = (Phase.REPLAY_BY_THIEF,)

LOGIN: Final = Step("login", "Login: Alice signs in with e-mail and passphrase", SIGNING_IN)
READ: Final = Step("read", "Read: her browser asks for a protected resource", READING)
THEFT: Final = Step("theft", "Theft: a thief copies what she holds", (Phase.CLIENT_STORE,))
LOGOUT: Final = Step(
    "logout",
    "Logout: she signs out",
    (Phase.LOGOUT_REQUEST, Phase.CREDENTIAL_REVOKE, Phase.CLIENT_FORGET),
)
REPLAY: Final = Step(
    "replay", "Replay: the thief uses the copied access credential afterwards", REPLAYING
)
REPLAY_REFRESH: Final = Step(
    "replay of the refresh token", "Replay: the thief uses the copied refresh token afterwards"
)
WRONG: Final = Step("wrong passphrase", "Login: Alice mistypes her passphrase", PROVING)
UNKNOWN: Final = Step(
    "unknown address", "Login: somebody tries an address that has no account", PROVING
)
COPY_LATER: Final = Step(
    "copy after 301 s", "After 301 s: the thief uses the copied access credential", READING
)
OWN_LATER: Final = Step(
    "browser after 301 s", "After 301 s: her browser, which has everything, asks again", READING
)
IDLE: Final = Step("browser after 8 days", "After 8 days without use: her browser asks", READING)
PHONE: Final = Step("login on the phone", "Login: she signs in on her phone as well", SIGNING_IN)
EVERYWHERE: Final = Step(
    "sign out elsewhere",
    "Elsewhere: from the phone she ends every other sign-in",
    (Phase.CSRF_CHECK, Phase.CREDENTIAL_VALIDATE, Phase.CREDENTIAL_REVOKE),
)
PHONE_READS: Final = Step("read on the phone", "Read: the phone goes on", READING)


def signed_in(stage: Stage, owner: Owner, step: Step = LOGIN) -> Owner:
    """Let somebody sign in as Alice, in a step of its own."""
    with stage.step(step):
        owner.sign_in(SIGN_IN, stage.person.email, stage.person.passphrase)
    return owner


def robbed(stage: Stage, victim: Owner) -> tuple[Thief, Thief]:
    """Return a thief with the access credential, and one with the refresh token if there is one."""
    thieves = stage.thief(), stage.thief()
    with stage.step(THEFT):
        for thief, kind in zip(thieves, (ACCESS, REFRESH), strict=True):
            thief.steal(victim, kind)
    return thieves


def replayed(stage: Stage, thieves: tuple[Thief, Thief], ended_ns: int) -> None:
    """Use both copies after the end, and watch the first one for as long as it is accepted."""
    thief, refresher = thieves
    with stage.step(REPLAY):
        accepted = thief.replay("GET", PROTECTED, ended_ns)
    if refresher.held:
        with stage.step(REPLAY_REFRESH):
            # A POST: a safe request would only recall the session, this one tries to rotate.
            refresher.replay("POST", PROTECTED, ended_ns)
    if accepted:
        with stage.step(REPLAY):
            stage.watch(thief, PROTECTED, ended_ns)
