"""What an access token says, and the checks that decide whether to believe it.

The profile is RFC 9068 with three private claims: `sid` (the session), `iat_ms` and, where
there are any, `roles`. No personal data is put into a token.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeGuard

from limen.assurance import LEVELS, acr_of, reaches
from limen.errors import ConfigurationError, InvalidToken
from limen.evidence import Check, Duration, Evidence, Public, Size
from limen.jose import UnverifiedToken, parse, sign, verify_signature
from limen.keyring import Key, Keyring
from limen.secret import Secret
from limen.strict import MAXIMUM_NUMBER, strict_json
from limen.verdict import Reason

DEFAULT_LEEWAY: Final = 5_000  # ms; clocks that NTP keeps differ by far less
MAXIMUM_LEEWAY: Final = 60_000  # ms; more would hide a broken clock
DEFAULT_LIFETIME: Final = 300_000  # ms
MAXIMUM_TEXT: Final = 256  # characters of an identifier
MAXIMUM_ENTRIES: Final = 64  # of a list

_NONE: Final[list[str]] = []
_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # a SHA-256 (RFC 7638 section 3)
_SHOWN: Final = re.compile(r"[A-Za-z0-9+/._:-]{1,64}")


class Claims(NamedTuple):
    """The verified statements of a token. Times are in milliseconds.

    `token_id` is `jti`, `methods` is `amr`, `authenticated_at` is `auth_time` and 0, which
    is longer ago than anybody may ask for, if the token does not say. `not_before` is
    `nbf`, `None` if the token does not say. `bound_to` is the thumbprint in `cnf`, `None` for a
    token that whoever holds it may use.
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
    not_before: int | None = None
    bound_to: str | None = None


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
    bound_to: str | None = None,
) -> Secret:
    """Return a signed access token. Times are in milliseconds.

    `exp` is rounded down to a whole second: a token never outlives what was promised.
    `bound_to` is the thumbprint of the key that its user must prove to hold (RFC 9449 section 6).
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
        "acr": acr_of(methods),
    }
    if roles:
        claims["roles"] = sorted(roles)
    if bound_to is not None:
        claims["cnf"] = {"jkt": bound_to}
    return sign(claims, key, policy.typ)


class Examination:
    """One token under the rules: what they found out, up to the first that it breaks.

    `reason` is why it is refused, `None` if it is not.
    """

    __slots__ = ("_broken", "key", "keys", "now", "policy", "reason", "stated", "text", "token")

    token: UnverifiedToken
    key: Key
    stated: Claims  # read, and not to be believed before every rule holds

    def __init__(self, text: str, keys: Keyring, policy: TokenPolicy, now: int) -> None:
        """Apply every rule in order, up to the first that the token breaks."""
        self.text = text
        self.keys = keys
        self.policy = policy
        self.now = now
        self.reason: Reason | None = None
        self._broken: _Rule | None = None
        try:
            self.token = parse(text)
        except InvalidToken as refusal:
            self._broken, self.reason = _SHAPE, refusal.reason
            return
        for rule in _RULES:
            if not rule.holds(self):
                self._broken, self.reason = rule, rule.reason
                return

    @property
    def claims(self) -> Claims | None:
        """What the token states, if every rule holds."""
        return self.stated if self._broken is None else None

    @property
    def key_id(self) -> str | None:
        """The key id that the token names; before the rule `signature` it proves nothing."""
        return None if self._broken is _SHAPE else self.token.header.key_id

    def checks(self) -> tuple[Check, ...]:
        """Return every rule that was applied, in order: made only for whoever looks."""
        applied: list[Check] = []
        for rule in (_SHAPE, *_RULES):
            if rule is self._broken:
                applied.append(Check(rule.name, False, self.reason, rule.detail(self)))
                break
            if rule.name != "nbf" or self.stated.not_before is not None:
                applied.append(Check(rule.name, True, None, rule.detail(self)))
        return tuple(applied)


def examine(token: str, keys: Keyring, policy: TokenPolicy, now: int) -> Examination:
    """Apply every rule in order and stop at the first that the token breaks. Never raises.

    No claim is read before the signature is verified. `now` is in milliseconds.
    """
    return Examination(token, keys, policy, now)


class _Rule(NamedTuple):
    """One rule, why a token that breaks it is refused, and what a trace shows of it.

    `holds` may use what the rules before it found, and leaves in the examination what it finds.
    """

    name: str
    reason: Reason
    holds: Callable[[Examination], bool]
    detail: Callable[[Examination], Evidence | None] = lambda _: None


def _is_typed(seen: Examination) -> bool:
    # RFC 8725 section 3.11: explicit typing; RFC 7515 section 4.1.9: "application/" may go.
    typ, wanted = seen.token.header.type, seen.policy.typ
    return typ == wanted or typ.lower().removeprefix("application/") == wanted.lower()


def _has_key(seen: Examination) -> bool:
    key_id = seen.token.header.key_id
    key = seen.keys.find(key_id) if key_id is not None else None
    if key is None:
        return False
    seen.key = key
    return True


def _is_readable(seen: Examination) -> bool:
    try:
        stated = strict_json(seen.token.payload)
    except InvalidToken:
        return False
    claims = _claims(stated, seen.key.id)
    if claims is None:
        return False
    seen.stated = claims
    return True


def _has_begun(seen: Examination) -> bool:
    start = seen.stated.not_before
    return start is None or start <= seen.now + seen.policy.leeway


def _lifetime(seen: Examination) -> int:
    return seen.stated.expires_at - seen.stated.issued_at


def _until(seen: Examination, moment: int | None) -> Duration | None:
    return None if moment is None else Duration((moment - seen.now) / 1000)


def _shown(text: str | None) -> Public:
    """Show what a token says only if it is plain: its sender chose the characters."""
    return Public(text if text and _SHOWN.fullmatch(text) else "(not shown)")


_SHAPE: Final = _Rule(
    "shape",
    Reason.MALFORMED,  # or what `parse` says
    lambda _: True,
    lambda seen: Size(len(seen.text) if isinstance(seen.text, str) else 0),
)
_RULES: Final = (
    _Rule("typ", Reason.WRONG_TYPE, _is_typed, lambda seen: _shown(seen.token.header.type)),
    _Rule("key", Reason.UNKNOWN_KEY, _has_key, lambda seen: _shown(seen.token.header.key_id)),
    _Rule(
        "alg",
        Reason.WRONG_ALGORITHM,
        lambda seen: seen.token.header.algorithm == seen.key.algorithm,
        lambda seen: _shown(seen.token.header.algorithm),
    ),
    _Rule(
        "signature",
        Reason.BAD_SIGNATURE,
        lambda seen: verify_signature(seen.token, seen.key),
    ),
    _Rule("claims", Reason.BAD_CLAIMS, _is_readable),
    _Rule(
        "iss",
        Reason.WRONG_ISSUER,
        lambda seen: seen.stated.issuer == seen.policy.issuer,
        lambda seen: _shown(seen.stated.issuer),
    ),
    _Rule(
        "aud",
        Reason.WRONG_AUDIENCE,
        lambda seen: seen.policy.audience in seen.stated.audience,
        lambda seen: _shown(seen.policy.audience),
    ),
    _Rule(
        "exp",
        Reason.EXPIRED,
        lambda seen: seen.now < seen.stated.expires_at,
        lambda seen: _until(seen, seen.stated.expires_at),
    ),
    _Rule(
        "nbf",
        Reason.NOT_YET_VALID,
        _has_begun,
        lambda seen: _until(seen, seen.stated.not_before),
    ),
    _Rule(
        "iat",
        Reason.NOT_YET_VALID,
        lambda seen: seen.stated.issued_at <= seen.now + seen.policy.leeway,
        lambda seen: _until(seen, seen.stated.issued_at),
    ),
    _Rule(
        "lifetime",
        Reason.LIVES_TOO_LONG,
        lambda seen: _lifetime(seen) <= seen.policy.lifetime + seen.policy.leeway,
        lambda seen: Duration(_lifetime(seen) / 1000),
    ),
)


def _claims(stated: Mapping[str, Any], key_id: str) -> Claims | None:
    """Read the claims; `None` if one is missing or of the wrong type."""
    get = stated.get
    issuer, subject, session_id, token_id = get("iss"), get("sub"), get("sid"), get("jti")
    audience = get("aud")
    audiences = _texts([audience] if isinstance(audience, str) else audience)
    methods, roles = _texts(get("amr", _NONE)), _texts(get("roles", _NONE))
    issued_at, expires_at = _issued_at(stated), _date(get("exp"))
    authenticated_at = _date(get("auth_time", 0))
    not_before = _date(stated["nbf"]) if "nbf" in stated else None
    # Bound in a way that is not known here is not unbound.
    bound_to = _bound_to(stated["cnf"]) if "cnf" in stated else None
    if (
        not (_text(issuer) and _text(subject) and _text(session_id) and _text(token_id))
        or not audiences
        or methods is None
        or roles is None
        or issued_at is None
        or expires_at is None
        or authenticated_at is None
        or ("acr" in stated and not _is_earned(stated["acr"], methods))
        or (not_before is None and "nbf" in stated)
        or (bound_to is None and "cnf" in stated)
    ):
        return None
    return Claims(
        issuer,
        audiences,
        subject,
        session_id,
        token_id,
        issued_at,
        expires_at,
        authenticated_at,
        methods,
        frozenset(roles),
        key_id,
        not_before,
        bound_to,
    )


def _bound_to(confirmation: Any) -> str | None:
    """Return the thumbprint of the only key that a token is bound to (RFC 9449 section 6.1)."""
    if not isinstance(confirmation, dict) or confirmation.keys() != {"jkt"}:
        return None
    thumbprint = confirmation["jkt"]
    if not isinstance(thumbprint, str) or not _THUMBPRINT.fullmatch(thumbprint):
        return None
    return thumbprint


def _is_earned(acr: Any, methods: tuple[str, ...]) -> bool:
    """Tell whether a stated `acr` is a text and no level above what the methods reach."""
    return _text(acr) and (acr not in LEVELS or reaches(acr_of(methods), acr))


def _issued_at(stated: Mapping[str, Any]) -> int | None:
    """Return `iat` in milliseconds, from `iat_ms` if that is there and agrees."""
    issued_at = _date(stated.get("iat"))
    if issued_at is None or "iat_ms" not in stated:
        return issued_at
    exact = stated["iat_ms"]
    # What is both an integer and a date in milliseconds; a boolean is neither.
    if type(exact) is not int or not 0 <= exact <= MAXIMUM_NUMBER:
        return None
    return exact if exact // 1000 == stated["iat"] else None


def _date(value: Any) -> int | None:
    """Return a NumericDate in milliseconds; a boolean is none, though Python says it is."""
    if type(value) is int:
        return value * 1000 if 0 <= value <= MAXIMUM_NUMBER else None
    if type(value) is not float or not math.isfinite(value) or not 0 <= value <= MAXIMUM_NUMBER:
        return None
    return math.floor(value * 1000)


def _text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and 1 <= len(value) <= MAXIMUM_TEXT


def _texts(value: Any) -> tuple[str, ...] | None:
    """Return a list of texts, `None` if it is anything else."""
    if not isinstance(value, list) or len(value) > MAXIMUM_ENTRIES:
        return None
    for one in value:
        if not _text(one):
            return None
    return tuple(value)
