"""Cards about the keys that sign: lost in a restart, and leaked."""

from __future__ import annotations

import base64
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from limen.entropy import SystemEntropy, random_text
from limen.lab.attacks.card import Card, Probe
from limen.lab.attacks.measures import status_of
from limen.lab.playing.clients import ACCESS
from limen.lab.run import Plot, Step
from limen.lab.scenarios.roles import STAFF_LOGIN, staff_signed_in
from limen.lab.scenarios.steps import LOGIN, READING, THEFT, signed_in
from limen.lab.servers.back_office import ADMIN, END_SIGN_INS, KEYS, WITHDRAW_KEY
from limen.lab.servers.site import FOR_ADMINS, PROTECTED
from limen.phase import Phase

if TYPE_CHECKING:
    from limen.lab.playing.clients import Thief
    from limen.lab.playing.stage import Stage
    from limen.lab.servers.site import Site

ID_OCTETS: Final = 16

COPY_AFTER: Final = Step(
    "access credential after the restart",
    "The server restarts with new keys: the access credential alone is used",
    READING,
)
BROWSER_AFTER: Final = Step(
    "browser after the restart", "Read: her browser asks, which has everything", READING
)
FORGED: Final = Step(
    "forged", "The thief signs a token of Alice as administrator and uses it", READING
)
ENDED: Final = Step(
    "every sign-in ended", "An administrator ends every sign-in of Alice", (Phase.AUTHZ_DECIDE,)
)
FORGED_ANEW: Final = Step("forged anew", "The thief signs another one and uses it", READING)
WITHDRAWN: Final = Step(
    "key withdrawn", "The administrator withdraws the leaked key", (Phase.AUTHZ_DECIDE,)
)
FORGED_AT_LAST: Final = Step(
    "forged at last", "The thief signs yet another one and uses it", READING
)


def _restarted(stage: Stage) -> None:
    alice = signed_in(stage, stage.owner())
    thief = stage.thief()
    with stage.step(THEFT):
        thief.steal(alice, ACCESS)
    stage.nodes.restart(lambda: _lose_keys(stage.site))
    with stage.step(COPY_AFTER):
        thief.ask(PROTECTED)
    with stage.step(BROWSER_AFTER):
        alice.ask(PROTECTED)


def _lose_keys(site: Site) -> None:
    """Delete the keys while nobody serves, so that new ones are made at the start."""
    with closing(sqlite3.connect(site.database)) as connection, connection:
        connection.execute("delete from limen_key")


RESTARTED: Final = Card(
    "A15",
    Plot(
        "A15",
        "restart with new signing keys",
        "The server process ends, its signing keys are lost, and it starts again with new ones.",
        (LOGIN, THEFT, COPY_AFTER, BROWSER_AFTER),
    ),
    _restarted,
    "The server has restarted with new keys. What does her browser get, which has everything?",
    BROWSER_AFTER.name,
    ("200", "401"),
    {"jwt-only": "401", "jwt": "200", "session": "200", "hybrid": "200"},
    "What is behind the token: without a row to renew from, everybody has to sign in again.",
    "Keep the keys, which Limen does in the store: a restart alone changes none. Rotate instead "
    "of replacing, so that the old key still verifies.",
    probes=(
        Probe(
            "And the access credential by itself?",
            {"jwt-only": "401", "jwt": "401", "session": "200", "hybrid": "401"},
            status_of(COPY_AFTER),
        ),
    ),
    nodes=1,
    see=("A16",),
)


def _leaked(stage: Stage) -> None:
    thief = stage.thief()
    leaked = Leaked(stage.site)
    with stage.step(FORGED):
        leaked.use(thief, stage.account)
    admin = staff_signed_in(stage)
    with stage.step(ENDED):
        admin.ask(END_SIGN_INS, "POST", {"account": stage.account})
    with stage.step(FORGED_ANEW):
        leaked.use(thief, stage.account)
    with stage.step(WITHDRAWN):
        known = admin.send("GET", KEYS).json()["keys"]
        signing = [one["id"] for one in known if one["status"] == "signing"]
        admin.ask(WITHDRAW_KEY, "POST", {"id": signing[0]})
    with stage.step(FORGED_AT_LAST):
        leaked.use(thief, stage.account)


class Leaked:
    """The private key with which a site signs, in the hands of somebody else.

    Limen gives no private key away; this one is taken out of the memory of the server, as
    whoever can read that memory could.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._key = site.limen.assembly.keys.keyring.signing

    def use(self, thief: Thief, subject: str) -> None:
        """Sign a token of somebody as an administrator, and ask with it."""
        thief.kept_by_script[ACCESS] = self._token_of(subject)
        thief.send("GET", FOR_ADMINS)

    def _token_of(self, subject: str) -> str:
        limen = self._site.limen
        policy, now = limen.settings.token_policy(), limen.assembly.clock.now()
        entropy = SystemEntropy()
        claims = {
            "iss": policy.issuer,
            "aud": policy.audience,
            "sub": subject,
            "sid": random_text(entropy, ID_OCTETS),
            "jti": random_text(entropy, ID_OCTETS),
            "iat": now // 1000,
            "iat_ms": now,
            "exp": now // 1000 + policy.lifetime // 1000,
            "roles": [ADMIN],
        }
        algorithm = self._key.algorithm.value
        header = {"alg": algorithm, "kid": self._key.id, "typ": policy.typ}
        signed = b".".join(_segment(json.dumps(one).encode()) for one in (header, claims))
        private: Any = self._key.jose.get_op_key("sign")
        signature = private.sign(signed)  # Ed25519, the default, takes no more than that
        return (signed + b"." + _segment(signature)).decode()


def _segment(octets: bytes) -> bytes:
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


_FORGEABLE: Final = {"jwt-only": "200", "jwt": "200", "session": "401", "hybrid": "200"}

LEAKED: Final = Card(
    "A16",
    Plot(
        "A16",
        "a leaked signing key",
        "A thief has the private signing key. Alice has never signed in; the thief writes a token "
        "that says she is an administrator.",
        (FORGED, STAFF_LOGIN, ENDED, FORGED_ANEW, WITHDRAWN, FORGED_AT_LAST),
    ),
    _leaked,
    "The thief signs a token that names Alice, and shows it. What is the answer?",
    FORGED.name,
    ("200", "401", "403"),
    _FORGEABLE,
    "What the credential is: who has the key can write any statement, for anybody, and no row "
    "says otherwise. A random id is made by nobody but the store.",
    "Withdraw the key. With `session` a leaked key opens nothing of this application.",
    probes=(
        Probe(
            "And after every sign-in of Alice was ended?",
            _FORGEABLE,
            status_of(FORGED_ANEW),
        ),
        Probe(
            "And after the key was withdrawn?",
            dict.fromkeys(("jwt-only", "jwt", "session", "hybrid"), "401"),
            status_of(FORGED_AT_LAST),
        ),
    ),
    staff=True,
    see=("A15", "A8"),
)

CARDS: Final = (RESTARTED, LEAKED)
