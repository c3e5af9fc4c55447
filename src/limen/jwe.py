"""Encrypted session tokens as other front ends read and write them: compact JWE, RFC 7516.

NextAuth.js 4, Auth.js 5 and the cookie cache of better-auth each derive a key from a shared
secret and encrypt the claims under it directly. What was encrypted is authentic, but nothing
revokes it: a token is a hint at a session, and the session is what counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn, final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc.errors import JoseError
from joserfc.jwa import JWE_ENC_MODELS, JWEEncModel

from limen.entropy import Entropy
from limen.errors import InvalidToken
from limen.secret import Secret, octets_of
from limen.strict import compact_json, decode_segment, encode_segment, strict_json
from limen.verdict import Reason

MAXIMUM_LENGTH: Final = 16_384  # characters; four cookies' worth, and servers take no more
TOLERANCE: Final = 15_000  # milliseconds that the clocks of two servers may differ

_MAXIMUM_HEADER: Final = 512  # characters; the longest that is written has 180
_HEADER: Final = frozenset({"alg", "enc", "kid"})  # no zip, crit, jku, p2c or epk
_DIRECT: Final = "dir"
_MODELS: Final[dict[str, JWEEncModel]] = {model.name: model for model in JWE_ENC_MODELS}


@dataclass(frozen=True, slots=True)
class _Encryption:
    """A content encryption, with the octets of its parts (RFC 7518 sections 5.2.5 and 5.3)."""

    name: str
    key: int
    vector: int
    tag: int


_CBC: Final = _Encryption("A256CBC-HS512", 64, 16, 32)
_GCM: Final = _Encryption("A256GCM", 32, 12, 16)


@dataclass(frozen=True, slots=True, repr=False)
class _Key:
    """One key, for one content encryption, and the `kid` that tokens name it by."""

    encryption: _Encryption
    octets: bytes
    id: str | None

    def encrypt(self, plain: bytes, vector: bytes) -> bytes:
        header = {"alg": _DIRECT, "enc": self.encryption.name}
        if self.id is not None:
            header["kid"] = self.id
        head = encode_segment(compact_json(header))
        model = _MODELS[self.encryption.name]
        cipher, tag = model.encrypt(plain, self.octets, vector, head)
        return b".".join([head, b"", *map(encode_segment, (vector, cipher, tag))])

    def decrypt(self, token: _Sealed) -> bytes | None:
        """Return the plain text, `None` if this is not the key."""
        try:
            return _MODELS[self.encryption.name].decrypt(
                token.cipher, token.tag, self.octets, token.vector, token.head
            )
        except (JoseError, InvalidTag, ValueError):
            return None


@dataclass(frozen=True, slots=True, repr=False)
class _Sealed:
    """A token taken apart. Nothing in it may be believed."""

    head: bytes
    encryption: str
    key_id: str | None
    vector: bytes
    cipher: bytes
    tag: bytes


@final
class TokenKeys:
    """The keys of one kind of token: the first encrypts, each of them decrypts.

    Make it with `auth_js`, `next_auth` or `better_auth`; `secrets` are the texts that the
    other server has as its secrets, the newest first.
    """

    __slots__ = ("_keys",)

    def __init__(self, keys: tuple[_Key, ...]) -> None:
        if not keys:
            raise ValueError("without a secret there is no key")
        self._keys = keys

    @classmethod
    def auth_js(cls, secrets: Sequence[str], cookie: str) -> TokenKeys:
        """Return the keys of Auth.js 5 for the cookie of this name, which is the salt.

        `A256CBC-HS512` is written; `A256GCM`, which an application can choose, is read too.
        """
        info = f"Auth.js Generated Encryption Key ({cookie})"
        written = [_derived(_CBC, secret, cookie, info, hashlib.sha512) for secret in secrets]
        read = [_derived(_GCM, secret, cookie, info, hashlib.sha256) for secret in secrets]
        return cls((*written, *read))

    @classmethod
    def next_auth(cls, secrets: Sequence[str]) -> TokenKeys:
        """Return the keys of NextAuth.js 4: `A256GCM`, no salt, no `kid`."""
        info = "NextAuth.js Generated Encryption Key"
        return cls(tuple(_derived(_GCM, secret, "", info) for secret in secrets))

    @classmethod
    def better_auth(cls, secrets: Sequence[str], salt: str = "better-auth-session") -> TokenKeys:
        """Return the keys of better-auth's encrypted cookies, by default the cookie cache."""
        info = "BetterAuth.js Generated Encryption Key"
        return cls(tuple(_derived(_CBC, secret, salt, info, hashlib.sha256) for secret in secrets))

    def __repr__(self) -> str:
        return f"<TokenKeys {len(self._keys)}>"

    def encrypt(
        self, claims: Mapping[str, object], *, now: int, lifetime: int, entropy: Entropy
    ) -> Secret:
        """Return a token with these claims and `iat`, `exp` and a random `jti` of its own.

        `now` and `lifetime` are in milliseconds; the claims have whole seconds.
        """
        key = self._keys[0]
        identifier = UUID(bytes=entropy.octets(16), version=4)
        payload = {
            **claims,
            "iat": now // 1000,
            "exp": (now + lifetime) // 1000,
            "jti": str(identifier),
        }
        sealed = key.encrypt(compact_json(payload), entropy.octets(key.encryption.vector))
        return Secret(sealed.decode("ascii"))

    def decrypt(self, token: str, *, now: int, tolerance: int = TOLERANCE) -> dict[str, Any]:
        """Return the claims of a token that is in force at `now` (milliseconds).

        Raises `InvalidToken`, and nothing else, for any other text. A token without `exp`
        is refused, as is one of another algorithm than the keys have (RFC 8725 section 3.1).
        """
        sealed = _parse(token)
        keys = [key for key in self._keys if key.encryption.name == sealed.encryption]
        if not keys:
            raise InvalidToken(Reason.WRONG_ALGORITHM)
        if sealed.key_id is not None:
            keys = [key for key in keys if key.id == sealed.key_id]
            if not keys:
                raise InvalidToken(Reason.UNKNOWN_KEY)
        for key in keys:
            if not _fits(sealed, key.encryption):
                _malformed()
            plain = key.decrypt(sealed)
            if plain is not None:
                return _in_force(strict_json(plain), now, tolerance)
        raise InvalidToken(Reason.BAD_SIGNATURE)


