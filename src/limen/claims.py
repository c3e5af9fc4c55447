"""What an access token says, and the checks that decide whether to believe it.

The profile is RFC 9068 with three private claims: `sid` (the session), `iat_ms` and, where
there are any, `roles`. No personal data is put into a token.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from limen.errors import ConfigurationError, InvalidToken
from limen.evidence import Check, Duration, Evidence, Public, Size
from limen.jose import MAXIMUM_NUMBER, UnverifiedToken, parse, sign, strict_json, verify_signature
from limen.keyring import Key, Keyring
from limen.secret import Secret
from limen.verdict import Reason

DEFAULT_LEEWAY: Final = 5_000  # ms; clocks that NTP keeps differ by far less
MAXIMUM_LEEWAY: Final = 60_000  # ms; more would hide a broken clock
DEFAULT_LIFETIME: Final = 300_000  # ms
MAXIMUM_TEXT: Final = 256  # characters of an identifier
MAXIMUM_ENTRIES: Final = 64  # of a list

_SHOWN: Final = re.compile(r"[A-Za-z0-9+/._:-]{1,64}")


@dataclass(frozen=True, slots=True)
class Claims:
    """The verified statements of a token. Times are in milliseconds.

    `token_id` is `jti`, `methods` is `amr`, `authenticated_at` is `auth_time` and 0, which
    is longer ago than anybody may ask for, if the token does not say.
    """

    issuer: str
    audience: tuple[str, ...]
    subject: str
    session_id: str
    token_id: str
    issued_at: int
    expires_at: int
    authenticated_at: int
    methods: tuple[str, ...]
    roles: frozenset[str]
    key_id: str


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """What tokens are made with and must have. Times are in milliseconds.

    `lifetime` is the longest that is accepted. `leeway` excuses a clock that is behind the
    issuer's: it applies to `nbf`, `iat` and the lifetime, and never to `exp`, which is
    strict. Raises `ConfigurationError` for a leeway above 60 seconds (RFC 7519 section
    4.1.4 allows "a few minutes", which would be most of a token's life).
    """

    issuer: str
    audience: str
    typ: str = "at+jwt"
    leeway: int = DEFAULT_LEEWAY
    lifetime: int = DEFAULT_LIFETIME

    def __post_init__(self) -> None:
        for name in ("issuer", "audience", "typ"):
            if not getattr(self, name):
                raise ConfigurationError(name, "is empty.", "Name it; tokens are bound to it.")
        if not 0 <= self.leeway <= MAXIMUM_LEEWAY:
            raise ConfigurationError(
                "leeway",
                f"is {self.leeway} ms; 0 to {MAXIMUM_LEEWAY} is allowed.",
                "Set the clock by NTP instead.",
            )
        if self.lifetime <= 0:
            raise ConfigurationError("lifetime", "is not positive.", "Give it in milliseconds.")


@dataclass(frozen=True, slots=True)
class Examination:
    """Every check that was applied, in order, and what they proved.

    `claims` is set only if all of them passed. `key_id` is what the token says, as soon as
    it could be read; before the check named `signature` it proves nothing.
    """

    checks: tuple[Check, ...]
    claims: Claims | None
    key_id: str | None

    @property
    def reason(self) -> Reason | None:
        """Why the token is refused; `None` if it is not."""
        return next((check.reason for check in self.checks if not check.ok), None)


def mint(
    policy: TokenPolicy,
    key: Key,
    *,
    subject: str,
    session_id: str,
    token_id: str,
    issued_at: int,
    expires_at: int,
    authenticated_at: int,
    methods: tuple[str, ...],
    roles: frozenset[str],
) -> Secret:
    """Return a signed access token. Times are in milliseconds.

    `exp` is rounded down to a whole second: a token never outlives what was promised.
    """
    claims: dict[str, object] = {
        "iss": policy.issuer,
        "aud": policy.audience,
        "sub": subject,
        "sid": session_id,
        "jti": token_id,
        "iat": issued_at // 1000,
        # A second is too coarse for "sign out everywhere, then sign in again": the new
        # token would fall under the revocation of the old ones.
        "iat_ms": issued_at,
        "exp": expires_at // 1000,
        "auth_time": authenticated_at // 1000,
        "amr": list(methods),
    }
    if roles:
        claims["roles"] = sorted(roles)
    return sign(claims, key, policy.typ)


def examine(token: str, keys: Keyring, policy: TokenPolicy, now: int) -> Examination:
    """Apply every check in order and stop at the first that fails. Never raises.

    No claim is read before the signature is verified. `now` is in milliseconds.
    """
    checks: list[Check] = []
    size = Size(len(token))
    try:
        parsed = parse(token)
    except InvalidToken as refusal:
        return Examination(
            (Check("shape", ok=False, reason=refusal.reason, detail=size),), None, None
        )
    checks.append(Check("shape", ok=True, detail=size))
    key_id = parsed.header.get("kid")
    key = keys.find(key_id) if key_id is not None else None
    for check in _header_checks(parsed, key, policy):
        checks.append(check)
        if not check.ok:
            return Examination(tuple(checks), None, key_id)
    claims: Claims | None = None
    stated = _object_or_none(parsed.payload)
    if stated is not None and key is not None:
        claims = _claims(stated, key.id)
    checks.append(_check("claims", claims is not None, Reason.BAD_CLAIMS))
    if claims is None or stated is None:
        return Examination(tuple(checks), None, key_id)
    for check in _claim_checks(claims, stated.get("nbf"), policy, now):
        checks.append(check)
        if not check.ok:
            return Examination(tuple(checks), None, key_id)
    return Examination(tuple(checks), claims, key_id)


def _check(name: str, ok: bool, reason: Reason, detail: Evidence | None = None) -> Check:
    return Check(name, ok, None if ok else reason, detail)


def _header_checks(token: UnverifiedToken, key: Key | None, policy: TokenPolicy) -> Iterator[Check]:
    typ = token.header.get("typ", "")
    # RFC 8725 section 3.11: explicit typing; RFC 7515 section 4.1.9: "application/" may go.
    wanted = policy.typ.lower()
    right = typ.lower() in {wanted, f"application/{wanted}"}
    yield _check("typ", right, Reason.WRONG_TYPE, _shown(typ))
    yield _check("key", key is not None, Reason.UNKNOWN_KEY, _shown(token.header.get("kid", "")))
    if key is None:
        return
    alg = token.header["alg"]
    yield _check("alg", alg == key.algorithm.value, Reason.WRONG_ALGORITHM, _shown(alg))
    yield _check("signature", verify_signature(token, key), Reason.BAD_SIGNATURE)


def _claim_checks(
    claims: Claims, not_before: float | None, policy: TokenPolicy, now: int
) -> Iterator[Check]:
    yield _check("iss", claims.issuer == policy.issuer, Reason.WRONG_ISSUER, _shown(claims.issuer))
    yield _check(
        "aud", policy.audience in claims.audience, Reason.WRONG_AUDIENCE, _shown(policy.audience)
    )
    yield _check("exp", now < claims.expires_at, Reason.EXPIRED, _from(now, claims.expires_at))
    latest = now + policy.leeway
    if not_before is not None:
        start = _milliseconds(not_before)
        yield _check("nbf", start <= latest, Reason.NOT_YET_VALID, _from(now, start))
    issued = claims.issued_at
    yield _check("iat", issued <= latest, Reason.NOT_YET_VALID, _from(now, issued))
    lifetime = claims.expires_at - issued
    yield _check(
        "lifetime",
        lifetime <= policy.lifetime + policy.leeway,
        Reason.LIVES_TOO_LONG,
        Duration(lifetime / 1000),
    )


def _from(now: int, at: int) -> Duration:
    return Duration((at - now) / 1000)


def _shown(text: str) -> Public:
    """Show what a token says only if it is plain: its sender chose the characters."""
    return Public(text if _SHOWN.fullmatch(text) else "(not shown)")


def _object_or_none(payload: bytes) -> dict[str, Any] | None:
    try:
        return strict_json(payload)
    except InvalidToken:
        return None


def _claims(stated: Mapping[str, Any], key_id: str) -> Claims | None:
    """Read the claims; `None` if one is missing or of the wrong type."""
    issuer, subject = stated.get("iss"), stated.get("sub")
    session_id, token_id = stated.get("sid"), stated.get("jti")
    audience = stated.get("aud")
    audiences = _texts([audience] if isinstance(audience, str) else audience)
    methods = _texts(stated.get("amr", []))
    roles = _texts(stated.get("roles", []))
    issued_at = _issued_at(stated)
    expires, authenticated = stated.get("exp"), stated.get("auth_time", 0)
    if (
        not (_text(issuer) and _text(subject) and _text(session_id) and _text(token_id))
        or not audiences
        or methods is None
        or roles is None
        or issued_at is None
        or not (_date(expires) and _date(authenticated) and _date(stated.get("nbf", 0)))
    ):
        return None
    return Claims(
        issuer=issuer,
        audience=audiences,
        subject=subject,
        session_id=session_id,
        token_id=token_id,
        issued_at=issued_at,
        expires_at=_milliseconds(expires),
        authenticated_at=_milliseconds(authenticated),
        methods=methods,
        roles=frozenset(roles),
        key_id=key_id,
    )


def _issued_at(stated: Mapping[str, Any]) -> int | None:
    """Return `iat` in milliseconds, from `iat_ms` if that is there and agrees."""
    issued = stated.get("iat")
    if not _date(issued):
        return None
    if "iat_ms" not in stated:
        return _milliseconds(issued)
    exact = stated["iat_ms"]
    if not _date(exact) or not isinstance(exact, int) or exact // 1000 != issued:
        return None
    return exact


def _date(value: Any) -> TypeGuard[float]:
    """Tell whether a value is a NumericDate; a boolean is not, though Python says it is."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and 0 <= value <= MAXIMUM_NUMBER


def _milliseconds(seconds: float) -> int:
    return math.floor(seconds * 1000)


def _text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and 1 <= len(value) <= MAXIMUM_TEXT


def _texts(value: Any) -> tuple[str, ...] | None:
    """Return a list of texts, `None` if it is anything else."""
    if not isinstance(value, list) or len(value) > MAXIMUM_ENTRIES:
        return None
    return tuple(value) if all(_text(one) for one in value) else None
