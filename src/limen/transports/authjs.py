"""What the clients of Auth.js 5 and NextAuth.js 4 ask, as settings; and what their cookies are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from limen.errors import ConfigurationError
from limen.sealing import Secrets

Version: TypeAlias = Literal[4, 5]
NEXT_AUTH: Final[Version] = 4
AUTH_JS: Final[Version] = 5
MAX_TOKEN_LIFETIME: Final = 3_600  # seconds
# In the tokens that Limen makes for reading, so that nobody takes one for a session of theirs.
COPY_ISSUER: Final = "limen"
# A page of the application: one slash, and nothing that a browser could read as another host.
_PAGE: Final = re.compile(r"/(?![/\\])[\w\-.~/%]*(?:\?[\w\-.~/%=&]*)?", re.ASCII)
_PAGES: Final = ("sign_in_page", "sign_out_page", "error_page", "verify_page")


@dataclass(frozen=True, slots=True)
class AuthjsSettings:
    """The second mount: which client it serves, where, and what else it hands out.

    `version` is the major version of the npm package `next-auth` in the front end; `None`
    serves nothing. Both sides must know `path`.

    With `session_token="jwe"` the browser gets, beside Limen's own cookies, the encrypted token
    that `getToken` and `auth` of that version read. It is a copy for reading: Limen accepts it
    nowhere. It lasts `token_lifetime` seconds, for so long it may outlive a revocation. `secret`
    is what both sides know, `AUTH_SECRET` or `NEXTAUTH_SECRET` there; of several the newest is
    first. It must not be Limen's own.

    The pages are paths of your own that replace the plain ones that Limen serves.
    """

    version: Version | None = None
    path: str = "/api/authjs"
    session_token: Literal["limen", "jwe"] = "limen"  # noqa: S105 - a name
    secret: str | Sequence[str] | None = field(default=None, repr=False)
    token_lifetime: float = 300
    sign_in_page: str | None = None
    sign_out_page: str | None = None
    error_page: str | None = None
    verify_page: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be served."""
        if self.version not in (None, NEXT_AUTH, AUTH_JS):
            raise ConfigurationError(
                "authjs.version", f"{self.version!r} is not served.", "Use 4 or 5."
            )
        if not self.path.startswith("/") or self.path.endswith("/"):
            raise ConfigurationError(
                "authjs.path", f"{self.path!r} is not a path.", "Write it as /api/authjs."
            )
        for name in _PAGES:
            page = getattr(self, name)
            if page is not None and not _PAGE.fullmatch(page):
                raise ConfigurationError(
                    f"authjs.{name}", f"{page!r} is not a path.", "Write it as /sign-in."
                )
        self._check_token()

    def _check_token(self) -> None:
        if self.session_token not in ("limen", "jwe"):
            raise ConfigurationError(
                "authjs.session_token",
                f"{self.session_token!r} is unknown.",
                "Use 'limen', or 'jwe' where Next.js itself must read who is signed in.",
            )
        if self.session_token == "jwe" and self.version is None:  # noqa: S105 - a name
            raise ConfigurationError(
                "authjs.session_token",
                "is set, and no client is served that reads it.",
                "Set authjs.version (LIMEN_AUTHJS_VERSION) to 4 or 5 as well.",
            )
        if not 0 < self.token_lifetime <= MAX_TOKEN_LIFETIME:
            raise ConfigurationError(
                "authjs.token_lifetime",
                f"is not between 0 and {MAX_TOKEN_LIFETIME} seconds.",
                "Keep it short: nothing revokes that token before its end.",
            )
        needed = self.session_token == "jwe"  # noqa: S105 - a name
        if self.secret is None and not needed:
            return
        try:
            Secrets.of(self.secret)
        except ConfigurationError as fault:
            raise ConfigurationError("authjs.secret", fault.problem, fault.remedy) from None

    @property
    def secrets(self) -> tuple[str, ...]:
        """The shared secrets, newest first."""
        if self.secret is None:
            return ()
        return (self.secret,) if isinstance(self.secret, str) else tuple(self.secret)


@dataclass(frozen=True, slots=True)
class CookieNames:
    """What the cookies of one version are called (Auth.js names them by the scheme)."""

    session: str
    callback: str
    csrf: str

    @classmethod
    def of(cls, version: Version, *, secure: bool) -> CookieNames:
        """Return the names; `secure` is https."""
        family = "next-auth" if version == NEXT_AUTH else "authjs"
        ours, bound = ("__Secure-", "__Host-") if secure else ("", "")
        return cls(
            f"{ours}{family}.session-token",
            f"{ours}{family}.callback-url",
            f"{bound}{family}.csrf-token",
        )
