"""Edit and resend: a credential of a fresh sign-in, changed in one place, and really sent.

Most edits change the text of a token, as whoever holds one can. Two take a token that the
same keys signed for somebody else, because no edit gets past the signature.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from limen import BlockingLimen, Refused
from limen.lab.playing.clients import ACCESS, Owner
from limen.lab.playing.stage import carried_out
from limen.lab.reading.answers import answers_of
from limen.lab.run import Plot, Step
from limen.lab.scenarios import LOGIN, READ, SIGN_IN
from limen.lab.servers.site import PROTECTED
from limen.lab.wire.tokens import stopped_at

if TYPE_CHECKING:
    from limen.lab.playing.stage import Stage
    from limen.lab.run import Column, Run
    from limen.lab.setups import Setup
    from limen.trace.event import RecordedCheck

RESEND: Final = Step("resend", "Resend: the same request with the changed credential")
EDITED: Final = "edited"
# The access token of the presets lives 300 s.
_PAST: Final = 301_000


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a credential. `refused_by` is the check that must refuse it."""

    id: str
    title: str
    why: str
    refused_by: str
    change: Callable[[Stage, str], str] = field(repr=False)
    signed: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an edit: the statuses before and after, and the check that refused it."""

    edit: Edit
    column: str
    untouched: int
    status: int
    stopped: RecordedCheck | None


def edits_for(setup: Setup) -> tuple[Edit, ...]:
    """Return the edits that make sense for what a setup hands out."""
    signed = setup.strategy != "session"
    return tuple(one for one in EDITS.values() if one.signed == signed)


def edited(edit: Edit, setup: Setup) -> Run:
    """Sign in under a setup, read once, and read again with the changed credential. Blocks."""
    title = f"edit and resend: {edit.title}"
    plot = Plot(f"{EDITED}-{edit.id}", title, edit.why, (LOGIN, READ, RESEND))
    return carried_out(plot, _script(edit), None, setups=(setup,), store_for=None)


def outcome_of(run: Run) -> Outcome | None:
    """Return what came of an edit, `None` for a run that is none."""
    edit = EDITS.get(run.plot.id.removeprefix(f"{EDITED}-"))
    if edit is None:
        return None
    column = run.columns[0]
    statuses = {step.name: given[0].status for step, given in answers_of(run) if given[0]}
    return Outcome(edit, column.name, statuses[READ.name], statuses[RESEND.name], _stopped(column))


def _stopped(column: Column) -> RecordedCheck | None:
    return stopped_at(list(column.in_step(RESEND.name)))


def _script(edit: Edit) -> Callable[[Stage], None]:
    def script(stage: Stage) -> None:
        owner = stage.owner()
        with stage.step(LOGIN):
            owner.sign_in(SIGN_IN, stage.person.email, stage.person.passphrase)
        with stage.step(READ):
            owner.read(PROTECTED)
        with stage.step(RESEND):
            _resend(stage, owner, edit)

    return script


def _resend(stage: Stage, owner: Owner, edit: Edit) -> None:
    """Send the changed credential and nothing else of what the owner holds."""
    changed = edit.change(stage, owner.credential(ACCESS) or "")
    if stage.site.setup.by_cookie:
        name = owner.copy_of_jar(ACCESS)[0].name
        owner.send("GET", PROTECTED, cookies={name: changed})
    else:
        owner.send("GET", PROTECTED, headers={"Authorization": f"Bearer {changed}"})


def _segments(token: str) -> list[str]:
    return token.split(".")


def _read(segment: str) -> dict[str, Any]:
    octets = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    return dict(json.loads(octets))


def _written(members: Mapping[str, Any]) -> str:
    octets = json.dumps(members, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def _claiming(**claims: Any) -> Callable[[Stage, str], str]:
    """Write other claims and leave the signature as it is."""

    def change(_: Stage, token: str) -> str:
        header, payload, signature = _segments(token)
        return ".".join((header, _written(_read(payload) | claims), signature))

    return change


def _headed(signature: bool = True, **members: Any) -> Callable[[Stage, str], str]:
    """Write other members of the header."""

    def change(_: Stage, token: str) -> str:
        header, payload, signed = _segments(token)
        return ".".join((_written(_read(header) | members), payload, signed if signature else ""))

    return change


def _later(_: Stage, token: str) -> str:
    header, payload, signature = _segments(token)
    claims = _read(payload)
    claims["exp"] += 86_400 * 365
    return ".".join((header, _written(claims), signature))


def _unsigned(_: Stage, token: str) -> str:
    return ".".join((*_segments(token)[:2], ""))


def _flipped(_: Stage, credential: str) -> str:
    """Change one character in the middle of the last part; every bit of it counts."""
    at = len(credential) - 20
    other = "A" if credential[at] != "A" else "B"
    return credential[:at] + other + credential[at + 1 :]


def _expired(stage: Stage, token: str) -> str:
    stage.pass_time(_PAST)
    return token


def _issued_as(*, issuer: str = "limen", audience: str = "limen") -> Callable[[Stage, str], str]:
    """Return a token that the same keys signed under other settings, for the same person."""

    def change(stage: Stage, _: str) -> str:
        own = stage.site.limen.settings
        other = replace(own, sink=None, issuer=issuer, audience=audience)
        with BlockingLimen(settings=other, clock=stage.site.clock) as limen:
            signed_in = limen.sign_in(stage.person.email, stage.person.passphrase)
        if isinstance(signed_in, Refused):
            # TRY004 would have a TypeError, but the person is refused, not the type.
            raise RuntimeError(f"she could not sign in there: {signed_in.reason.value}")  # noqa: TRY004 - see above
        return signed_in.issued.access.reveal()

    return change


def _cut(_: Stage, credential: str) -> str:
    return credential[: len(credential) // 2]


EDITS: Final[Mapping[str, Edit]] = {
    one.id: one
    for one in (
        Edit(
            "sub",
            "another person in sub",
            "Whoever holds a token can write another name into it, and cannot sign it again.",
            "signature",
            _claiming(sub="usr_somebody_else"),
        ),
        Edit(
            "roles",
            "the role admin in roles",
            "A role can be written into a token by anybody, and believed by nobody.",
            "signature",
            _claiming(roles=["admin"]),
        ),
        Edit(
            "exp",
            "exp one year later",
            "A token that lives longer is another token, and nobody signed it.",
            "signature",
            _later,
        ),
        Edit(
            "aud",
            "another aud, written into the token",
            "The signature is looked at before any claim, so the audience never comes up.",
            "signature",
            _claiming(aud="another-service"),
        ),
        Edit(
            "flip",
            "one character of the signature",
            "A signature is right or wrong; there is no nearly.",
            "signature",
            _flipped,
        ),
        Edit(
            "drop",
            "no signature",
            "The text is cut after its second dot. What has no signature is no token.",
            "shape",
            _unsigned,
        ),
        Edit(
            "none",
            "alg none, signature dropped",
            "An unsigned token that says so itself (RFC 8725 section 2.1).",
            "shape",
            _headed(signature=False, alg="none"),
        ),
        Edit(
            "none-signed",
            "alg none, signature kept",
            "The key decides which algorithm is right; the token's word is only compared with it.",
            "alg",
            _headed(alg="none"),
        ),
        Edit(
            "hs256",
            "alg of a shared secret",
            "HS256: a server that obeyed would take its public key for a shared secret.",
            "alg",
            _headed(alg="HS256"),
        ),
        Edit(
            "kid",
            "a key id that there is not",
            "Keys come from the server's own store, never from what a token names.",
            "key",
            _headed(kid="somebody-elses-key"),
        ),
        Edit(
            "jku",
            "an address of keys in the header (jku)",
            "Three members are known. Any other is refused, whatever it says.",
            "shape",
            _headed(jku="https://keys.example/jwks.json"),
        ),
        Edit(
            "typ",
            "typ of another kind of token",
            "JWT, as an ID token may have it: one kind of token cannot stand in for another.",
            "typ",
            _headed(typ="JWT"),
        ),
        Edit(
            "aud-signed",
            "signed by the same keys for another aud",
            "The signature is right this time. The token is not for this service.",
            "aud",
            _issued_as(audience="another-service"),
        ),
        Edit(
            "iss-signed",
            "signed by the same keys in the name of another iss",
            "The signature is right this time. The issuer is not who this service believes.",
            "iss",
            _issued_as(issuer="another-issuer"),
        ),
        Edit(
            "expired",
            "the token itself, 301 s later",
            "Nothing is changed but the server's clock.",
            "exp",
            _expired,
        ),
        Edit(
            "character",
            "one character of the session id",
            "There is nothing to read and nothing to forge in it: another id is a stranger's.",
            "session exists",
            _flipped,
            signed=False,
        ),
        Edit(
            "half",
            "the first half of the session id",
            "What does not look like an id is not even looked up.",
            "recognised",
            _cut,
            signed=False,
        ),
    )
}
