"""Keys, limits and housekeeping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen import rotation
from limen.authenticators.budget import spend
from limen.clock import CLOCKS_DIFFER
from limen.effects import CountCredentials, LoadKeys, Purge, ReadAudit, ask
from limen.operations.parts import Composed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limen.audit import AuditEvent, AuditKind
    from limen.effects import Flow
    from limen.keyring import KeyRecord, Keyring
    from limen.session import CredentialCount
    from limen.throttle import Budget

# A session that was not used for so long, in milliseconds, is counted as unused.
UNUSED_AFTER = 86_400_000


class Upkeep(Composed):
    """What keeps a running system in order."""

    def load_keys(self) -> Flow[Keyring]:
        """Read the keys, making the first ones where there are none."""
        parts = self._parts
        parts.keys.keyring = yield from rotation.ensure(
            parts.algorithm, parts.secrets, parts.clock.now(), parts.entropy
        )
        return parts.keys.keyring

    def keys(self) -> Flow[tuple[KeyRecord, ...]]:
        """Return every key, oldest first."""
        self._need_store("keys")
        return (yield from ask(LoadKeys()))

    def rotate_keys(self, *, at_once: bool = False) -> Flow[Keyring]:
        """Sign with the published key from now on; see `limen.rotation.rotate`."""
        parts = self._parts
        self._need_store("keys")
        parts.keys.keyring = yield from rotation.rotate(
            parts.algorithm, parts.secrets, parts.clock.now(), parts.entropy, at_once=at_once
        )
        return parts.keys.keyring

    def remove_key(self, key_id: str) -> Flow[None]:
        """Delete a retired key."""
        self._need_store("keys")
        yield from rotation.remove(key_id)

    def credential_counts(self) -> Flow[tuple[CredentialCount, ...]]:
        """Count the live sessions of each strategy and the credentials of each kind.

        For whoever moves a system from one strategy to another; see `CredentialCount`.
        Recent is what was used within the life of an access token, unused what was not used
        for a day. Access tokens themselves are kept nowhere: at most the recent sessions
        have some, and those of a session that has ended are not seen.
        """
        parts, now = self._parts, self._parts.clock.now()
        self._need_store("sessions")
        signed = now - parts.policy.lifetime - parts.policy.leeway
        return (yield from ask(CountCredentials(now, signed, now - UNUSED_AFTER)))

    def spend(self, budget: Budget, identifier: str) -> Flow[int | None]:
        """Draw once on a budget; return the seconds to wait if it is used up."""
        if not self._parts.keeps:
            return None
        refused = yield from spend(budget, identifier, self._parts.clock.now())
        return None if refused is None else refused.retry_after

    def audit(
        self,
        *,
        limit: int = 100,
        before: int | None = None,
        after: int = 0,
        subject: str | None = None,
        kinds: Iterable[AuditKind | str] = (),
        address: str | None = None,
        since: int = 0,
        until: int | None = None,
        forward: bool = False,
    ) -> Flow[tuple[AuditEvent, ...]]:
        """Return events of the audit log, newest first, or oldest first with `forward`.

        The next page begins `before` the `seq` of the last event (`after` it with `forward`).
        `since` and `until` are in milliseconds, and `until` itself is left out. Events that
        are committed at the same time may appear with a lower `seq` a moment later.
        """
        self._need_store("audit log")
        return (
            yield from ask(
                ReadAudit(
                    limit, after, before, subject, tuple(kinds), address, since, until, forward
                )
            )
        )

    def purge(self) -> Flow[int]:
        """Delete what time ended an hour ago and retire outlived keys; return how many rows went.

        Of the audit log goes what is older than `audit_retention`.

        Nothing rests on it: what has ended is refused from its last moment on.
        """
        parts, now = self._parts, self._parts.clock.now()
        self._need_store("housekeeping")
        yield from rotation.retire_outlived(parts.policy.lifetime + parts.policy.leeway, now)
        gone = yield from ask(Purge(now - CLOCKS_DIFFER, now - parts.audit_retention))
        yield from self.load_keys()
        return gone
