"""The encrypted token that Next.js reads: a copy of who is signed in, believed nowhere here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from limen.errors import InvalidToken
from limen.jwe import MAXIMUM_LENGTH, TOLERANCE, TokenKeys
from limen.service.authjs.cookies import PIECE, cut, joined, pieces_in
from limen.transports.authjs import COPY_ISSUER, NEXT_AUTH, CookieNames, Version

if TYPE_CHECKING:
    from limen.service.authjs.call import Call
    from limen.service.authjs.sessions import SignedIn
    from limen.transports.authjs import AuthjsSettings

MAX_PICTURE: Final = 2_048  # characters; a longer address would fill the headers of each request


class SessionTokens:
    """Issues and clears the token; without `session_token="jwe"` it does neither."""

    def __init__(self, settings: AuthjsSettings) -> None:
        self._keys: dict[bool, TokenKeys] = {}
        self._lifetime = round(settings.token_lifetime * 1000)
        if settings.session_token == "jwe" and settings.version is not None:  # noqa: S105
            for secure in (True, False):
                self._keys[secure] = _keys(settings.version, settings.secrets, secure=secure)

    @property
    def issued(self) -> bool:
        """Whether there are such tokens at all."""
        return bool(self._keys)

    def issue(self, call: Call, who: SignedIn) -> None:
        """Set the token of somebody who is signed in, unless the browser has a fresh one.

        A page that is loaded ahead of the person sets nothing. Nor does a sign-in that is not
        kept here: another server's cookie of the same name may be what it rests on. Nor one that
        is bound to a key: whoever reads the token asks for no proof.
        """
        if not self._keys or who.session is None or call.request_auth.is_prefetch:
            return
        if who.principal.bound_to is not None:
            return
        if self.is_fresh(call, who):
            return
        lifetime = self._lifetime_for(call, who)
        # Its readers allow for clocks that differ, and so would believe it for that much longer.
        token = self._keys[call.secure].encrypt(
            _claims(who),
            now=call.now,
            lifetime=lifetime - TOLERANCE,
            entropy=call.auth.assembly.entropy,
        )
        name = call.names.session
        pieces = cut(name, token.reveal(), PIECE[call.version])
        age = -(-lifetime // 1000) if who.remembered else None
        for piece, value in pieces.items():
            call.set(piece, value, age)
        self._clear(call, [one for one in pieces_in(call.cookies, name) if one not in pieces])

    def is_fresh(self, call: Call, who: SignedIn) -> bool:
        """Tell whether the browser holds a token that says the same and has half its life left."""
        held = self._held(call)
        if held is None or any(held.get(key) != value for key, value in _claims(who).items()):
            return False
        left: float = held["exp"] * 1000 + TOLERANCE - call.now
        return left * 2 > self._lifetime_for(call, who)

    def _lifetime_for(self, call: Call, who: SignedIn) -> int:
        return min(self._lifetime, who.ends_at - call.now)

    def clear(self, call: Call) -> None:
        """Make the browser forget the token, whatever it is."""
        if self._keys:
            self._clear(call, pieces_in(call.cookies, call.names.session))

    def _clear(self, call: Call, names: list[str] | tuple[str, ...]) -> None:
        for name in names:
            call.set(name, "", 0)

    def _held(self, call: Call) -> dict[str, Any] | None:
        text = joined(call.cookies, call.names.session)
        if not text or len(text) > MAXIMUM_LENGTH:
            return None
        try:
            return self._keys[call.secure].decrypt(text, now=call.now)
        except InvalidToken:
            return None


def _keys(version: Version, secrets: tuple[str, ...], *, secure: bool) -> TokenKeys:
    if version == NEXT_AUTH:
        return TokenKeys.next_auth(secrets)
    return TokenKeys.auth_js(secrets, CookieNames.of(version, secure=secure).session)


def _claims(who: SignedIn) -> dict[str, Any]:
    """Return what the token says; `sid` is the session's handle, which opens nothing."""
    principal = who.principal
    claims: dict[str, Any] = {
        "iss": COPY_ISSUER,
        "sub": principal.subject,
        "sid": principal.session_id,
    }
    if who.account is not None:
        picture = who.account.image
        kept = picture is None or len(picture) <= MAX_PICTURE
        claims |= {
            "name": who.account.name,
            "email": who.account.email,
            "picture": picture if kept else None,
        }
    return claims
