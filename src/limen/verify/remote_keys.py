"""The public keys of an issuer: fetched, kept for a while, and then believed no more."""

from __future__ import annotations

import logging
import math
import threading
from concurrent.futures import Future
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, NamedTuple

from limen import forks
from limen.clock import elapsed_ns
from limen.errors import ConfigurationError, StoreUnavailable
from limen.forks import Forkable
from limen.keyring import Key, Keyring
from limen.verify.fetching import FetchFailed, exchange
from limen.verify.key_set import UnusableKeySet, read_key_set

if TYPE_CHECKING:
    import ssl

    from limen.clock import Clock

_log = logging.getLogger("limen.verify")

_NONE: Final = Keyring()
_OK: Final = 200
_MEDIA_TYPES: Final = frozenset({"application/json", "application/jwk-set+json"})


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """How a key set may be fetched and for how long it is believed.

    `octets` of the document, `keys` in it, `seconds` for one fetch as a whole. After
    `refresh` seconds it is fetched again in the background: sooner than the 300 s for which
    Limen publishes a key before it signs with it, so a planned rotation is never waited for.
    A key id that nobody knows has it fetched at once, but two fetches lie `cooldown` seconds
    apart, so a flood of invented ids costs nothing. While the issuer does not answer, the
    keys of before are good for `maximum_age` seconds; then everything is refused.
    """

    octets: int = 65_536
    keys: int = 32
    seconds: float = 5
    refresh: float = 240
    cooldown: float = 5
    maximum_age: float = 3_600

    def __post_init__(self) -> None:
        """Raise `ConfigurationError` for limits that are none."""
        for one in fields(self):
            value = getattr(self, one.name)
            if not (value > 0 and math.isfinite(value)):
                raise ConfigurationError(
                    f"limits.{one.name}", "is no positive number.", "Leave it out for the default."
                )
        if not self.cooldown <= self.refresh < self.maximum_age:
            raise ConfigurationError(
                "limits.refresh",
                "does not lie between `cooldown` and `maximum_age`.",
                "Fetch more often than the keys grow too old.",
            )


class _Held(NamedTuple):
    keys: tuple[Key, ...]
    keyring: Keyring
    at: int  # by the time of day, in milliseconds
    at_ns: int  # since the start


