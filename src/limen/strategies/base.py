"""The contract of a strategy: how the server remembers that somebody proved who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from limen.effects import Flow
    from limen.entropy import Entropy
    from limen.guarantees import Guarantees, Receipt
    from limen.principal import Authentication, Client
    from limen.revocation import Target
    from limen.secret import Secret
    from limen.session import Session
    from limen.verdict import Issued, Refused, Verdict


class Strategy(Protocol):
    """Issues, checks, renews and revokes credentials, as flows without I/O.

    Times are in milliseconds and, like randomness, are arguments. So is `proven_key`, the
    thumbprint of the key that the client has proved to hold with this request, if any. What is
    bound to another, or to none, is refused before anything is changed (see `holder_proven`).
    """

    name: str

    @property
    def guarantees(self) -> Guarantees:
        """What this strategy promises, as measured by `limen.testing.StrategySuite`."""
        ...

    @property
    def horizon(self) -> int:
        """The longest life of a credential that only the revocation feed can refuse."""
        ...

    def recognises(self, presented: Secret) -> bool:
        """Tell by its shape alone whether a credential is one of this strategy's."""
        ...

    def issue(
        self,
        authentication: Authentication,
        client: Client,
        now: int,
        entropy: Entropy,
        *,
        remembered: bool = True,
        replaces: str | None = None,
    ) -> Flow[Issued | Refused]:
        """Remember an authentication under a new session and a new credential.

        `replaces` is the handle of the person's session that the new one continues; in one
        step with its beginning that one ends, with every credential.
        """
        ...

    def continue_session(
        self, session: Session, now: int, entropy: Entropy
    ) -> Flow[Issued | Refused]:
        """Give a session that another strategy opened a credential of this one."""
        ...

    def authenticate(
        self, presented: Secret, now: int, proven_key: str | None = None
    ) -> Flow[Verdict]:
        """Say who a credential stands for, if it is accepted."""
        ...

    def renew(
        self, presented: Secret, now: int, entropy: Entropy, proven_key: str | None = None
    ) -> Flow[Issued | Refused]:
        """Trade what a client holds for renewing (a refresh token, or the session id itself)."""
        ...

    def recall(self, presented: Secret, now: int, proven_key: str | None = None) -> Flow[Verdict]:
        """Say who a renewing credential stands for without using it up; changes nothing."""
        ...

    def reissue(
        self, presented: Secret, now: int, entropy: Entropy, proven_key: str | None = None
    ) -> Flow[Issued | Refused]:
        """Hand out what is presented on each request anew, without using anything up."""
        ...

    def revoke(self, target: Target, now: int) -> Flow[Receipt]:
        """End what the target names, and say by when no copy works any more."""
        ...
