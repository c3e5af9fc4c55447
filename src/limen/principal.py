"""Who a request acts for, and the event that proved it."""

from __future__ import annotations

from dataclasses import dataclass

from limen.assurance import acr_of


@dataclass(frozen=True, slots=True)
class Authentication:
    """That somebody proved who they are: made by an authenticator, remembered by a strategy.

    `at` is in milliseconds. `methods` are the RFC 8176 names, such as `pwd` or `otp`.
    `revision` is the account's revision that was read while proving; a store refuses to
    open a session when the account has moved on since (a disable, a deletion or a password
    change that raced with this sign-in). `None` means that Limen does not keep this account.
    """

    subject: str
    at: int
    methods: tuple[str, ...] = ("pwd",)
    roles: frozenset[str] = frozenset()
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """What is known of the client of a session; shown in device lists, never a check.

    `proven_key` is the one exception: the RFC 7638 thumbprint of the key that this client has
    proved to hold, as `Limen.prove` returned it. What it is given is bound to that key.
    """

    address: str = ""
    user_agent: str = ""
    proven_key: str | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who the request acts for. The same type whatever the strategy.

    `subject` is the account's id, `session_id` the public handle of the session (not a
    credential). `authenticated_at` is when the person proved who they are and never moves
    on refresh (RFC 9068 section 2.2.3); `issued_at` and `expires_at` are the beginning and
    the end of the credential that was presented. All three are in milliseconds. `key_id` is
    the key that signed the credential, `None` for a reference. `bound_to` is the thumbprint of
    the key that the client has to prove, and has proved, to hold; `None` for a credential that
    whoever holds it may use.
    """

    subject: str
    session_id: str
    strategy: str
    authenticated_at: int
    expires_at: int
    methods: tuple[str, ...] = ("pwd",)
    roles: frozenset[str] = frozenset()
    key_id: str | None = None
    issued_at: int = 0
    bound_to: str | None = None

    @property
    def acr(self) -> str:
        """The level of assurance that `methods` reach; see `limen.assurance`."""
        return acr_of(self.methods)

    def has_role(self, role: str) -> bool:
        """Tell whether the principal holds a role."""
        return role in self.roles