def _derived(
    encryption: _Encryption,
    secret: str,
    salt: str,
    info: str,
    thumbprint: Callable[[bytes], Any] | None = None,
) -> _Key:
    hkdf = HKDF(SHA256(), encryption.key, salt.encode(), info.encode())
    octets = hkdf.derive(octets_of(secret))
    if thumbprint is None:
        return _Key(encryption, octets, None)
    # RFC 7638: the members of the JWK in order, without white space.
    jwk = compact_json({"k": encode_segment(octets).decode(), "kty": "oct"})
    return _Key(encryption, octets, encode_segment(thumbprint(jwk).digest()).decode())


def _parse(token: str) -> _Sealed:
    if len(token) > MAXIMUM_LENGTH:
        _malformed()
    try:
        segments = token.encode("ascii").split(b".")
    except UnicodeEncodeError:
        _malformed()
    # Direct encryption has an empty encrypted key (RFC 7516 section 5.1 step 5).
    if [bool(segment) for segment in segments] != [True, False, True, True, True]:
        _malformed()
    head, _, *rest = segments
    if len(head) > _MAXIMUM_HEADER:
        _malformed()
    header = strict_json(decode_segment(head))
    if not header.keys() <= _HEADER:
        raise InvalidToken(Reason.UNSUPPORTED_HEADER)
    if not all(isinstance(value, str) for value in header.values()):
        _malformed()
    if header.get("alg") != _DIRECT:
        raise InvalidToken(Reason.WRONG_ALGORITHM)
    return _Sealed(head, header.get("enc", ""), header.get("kid"), *map(decode_segment, rest))


def _fits(sealed: _Sealed, encryption: _Encryption) -> bool:
    return len(sealed.vector) == encryption.vector and len(sealed.tag) == encryption.tag


def _in_force(claims: dict[str, Any], now: int, tolerance: int) -> dict[str, Any]:
    expires, begins = _time(claims.get("exp")), _time(claims.get("nbf", 0))
    if expires * 1000 <= now - tolerance:
        raise InvalidToken(Reason.EXPIRED)
    if begins * 1000 > now + tolerance:
        raise InvalidToken(Reason.NOT_YET_VALID)
    return claims


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidToken(Reason.BAD_CLAIMS)
    return value


def _malformed() -> NoReturn:
    raise InvalidToken(Reason.MALFORMED)
