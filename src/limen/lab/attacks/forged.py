"""Cards about made-up credentials: each is refused, and the trace names the check."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from limen.lab.attacks import forge
from limen.lab.attacks.card import NO_STEP, Card, Probe, last_status
from limen.lab.attacks.forge import Draft
from limen.lab.attacks.measures import refusal_of, status_of
from limen.lab.playing.clients import ACCESS, REFRESH, REFRESH_PATH
from limen.lab.run import Plot, Step
from limen.lab.scenarios.steps import LOGIN, READING, THEFT, robbed, signed_in
from limen.lab.servers.site import BASE_PATH, FOR_ADMINS, PROTECTED

if TYPE_CHECKING:
    from typing import Any

    from limen.lab.attacks.card import Outcome
    from limen.lab.playing.stage import Stage
    from limen.lab.run import Column, Run

KEY_SET: Final = f"{BASE_PATH}/jwks"
NONE_GET_IN: Final = "none gets in"
SOME_GET_IN: Final = "some get in"
_SIGNED: Final = ("jwt-only", "jwt", "hybrid")
_UNKNOWN: Final = "401 by recognised"
_REFUSED: Final = dict.fromkeys((*_SIGNED, "session"), "401")
_ONLY_REFRESH: Final = {
    "jwt-only": NO_STEP,
    "jwt": "401 by family lives",
    "session": NO_STEP,
    "hybrid": "401 by family lives",
}
# What somebody writes who has never seen a token of this server.
_FROM_NOTHING: Final = Draft(
    {"alg": "EdDSA", "kid": "unknown", "typ": "at+jwt"},
    {"iss": "limen", "aud": "limen", "sub": "usr_unknown", "sid": "ses_unknown", "jti": "1"},
)

MADE_ADMIN: Final = Step(
    "says administrator",
    "Forgery: he writes the role of an administrator into his copy, or changes the id",
    READING,
)
FLIPPED: Final = Step("one character", "Forgery: one character of the copy is changed", READING)
FLIPPED_REFRESH: Final = Step(
    "one character of the refresh token", "Forgery: one character of the refresh token is changed"
)
KEYS: Final = Step("key set", "He reads the public keys, which anybody may")
MADE: Final = {
    name: Step(name, f"Forgery: {name}", READING) for name in forge.forgeries(_FROM_NOTHING, None)
}
GENUINE: Final = Step(
    "nothing changed", "Another program with the signing key signs what is right", READING
)
AUDIENCE: Final = Step("another audience", "It signs for another service", READING)
ISSUER: Final = Step("another issuer", "It signs in another name", READING)
TYPE: Final = Step("another type", "It signs a token of another type", READING)
LIFETIME: Final = Step("a longer life", "It signs for a day", READING)
REFRESH_AS_ACCESS: Final = Step(
    "refresh token as access", "A refresh token is presented as an access token", READING
)
ACCESS_AS_REFRESH: Final = Step("access as refresh token", "An access credential is traded")


def _draft(token: str | None) -> Draft:
    """Return what can be read of a copied token; a session id says nothing."""
    return Draft.of(token) if token and token.count(".") == 2 else _FROM_NOTHING  # noqa: PLR2004 - of a token


def _tampered(stage: Stage) -> None:
    thief, refresher = robbed(stage, signed_in(stage, stage.owner()))
    copy, forger = thief.credential(ACCESS) or "", stage.thief()
    changed = forge.flipped(copy)
    if "." in copy:
        signature = forge.signature_of(copy)
        changed = Draft.of(copy).saying(roles=["admin"]).with_signature(signature)
    with stage.step(MADE_ADMIN):
        forger.present(ACCESS, changed, FOR_ADMINS)
    with stage.step(FLIPPED):
        forger.present(ACCESS, forge.flipped(copy), PROTECTED)
    refresh = refresher.credential(REFRESH)
    if refresh is not None:
        with stage.step(FLIPPED_REFRESH):
            forger.send("POST", REFRESH_PATH, json={"refreshToken": forge.flipped(refresh)})


def _made_up(stage: Stage) -> None:
    thief, _ = robbed(stage, signed_in(stage, stage.owner()))
    forger = stage.thief()
    with stage.step(KEYS):
        published: list[Any] = forger.send("GET", KEY_SET).json().get("keys", [])
    draft = _draft(thief.credential(ACCESS))
    for name, token in forge.forgeries(draft, next(iter(published), None)).items():
        with stage.step(MADE[name]):
            forger.present(ACCESS, token, PROTECTED)


def _of_another(stage: Stage) -> None:
    thief, refresher = robbed(stage, signed_in(stage, stage.owner()))
    draft, forger = _draft(thief.credential(ACCESS)), stage.thief()
    key = stage.site.limen.assembly.parts.keys.keyring.signing.jose
    day = int(time.time()) + 86_400
    for step, other in (
        (GENUINE, draft.saying(jti="another")),
        (AUDIENCE, draft.saying(aud="another-service")),
        (ISSUER, draft.saying(iss="another-issuer")),
        (TYPE, draft.headed(typ="JWT")),
        (LIFETIME, draft.saying(exp=day)),
    ):
        with stage.step(step):
            forger.present(ACCESS, other.signed_by(key), PROTECTED)
    refresh = refresher.credential(REFRESH)
    if refresh is not None:
        with stage.step(REFRESH_AS_ACCESS):
            forger.present(ACCESS, refresh, PROTECTED)
        with stage.step(ACCESS_AS_REFRESH):
            access = thief.credential(ACCESS)
            forger.send("POST", REFRESH_PATH, json={"refreshToken": access})


def _got_in(run: Run, column: Column) -> Outcome:
    statuses = {last_status(run, column, step.name) for step in MADE.values()}
    return NONE_GET_IN if statuses == {"401"} else SOME_GET_IN


def _by(check: str) -> dict[str, Outcome]:
    return {**dict.fromkeys(_SIGNED, f"401 by {check}"), "session": _UNKNOWN}


def _where_refreshed(outcome: Outcome) -> dict[str, Outcome]:
    return {"jwt-only": NO_STEP, "jwt": outcome, "session": NO_STEP, "hybrid": outcome}


TAMPERED: Final = Card(
    "A8",
    Plot(
        "A8",
        "change what it says",
        "A thief changes his copy: he writes the role of an administrator into the token, or "
        "changes the session id.",
        (LOGIN, THEFT, MADE_ADMIN, FLIPPED, FLIPPED_REFRESH),
    ),
    _tampered,
    "What does the changed credential get where only administrators may go?",
    MADE_ADMIN.name,
    ("200", "401", "403"),
    _REFUSED,
    "What the credential is: what a token says is signed, and a session id says nothing that "
    "could be changed.",
    "Nothing needs to be changed.",
    probes=(
        Probe(
            "Which check refuses it?",
            {**_by("signature"), "session": "401 by session exists"},
            refusal_of(MADE_ADMIN),
        ),
        Probe(
            "And if only one character is changed?",
            {**_by("signature"), "session": "401 by session exists"},
            refusal_of(FLIPPED),
        ),
        Probe("And one of the refresh token?", _ONLY_REFRESH, refusal_of(FLIPPED_REFRESH)),
    ),
    see=("A9",),
)
# By which check each forgery must fall, where tokens are read at all.
_CHECKS: Final = {
    "alg none": "shape",
    "alg none, with a signature": "alg",
    "HS256 with the public key": "alg",
    "another algorithm": "alg",
    "a key of his own": "signature",
    "a key id of his own": "key",
    "a path as key id": "shape",
    "his key in the header": "shape",
    "an address of keys": "shape",
}
FORGED: Final = Card(
    "A9",
    Plot(
        "A9",
        "forge a token",
        "Forgeries that libraries have believed: no signature, another algorithm, the public key "
        "as a secret, keys that the token itself brings along.",
        (LOGIN, THEFT, KEYS, *MADE.values()),
    ),
    _made_up,
    "How many of the forged tokens are accepted?",
    MADE["a key of his own"].name,
    (NONE_GET_IN, SOME_GET_IN),
    dict.fromkeys((*_SIGNED, "session"), NONE_GET_IN),
    "Who chooses the algorithm and the key: the server, one algorithm for each key, and never "
    "what a token says of itself (RFC 8725 sections 3.1 and 3.10).",
    "Nothing needs to be changed.",
    measured=_got_in,
    probes=tuple(
        Probe(name, _by(check), refusal_of(MADE[name])) for name, check in _CHECKS.items()
    ),
)
MEANT_FOR_OTHERS: Final = Card(
    "A10",
    Plot(
        "A10",
        "a genuine token, meant for something else",
        "A program that holds the signing key signs tokens for other purposes. They are "
        "presented here.",
        (
            LOGIN,
            THEFT,
            GENUINE,
            AUDIENCE,
            ISSUER,
            TYPE,
            LIFETIME,
            REFRESH_AS_ACCESS,
            ACCESS_AS_REFRESH,
        ),
    ),
    _of_another,
    "The signature is right, and the token is meant for another service. What does it get?",
    AUDIENCE.name,
    ("200", "401"),
    _REFUSED,
    "What is checked besides the signature: a signature says who wrote a token, not whom it is "
    "meant for.",
    "Nothing needs to be changed. Give each service an `audience` of its own.",
    probes=(
        Probe(
            "The same token with nothing changed?",
            {**dict.fromkeys(_SIGNED, "200"), "session": "401"},
            status_of(GENUINE),
        ),
        Probe("Which check refuses another audience?", _by("aud"), refusal_of(AUDIENCE)),
        Probe("Another issuer?", _by("iss"), refusal_of(ISSUER)),
        Probe("Another type of token?", _by("typ"), refusal_of(TYPE)),
        Probe("A life of a day?", _by("lifetime"), refusal_of(LIFETIME)),
        Probe(
            "A refresh token as access token?",
            _where_refreshed("401 by shape"),
            refusal_of(REFRESH_AS_ACCESS),
        ),
        Probe(
            "An access token traded like a refresh token?",
            _where_refreshed("401 by shape"),
            refusal_of(ACCESS_AS_REFRESH),
        ),
    ),
)

CARDS: Final = (TAMPERED, FORGED, MEANT_FOR_OTHERS)