class RemoteKeys(Forkable):
    """A key set by URL. For any thread; at most one fetch is under way.

    `keyring` is empty before the first fetch and once the keys have grown too old, so whoever
    forgets to look at their age accepts nothing.
    """

    def __init__(
        self, url: str, clock: Clock, limits: KeyLimits, tls: ssl.SSLContext | None
    ) -> None:
        self.limits = limits
        self._url = url
        self._clock = clock
        self._tls = tls
        self._cooldown_ns = round(limits.cooldown * 1e9)
        self._refresh_ns = round(limits.refresh * 1e9)
        self._age_ns = round(limits.maximum_age * 1e9)
        self._held: _Held | None = None
        self._withdrawn: frozenset[str] = frozenset()
        self._due_ns = 0
        self._asked_ns: int | None = None
        self._flight: Future[None] | None = None
        self._lock = threading.Lock()
        self._cut = False
        forks.tell(self)

    def after_fork(self, *, child: bool) -> None:
        """Forget a fetch that only the parent goes on with."""
        if child:
            self._lock = threading.Lock()
            self._flight = None

    @property
    def keyring(self) -> Keyring:
        """The keys that may be believed at this moment."""
        held = self._held
        if held is None or elapsed_ns() - held.at_ns >= self._age_ns:
            return _NONE
        # By both clocks: the one since the start stands still while a machine is suspended.
        if (self._clock.now() - held.at) * 1_000_000 >= self._age_ns:
            return _NONE
        return held.keyring

    def inherits(self, key_id: str | None) -> bool:
        """Tell that no key is from a time without a store."""
        del key_id
        return False

    def keep_up(self) -> None:
        """Have the keys fetched in the background if that is due; waits for nothing."""
        if elapsed_ns() >= self._due_ns:
            self.fetch()

    def fetch(self) -> Future[None] | None:
        """Begin a fetch or join the one under way; `None` if the last was a moment ago.

        What is returned never fails; afterwards `keyring` is as new as could be had.
        """
        with self._lock:
            if self._flight is not None:
                return self._flight
            now_ns = elapsed_ns()
            if self._asked_ns is not None and now_ns - self._asked_ns < self._cooldown_ns:
                return None
            self._asked_ns = now_ns
            self._due_ns = now_ns + self._cooldown_ns  # later, once it has succeeded
            flight = self._flight = Future()
        try:
            # A daemon: a look-up of a name that hangs must not keep the process from its end.
            threading.Thread(
                target=self._fly, args=(flight,), name="limen-key-set", daemon=True
            ).start()
        except RuntimeError:
            self._land(flight)
        return flight

    def required(self) -> Keyring:
        """Return the keys; raises `StoreUnavailable` if there are none to be believed."""
        keyring = self.keyring
        if not len(keyring):
            raise StoreUnavailable("the issuer's key set could not be read, or too long ago")
        return keyring

    def withdraw(self, key_id: str) -> None:
        """Never believe a key again, whatever the issuer publishes."""
        with self._lock:
            self._withdrawn |= {key_id}
            if self._held is not None:
                self._held = self._held._replace(keyring=self._ring(self._held.keys))

    def _fly(self, flight: Future[None]) -> None:
        try:
            # Before it is sent: what is answered may be as old as the question.
            at, at_ns = self._clock.now(), elapsed_ns()
            self._take(self._fetched(), at, at_ns)
        except (FetchFailed, UnusableKeySet) as fault:
            if not self._cut:
                _log.warning("the key set %s was not taken: %s", self._url, fault)
            self._cut = True
        except Exception:  # noqa: BLE001 - whoever waits must be told, whatever went wrong
            _log.exception("the key set %s could not be read", self._url)
        else:
            if self._cut:
                _log.warning("the key set %s can be read again", self._url)
            self._cut = False
        finally:
            self._land(flight)

    def _land(self, flight: Future[None]) -> None:
        with self._lock:
            if self._flight is flight:
                self._flight = None
        flight.set_result(None)

    def _fetched(self) -> tuple[Key, ...]:
        answer = exchange(
            self._url,
            headers={"Accept": "application/jwk-set+json, application/json"},
            octets=self.limits.octets,
            seconds=self.limits.seconds,
            tls=self._tls,
        )
        if answer.status != _OK:
            raise FetchFailed(f"it was answered with {answer.status}")
        if answer.header("content-encoding").lower() not in ("", "identity"):
            raise FetchFailed("it is compressed, which was not asked for")
        if answer.header("content-type").partition(";")[0].strip().lower() not in _MEDIA_TYPES:
            raise FetchFailed("it is no JSON by its Content-Type")
        return read_key_set(answer.body, self.limits.keys)

    def _take(self, keys: tuple[Key, ...], at: int, at_ns: int) -> None:
        with self._lock:
            keyring = self._ring(keys)
            # The same object while nothing has changed: what was verified with it stays so.
            if self._held is not None and _same(self._held.keys, keys):
                keyring = self._held.keyring
            self._held = _Held(keys, keyring, at, at_ns)
            self._due_ns = at_ns + self._refresh_ns

    def _ring(self, keys: tuple[Key, ...]) -> Keyring:
        return Keyring(key for key in keys if key.id not in self._withdrawn)


def _same(one: tuple[Key, ...], other: tuple[Key, ...]) -> bool:
    """Tell whether two sets hold the same keys; by their members, for an id may be reused."""
    return [key.public_jwk() for key in one] == [key.public_jwk() for key in other]
