"""Sessions of a better-auth server that still runs, by its cookie and its own database."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Any, Final, Protocol

from limen.elsewhere.carried import bearer_of, cookie_of, handle_of
from limen.elsewhere.layouts import BETTER_AUTH_SESSIONS
from limen.elsewhere.session_rows import ROW_GUARANTEES, SessionRows
from limen.elsewhere.values import moment, text, truth
from limen.errors import ConfigurationError
from limen.guarantees import Guarantees
from limen.principal import Principal
from limen.secret import octets_of
from limen.verdict import Absent, Authenticated, Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.transports.base import HeaderLines
    from limen.verdict import Verdict

_SIGNATURE: Final = 44  # characters of 32 octets in base64, the last of which is "="
_LONGEST: Final = 512  # characters of a token with its signature


class Rows(Protocol):
    """Where sessions are found by their token."""

    async def open(self) -> None:
        """Connect."""
        ...

    async def close(self) -> None:
        """Release every connection."""
        ...

    async def find(self, token: str) -> Mapping[str, Any] | None:
        """Return a session and its user; raises `StoreUnavailable`."""
        ...


class BetterAuthSessions:
    """Takes the sessions of a better-auth server: its signed cookie, then its row.

    The row is read on every request, so whoever is signed out there is refused here at once.
    A session is never extended here, and one that an administrator opened as somebody else is
    not taken. With `adopt` a person who was imported gets a session of Limen's own with the
    next response.
    """

    def __init__(
        self,
        *,
        secret: str,
        database: str | None = None,
        redis: str | None = None,
        adopt: bool = False,
        secure: bool = True,
        prefix: str = "better-auth",
        cookie: str | None = None,
        bare_tokens: bool = False,
        tables: Mapping[str, str] | None = None,
        columns: Mapping[str, str] | None = None,
        name: str = "better-auth",
    ) -> None:
        """Make the verifier; raises `ConfigurationError`.

        `secret` is theirs. Either `database` or `redis` (their secondary storage) says where
        the sessions are. `secure` is whether they are served over https, where names begin
        with `__Secure-`; `prefix` and `cookie` are their `cookiePrefix` and a name of its own.
        `bare_tokens` also takes a bearer token that is not signed, as their bearer plugin
        does by default. `tables` and `columns` are names that differ, as
        `{"sessions": "auth_session"}` and `{"sessions.user_id": "uid"}`.
        """
        if not secret:
            raise ConfigurationError("secret", "is empty.", "Give the secret of that server.")
        self.name = name
        self.adopts = adopt
        self.cookies = (f"{'__Secure-' if secure else ''}{cookie or f'{prefix}.session_token'}",)
        self._key = octets_of(secret)
        self._bare_tokens = bare_tokens
        self._rows = _rows_of(database, redis, tables, columns)

    def __repr__(self) -> str:
        return f"<BetterAuthSessions {self.name}>"

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
        carried = bearer_of(headers)
        bare = carried is not None and self._bare_tokens
        if carried is None:
            carried = cookie_of(headers, self.cookies[0])
        if not carried or isinstance(carried, Refused):
            return carried or Absent()
        token = self._token_in(carried, bare=bare)
        if not isinstance(token, str):
            return token
        row = await self._rows.find(token)
        if row is None:
            return Refused(Reason.UNKNOWN_SESSION)
        return self._judged(row, token, now)

    def _token_in(self, carried: str, *, bare: bool) -> str | Refused | Absent:
        token, dot, signature = carried.rpartition(".")
        if bare and not dot:
            return carried[:_LONGEST]
        shaped = len(signature) == _SIGNATURE and signature.endswith("=")
        if not token or not shaped or len(carried) > _LONGEST or not carried.isascii():
            return Absent()  # of somebody else, such as a cookie of Limen's of that name
        expected = base64.b64encode(hmac.digest(self._key, token.encode(), hashlib.sha256))
        if not hmac.compare_digest(expected, signature.encode()):
            return Refused(Reason.BAD_SIGNATURE)
        return token

    def _judged(self, row: Mapping[str, Any], token: str, now: int) -> Verdict:
        expires_at, created_at = moment(row["expires_at"]), moment(row.get("created_at"))
        if expires_at is None or expires_at <= now:
            return Refused(Reason.EXPIRED)
        if row.get("impersonated_by"):
            return Refused(Reason.UNKNOWN_SESSION)
        until = moment(row.get("disabled_until"))
        if truth(row.get("disabled")) and (until is None or until > now):
            return Refused(Reason.ACCOUNT_DISABLED)
        return Authenticated(
            Principal(
                subject=text(row["user_id"]),
                session_id=handle_of(self.name, token),
                strategy=self.name,
                authenticated_at=created_at or 0,
                expires_at=expires_at,
                methods=(),
                issued_at=created_at or 0,
            )
        )


def _rows_of(
    database: str | None,
    redis: str | None,
    tables: Mapping[str, str] | None,
    columns: Mapping[str, str] | None,
) -> Rows:
    if (database is None) == (redis is None):
        raise ConfigurationError(
            "elsewhere",
            "must say where the sessions are.",
            "Give either `database`, or `redis` if they are in its secondary storage.",
        )
    if database is not None:
        return SessionRows(database, BETTER_AUTH_SESSIONS, tables, columns)
    # Imported here: most servers keep their sessions in a database.
    from limen.elsewhere.secondary import SecondaryRows  # noqa: PLC0415

    return SecondaryRows(redis or "")
