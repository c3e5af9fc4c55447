"""The scenarios: what clients do, alike under every strategy and over real HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from limen.entropy import SystemEntropy, random_text
from limen.lab.clients import ACCESS, REFRESH
from limen.lab.run import Plot, Step
from limen.lab.setups import USUAL
from limen.lab.site import BASE_PATH, PASSPHRASE_OCTETS, PROTECTED
from limen.lab.stage import carried_out
from limen.phase import Phase

if TYPE_CHECKING:
    from limen.lab.clients import Owner, Thief
    from limen.lab.run import Run
    from limen.lab.setups import Setup
    from limen.lab.site import Person, StoreFor
    from limen.lab.stage import Script, Stage

SIGN_IN: Final = f"{BASE_PATH}/sign-in/email"
SIGN_OUT: Final = f"{BASE_PATH}/sign-out"
END_OTHERS: Final = f"{BASE_PATH}/revoke-other-sessions"
NOBODY: Final = "nobody@example.org"
# The access token of the presets lives 300 s, and their sessions end after 7 days without use.
PAST_ACCESS: Final = 301_000
PAST_IDLE: Final = 8 * 86_400_000

_PROVING: Final = (
    Phase.LOGIN_RECEIVE,
    Phase.LOGIN_RATE_LIMIT,
    Phase.USER_LOOKUP,
    Phase.PASSWORD_VERIFY,
)
_SIGNING_IN: Final = (
    *_PROVING,
    Phase.PRELOGIN_DISCARD,
    Phase.CREDENTIAL_ISSUE,
    Phase.LOGIN_RESPOND,
    Phase.CLIENT_STORE,
)
_READING: Final = (
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
_REPLAYING: Final = (Phase.REPLAY_BY_THIEF,)

LOGIN: Final = Step("login", "Login: Alice signs in with e-mail and passphrase", _SIGNING_IN)
READ: Final = Step("read", "Read: her browser asks for a protected resource", _READING)
THEFT: Final = Step("theft", "Theft: a thief copies what she holds", (Phase.CLIENT_STORE,))
LOGOUT: Final = Step(
    "logout",
    "Logout: she signs out",
    (Phase.LOGOUT_REQUEST, Phase.CREDENTIAL_REVOKE, Phase.CLIENT_FORGET),
)
REPLAY: Final = Step(
    "replay", "Replay: the thief uses the copied access credential afterwards", _REPLAYING
)
REPLAY_REFRESH: Final = Step(
    "replay of the refresh token", "Replay: the thief uses the copied refresh token afterwards"
)
WRONG: Final = Step("wrong passphrase", "Login: Alice mistypes her passphrase", _PROVING)
UNKNOWN: Final = Step(
    "unknown address", "Login: somebody tries an address that has no account", _PROVING
)
COPY_LATER: Final = Step(
    "copy after 301 s", "After 301 s: the thief uses the copied access credential", _READING
)
OWN_LATER: Final = Step(
    "browser after 301 s", "After 301 s: her browser, which has everything, asks again", _READING
)
IDLE: Final = Step("browser after 8 days", "After 8 days without use: her browser asks", _READING)
PHONE: Final = Step("login on the phone", "Login: she signs in on her phone as well", _SIGNING_IN)
EVERYWHERE: Final = Step(
    "sign out elsewhere",
    "Elsewhere: from the phone she ends every other sign-in",
    (Phase.CSRF_CHECK, Phase.CREDENTIAL_VALIDATE, Phase.CREDENTIAL_REVOKE),
)
PHONE_READS: Final = Step("read on the phone", "Read: the phone goes on", _READING)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A plot and the script that plays it. Calling it carries it out; that takes seconds."""

    plot: Plot
    script: Script = field(repr=False)

    def __call__(
        self,
        person: Person | None = None,
        *,
        setups: tuple[Setup, ...] = USUAL,
        store_for: StoreFor | None = None,
    ) -> Run:
        """Carry it out; without a `person`, with one that is made for it."""
        return carried_out(self.plot, self.script, person, setups=setups, store_for=store_for)


