"""The application's secrets, and what is kept sealed under them.

The only module that encrypts what Limen itself keeps; the tokens of other front ends are
`limen.jwe`'s. Randomness is an argument: whoever seals
brings the nonce.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from limen.errors import ConfigurationError, InvalidToken
from limen.secret import Secret
from limen.verdict import Reason

SECRET_LENGTH: Final = 32
DISTINCT_CHARACTERS: Final = 10
KEY_OCTETS: Final = 32  # AES-256
NONCE_OCTETS: Final = 12  # 96 bits: what GCM takes without hashing (SP 800-38D 5.2.1.1)
TAG_OCTETS: Final = 16
SECRET_ID_OCTETS: Final = 8

_VERSION: Final = b"\x01"
_HEADER_OCTETS: Final = len(_VERSION) + SECRET_ID_OCTETS
_SUCCESSOR: Final = b"limen refresh successor"
_REMEDY: Final = (
    "Run `limen secret` to make one, or "
    '`python -c "import secrets; print(secrets.token_urlsafe(48))"`.'
)
# What stands in examples and templates. A random secret keeps enough characters without them.
_PLACEHOLDER: Final = re.compile(
    r"changeme|change|better|auth|next|secret|password|passphrase|passw0rd|token|session|limen"
    r"|django|flask|fastapi|your|here|replace|this|with|must|should|default|example|sample"
    r"|insecure|unsafe|test|dummy|development|local|random|string|please|production|generate"
    r"|least|characters|chars|long|very|super|value|qwerty|abcdefgh|0123456789|1234567890"
    r"|123456789|12345678|87654321"
)


def _hkdf(material: bytes, info: bytes, octets: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=octets, salt=None, info=info).derive(material)


def _encrypt(key: bytes, nonce: bytes, plain: bytes, associated: bytes) -> bytes:
    if len(nonce) != NONCE_OCTETS:
        raise ValueError(f"a nonce has {NONCE_OCTETS} bytes")
    return nonce + AESGCM(key).encrypt(nonce, plain, associated)


def _decrypt(key: bytes, sealed: bytes, associated: bytes) -> bytes | None:
    """Return the plain text, `None` if it was not sealed under this key and context."""
    if len(sealed) < NONCE_OCTETS + TAG_OCTETS:
        return None
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_OCTETS], sealed[NONCE_OCTETS:], associated)
    except InvalidTag:
        return None


def _weakness(text: str) -> str | None:
    """Say what is wrong with a secret, `None` if it may be used."""
    if not text.strip():
        return "is empty."
    if "-----BEGIN" in text or ('"kty"' in text and "{" in text):
        return "is a key (PEM or JWK), not a secret."
    if len(text) < SECRET_LENGTH:
        return f"has {len(text)} characters; at least {SECRET_LENGTH} are needed."
    # A third of the text comes twice at the same distance: no random text does that.
    if any(text[period:] == text[:-period] for period in range(1, len(text) * 2 // 3)):
        return "is a text that repeats itself."
    if len(set(text)) < DISTINCT_CHARACTERS:
        return f"has fewer than {DISTINCT_CHARACTERS} different characters."
    rest = _PLACEHOLDER.sub("", text.lower())
    if len({one for one in rest if one.isalnum()}) < DISTINCT_CHARACTERS:
        return "is a placeholder from an example."
    return None


@dataclass(frozen=True, slots=True, repr=False)
class _Holder:
    """One secret: what keys are derived from, and the id that envelopes name it by."""

    material: bytes
    id: bytes


def _holder(text: str) -> _Holder:
    problem = _weakness(text)
    if problem is not None:
        raise ConfigurationError("secret", problem, _REMEDY)
    try:
        material = text.encode("utf-8")
    except UnicodeEncodeError:
        raise ConfigurationError("secret", "is not valid Unicode text.", _REMEDY) from None
    return _Holder(material, _hkdf(material, b"limen secret id", SECRET_ID_OCTETS))


@final
class Secrets:
    """The application's secrets, newest first. Make it with `Secrets.of`.

    The newest derives and seals; older ones only open what they sealed, so that a secret
    can be replaced without losing anything.
    """

    __slots__ = ("_holders",)

    def __init__(self, holders: tuple[_Holder, ...]) -> None:
        self._holders = holders

    @classmethod
    def of(cls, value: str | Sequence[str] | None) -> Secrets:
        """Read one secret, or several with the newest first.

        Raises `ConfigurationError` for `secret` if one is missing, shorter than 32
        characters, a placeholder or plainly not random (ASVS 13.3.1).
        """
        texts = [value] if isinstance(value, str) else list(value or ())
        if not texts:
            raise ConfigurationError("secret", "is missing.", _REMEDY)
        holders = tuple(_holder(text) for text in texts)
        if len({holder.id for holder in holders}) != len(holders):
            raise ConfigurationError(
                "secret", "lists one secret twice.", "List each once, the newest first."
            )
        return cls(holders)

    def __len__(self) -> int:
        return len(self._holders)

    def __repr__(self) -> str:
        return f"<Secrets {len(self)}>"

    def derive(self, purpose: str, octets: int = KEY_OCTETS) -> bytes:
        """Return a key of `octets` bytes for one purpose, from the newest secret.

        HKDF-SHA256 (RFC 5869) with the purpose as info: knowing one key tells nothing
        of another.
        """
        return _hkdf(self._holders[0].material, purpose.encode(), octets)

    def derive_each(self, purpose: str, octets: int = KEY_OCTETS) -> tuple[bytes, ...]:
        """Return that key from every secret, newest first."""
        return tuple(_hkdf(holder.material, purpose.encode(), octets) for holder in self._holders)

    def seal(self, plain: bytes, purpose: str, context: bytes, nonce: bytes) -> bytes:
        """Encrypt with AES-256-GCM under a key for the purpose, from the newest secret.

        `nonce` is 12 random bytes. `context` is not kept, and must be the same to open:
        it binds the envelope to its place. The envelope is a version byte, the 8 byte id
        of the secret, the nonce and the cipher text.
        """
        header = _VERSION + self._holders[0].id
        sealed = _encrypt(self.derive(purpose), nonce, plain, header + context)
        return header + sealed

    def open(self, sealed: bytes, purpose: str, context: bytes) -> bytes:
        """Return what was sealed for this purpose in this context.

        Raises `ConfigurationError` for `secret` if the secret that sealed it is no longer
        configured, or if the envelope or its context was changed.
        """
        header, rest = sealed[:_HEADER_OCTETS], sealed[_HEADER_OCTETS:]
        holder = self._named_by(header)
        key = _hkdf(holder.material, purpose.encode(), KEY_OCTETS)
        plain = _decrypt(key, rest, header + context)
        if plain is None:
            raise ConfigurationError(
                "secret",
                "what is stored was changed since it was sealed, or belongs elsewhere.",
                "Restore it from a backup, or delete it and make it anew.",
            )
        return plain

    def sealed_by_newest(self, sealed: bytes) -> bool:
        """Tell whether the newest secret sealed this; if not, seal it again."""
        return sealed[:_HEADER_OCTETS] == _VERSION + self._holders[0].id

    def _named_by(self, header: bytes) -> _Holder:
        if header[:1] != _VERSION or len(header) != _HEADER_OCTETS:
            raise ConfigurationError(
                "secret",
                "what is stored is not an envelope that this version can read.",
                "Restore it from a backup, or delete it and make it anew.",
            )
        for holder in self._holders:
            if holder.id == header[1:]:
                return holder
        raise ConfigurationError(
            "secret",
            "the signing keys in this database are sealed under another secret.",
            "Put that secret back as the last of several, newest first, or take the "
            "database that belongs to this secret.",
        )


def seal_under(token: Secret, plain: bytes, nonce: bytes) -> bytes:
    """Seal so that only somebody who holds `token` can open it.

    A spent refresh token seals its successor: a store that keeps the envelope cannot
    read it, and a retry with the spent token receives the same successor.
    """
    key = _hkdf(_text_of(token), _SUCCESSOR, KEY_OCTETS)
    return _VERSION + _encrypt(key, nonce, plain, _SUCCESSOR)


def open_under(token: Secret, sealed: bytes) -> bytes:
    """Return what was sealed under `token`.

    Raises `InvalidToken(MALFORMED)` if it was sealed under something else or changed.
    """
    key = _hkdf(_text_of(token), _SUCCESSOR, KEY_OCTETS)
    plain = _decrypt(key, sealed[1:], _SUCCESSOR) if sealed[:1] == _VERSION else None
    if plain is None:
        raise InvalidToken(Reason.MALFORMED)
    return plain


def _text_of(token: Secret) -> bytes:
    # A presented credential may contain anything; a lone surrogate must not raise here.
    return token.reveal().encode("utf-8", "surrogatepass")
