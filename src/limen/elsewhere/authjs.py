"""Sessions of an Auth.js or NextAuth.js application that still runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from limen.elsewhere.carried import bearer_of, cookie_of, handle_of
from limen.elsewhere.layouts import AUTHJS_SESSIONS
from limen.elsewhere.session_rows import ROW_GUARANTEES, SessionRows
from limen.elsewhere.values import moment, text
from limen.errors import ConfigurationError, InvalidToken
from limen.guarantees import Format, Guarantees, RevocationCheck
from limen.jwe import TokenKeys
from limen.principal import Principal
from limen.transports.authjs import COPY_ISSUER
from limen.verdict import Absent, Authenticated, Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from limen.transports.base import HeaderLines
    from limen.verdict import Verdict

_MAX_SUBJECT: Final = 255
_LONGEST: Final = 512  # characters of a session token
_DEFAULT_LIFETIME_S: Final = 30 * 86_400


class AuthjsSessions:
    """Takes the sessions of Auth.js' database strategy: the cookie names a row.

    The row is read on every request, so whoever is signed out there is refused here at once.
    Auth.js does not keep when a session began. So one is taken here as old: whatever is
    revoked here for its account refuses it, also if the person signed in there again since.
    """

    def __init__(
        self,
        *,
        database: str,
        version: Literal[4, 5] = 5,
        adopt: bool = False,
        secure: bool = True,
        cookie: str | None = None,
        tables: Mapping[str, str] | None = None,
        columns: Mapping[str, str] | None = None,
        name: str = "authjs",
    ) -> None:
        """Make the verifier; raises `ConfigurationError`.

        `secure` is whether they are served over https; `cookie` is the whole name of the cookie
        where it is not the usual one. `tables` and `columns` are names that differ, such as
        `{"sessions": "auth_session"}`.
        """
        self.name = name
        self.adopts = adopt
        self.cookies = (cookie or usual_cookie(version, secure=secure),)
        self._rows = SessionRows(database, AUTHJS_SESSIONS, tables, columns)

    def __repr__(self) -> str:
        return f"<AuthjsSessions {self.name}>"

    @property
    def guarantees(self) -> Guarantees:
        """One look at their row, three at Limen's store; nothing outlives its row."""
        return ROW_GUARANTEES

    async def open(self) -> None:
        """Find their tables; raises `ConfigurationError` or `StoreUnavailable`."""
        await self._rows.open()

    async def close(self) -> None:
        """Release every connection."""
        await self._rows.close()

    async def authenticate(self, headers: HeaderLines, now: int) -> Verdict:
        """Say who a request acts for there."""
        token = cookie_of(headers, self.cookies[0]) if bearer_of(headers) is None else None
        if token is None or isinstance(token, Refused):
            return token or Absent()
        if len(token) > _LONGEST or not token.isascii() or not token.isprintable():
            return Absent()
        row = await self._rows.find(token)
        if row is None:
            return Refused(Reason.UNKNOWN_SESSION)
        expires_at = moment(row["expires_at"])
        if expires_at is None or expires_at <= now:
            return Refused(Reason.EXPIRED)
        subject = text(row["user_id"])
        return Authenticated(_principal(self.name, subject, token, expires_at))


class AuthjsTokens:
    """Takes the encrypted tokens of Auth.js' JWT strategy, by the secret that both know.

    Nobody can revoke such a token: not Auth.js, whose sign-out only deletes the cookie, so a
    copy works until it expires. Every use there makes another with a later end. Limen refuses
    one that was signed out here, and all of an account whose sessions were revoked here.
    """

    def __init__(
        self,
        *,
        secret: str | Sequence[str],
        version: Literal[4, 5] = 5,
        adopt: bool = False,
        secure: bool = True,
        cookie: str | None = None,
        lifetime: float = _DEFAULT_LIFETIME_S,
        name: str = "authjs",
    ) -> None:
        """Make the verifier; raises `ConfigurationError`.

        `secret` is theirs, or several, newest first. `lifetime` is their `maxAge` in seconds; a
        token that lives longer is refused. In version 5 the name of the cookie is part of the key.
        """
        secrets = (secret,) if isinstance(secret, str) else tuple(secret)
        if not secrets or not all(secrets):
            raise ConfigurationError("secret", "is empty.", "Give the secret of that server.")
        self.name = name
        self.adopts = adopt
        self.cookies = (cookie or usual_cookie(version, secure=secure),)
        self._lifetime = round(lifetime * 1000)
        self._keys = (
            TokenKeys.next_auth(secrets)
            if version == 4  # noqa: PLR2004 - the version's own number
            else TokenKeys.auth_js(secrets, self.cookies[0])
        )

    def __repr__(self) -> str:
        return f"<AuthjsTokens {self.name}>"

    @property
    def guarantees(self) -> Guarantees:
        """Signed, and good for its whole life after a sign-out there."""
        return Guarantees(
            format=Format.SIGNED,
            check=RevocationCheck.EXPIRY,
            store_reads_per_request=3,
            revocation_window=self._lifetime,
            idle=self._lifetime,
            absolute=None,
            needs_store=False,
        )

    async def open(self) -> None:
        """Do nothing: a key is all that it needs."""

    async def close(self) -> None:
        """Do nothing, as `open` did."""

    async def authenticate(self, headers: HeaderLines, now: int) -> Verdict:
        """Say who a request acts for there."""
        carried = bearer_of(headers)
        if carried is None:
            carried = cookie_of(headers, self.cookies[0])
        if not carried or isinstance(carried, Refused):
            return carried or Absent()
        if carried.count(".") != 4:  # noqa: PLR2004 - a compact JWE has five parts
            return Absent()
        try:
            claims = self._keys.decrypt(carried, now=now)
        except InvalidToken as fault:
            return Refused(fault.reason)
        if claims.get("iss") == COPY_ISSUER:
            return Absent()  # our own copy for reading, which is no session anywhere
        return self._judged(claims, carried, now)

    def _judged(self, claims: Mapping[str, Any], token: str, now: int) -> Verdict:
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT:
            return Refused(Reason.BAD_CLAIMS)
        expires_at = round(claims["exp"] * 1000)
        if expires_at > now + self._lifetime:
            return Refused(Reason.LIVES_TOO_LONG)
        return Authenticated(_principal(self.name, subject, token, expires_at))


def usual_cookie(version: int, *, secure: bool) -> str:
    """Return what the session cookie is called unless somebody has renamed it."""
    if version not in (4, 5):
        raise ConfigurationError("version", f"{version!r} is unknown.", "Use 4 or 5.")
    library = "next-auth" if version == 4 else "authjs"  # noqa: PLR2004 - as above
    return f"{'__Secure-' if secure else ''}{library}.session-token"


def _principal(name: str, subject: str, credential: str, expires_at: int) -> Principal:
    # When it began is not known; 0 is before everything that may have been revoked.
    return Principal(
        subject=subject,
        session_id=handle_of(name, credential),
        strategy=name,
        authenticated_at=0,
        expires_at=expires_at,
        methods=(),
        issued_at=0,
    )