def _signed_in(stage: Stage, owner: Owner, step: Step = LOGIN) -> Owner:
    with stage.step(step):
        owner.sign_in(SIGN_IN, stage.person.email, stage.person.passphrase)
    return owner


def _robbed(stage: Stage, victim: Owner) -> tuple[Thief, Thief]:
    """Return a thief with the access credential, and one with the refresh token if there is one."""
    thieves = stage.thief(), stage.thief()
    with stage.step(THEFT):
        for thief, kind in zip(thieves, (ACCESS, REFRESH), strict=True):
            thief.steal(victim, kind)
    return thieves


def _replayed(stage: Stage, thieves: tuple[Thief, Thief], ended_ns: int) -> None:
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


def _logout(stage: Stage) -> None:
    victim = _signed_in(stage, stage.owner())
    thieves = _robbed(stage, victim)
    with stage.step(READ):
        victim.read(PROTECTED)
    with stage.step(LOGOUT):
        ended_ns = victim.sign_out(SIGN_OUT)
    _replayed(stage, thieves, ended_ns)


def _wrong_password(stage: Stage) -> None:
    owner, stranger = stage.owner(), stage.owner("stranger")
    mistyped = random_text(SystemEntropy(), PASSPHRASE_OCTETS)
    with stage.step(WRONG):
        owner.try_to_sign_in(SIGN_IN, stage.person.email, mistyped)
    with stage.step(UNKNOWN):
        stranger.try_to_sign_in(SIGN_IN, NOBODY, mistyped)
    _signed_in(stage, owner)


def _expiry(stage: Stage) -> None:
    victim = _signed_in(stage, stage.owner())
    thief, _ = _robbed(stage, victim)
    with stage.step(READ):
        victim.read(PROTECTED)
    stage.pass_time(PAST_ACCESS)
    with stage.step(COPY_LATER):
        thief.ask(PROTECTED)
    with stage.step(OWN_LATER):
        victim.ask(PROTECTED)
    stage.pass_time(PAST_IDLE)
    with stage.step(IDLE):
        victim.ask(PROTECTED)


def _elsewhere(stage: Stage) -> None:
    victim = _signed_in(stage, stage.owner())
    thieves = _robbed(stage, victim)
    with stage.step(READ):
        victim.read(PROTECTED)
    phone = _signed_in(stage, stage.owner("phone"), PHONE)
    with stage.step(EVERYWHERE):
        ended_ns = phone.end_others(END_OTHERS)
    _replayed(stage, thieves, ended_ns)
    with stage.step(PHONE_READS):
        phone.read(PROTECTED)


LOGOUT_REPLAY: Final = Scenario(
    Plot(
        "logout",
        "login, read, logout, replay",
        "Alice signs in, reads, and signs out. A thief has copied her cookies before. Then the "
        "copies are used.",
        (LOGIN, THEFT, READ, LOGOUT, REPLAY, REPLAY_REFRESH),
        "the logout",
    ),
    _logout,
)
SCENARIOS: Final = {
    one.plot.id: one
    for one in (
        LOGOUT_REPLAY,
        Scenario(
            Plot(
                "elsewhere",
                "sign out everywhere else",
                "Alice is signed in on two devices. From her phone she ends the other sign-in, "
                "whose cookies a thief has copied. The phone goes on.",
                (LOGIN, THEFT, READ, PHONE, EVERYWHERE, REPLAY, REPLAY_REFRESH, PHONE_READS),
                "ending every other sign-in",
            ),
            _elsewhere,
        ),
        Scenario(
            Plot(
                "expiry",
                "expiry",
                "Time ends credentials, too: a copy after five minutes, her browser after five "
                "minutes, and her browser after a week without use.",
                (LOGIN, THEFT, READ, COPY_LATER, OWN_LATER, IDLE),
            ),
            _expiry,
        ),
        Scenario(
            Plot(
                "wrong-password",
                "wrong password",
                "A mistyped passphrase and an address without an account: both cost the same work "
                "and get the same answer. Then the right one.",
                (WRONG, UNKNOWN, LOGIN),
            ),
            _wrong_password,
        ),
    )
}
