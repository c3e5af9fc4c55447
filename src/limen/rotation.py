"""The life of the signing keys, as flows: publish before use, sign, verify only, retire.

There is always one key that signs and one that is published and waits. So a verifier that
fetches the key set now and then knows every key before the first token signed by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.effects import AddKey, LoadKeys, PromoteKey, RemoveKey, ResealKey, SetKeyState, ask
from limen.errors import ConfigurationError
from limen.keyring import Algorithm, KeyRecord, Keyring, KeyState, generate, reseal

if TYPE_CHECKING:
    from limen.effects import Flow
    from limen.entropy import Entropy
    from limen.sealing import Secrets

# How long verifiers may keep a key set: what the JWKS response says in Cache-Control.
PUBLISH_FOR = 300_000


def load(secrets: Secrets) -> Flow[Keyring]:
    """Return the keys that the store holds now."""
    return Keyring.load((yield from ask(LoadKeys())), secrets)


def reseal_outdated(secrets: Secrets, entropy: Entropy) -> Flow[None]:
    """Seal every private key under the newest secret, so that the older can be dropped."""
    for record in (yield from ask(LoadKeys())):
        newer = reseal(record, secrets, entropy)
        if newer is not record:
            yield from ask(ResealKey(record.id, record.sealed_private, newer.sealed_private))


def ensure(algorithm: Algorithm, secrets: Secrets, now: int, entropy: Entropy) -> Flow[Keyring]:
    """Make the first keys where there are none, and return what there is.

    Several processes may start at once: `AddKey` lets one of them win each state.
    """
    records = yield from ask(LoadKeys())
    states = {record.state for record in records}
    for state in (KeyState.SIGNING, KeyState.NEXT):
        if state not in states:
            yield from ask(AddKey(generate(algorithm, state, now, secrets, entropy)))
    yield from reseal_outdated(secrets, entropy)
    return (yield from load(secrets))


def rotate(
    algorithm: Algorithm, secrets: Secrets, now: int, entropy: Entropy, *, at_once: bool = False
) -> Flow[Keyring]:
    """Let the published key sign, and publish another.

    Raises `ConfigurationError` while the waiting key has not been published for
    `PUBLISH_FOR` milliseconds, unless `at_once`: verifiers may not know it yet.
    """
    records = yield from ask(LoadKeys())
    waiting = next((record for record in records if record.state is KeyState.NEXT), None)
    if waiting is None:
        yield from ask(AddKey(generate(algorithm, KeyState.NEXT, now, secrets, entropy)))
        return (yield from rotate(algorithm, secrets, now, entropy, at_once=at_once))
    too_young = waiting.moved_at + PUBLISH_FOR - now
    if too_young > 0 and not at_once:
        raise ConfigurationError(
            "keys",
            f"the next key was published {(now - waiting.moved_at) // 1000} s ago, and "
            f"verifiers may keep the older key set for {PUBLISH_FOR // 1000} s.",
            f"Rotate again in {-(-too_young // 1000)} s, or with --at-once. If a key has "
            "leaked, retire it: `limen keys retire`.",
        )
    yield from ask(PromoteKey(waiting.id, now))
    yield from ask(AddKey(generate(algorithm, KeyState.NEXT, now, secrets, entropy)))
    return (yield from load(secrets))


def retire_outlived(token_life: int, now: int) -> Flow[tuple[str, ...]]:
    """Retire the keys whose last token has expired; return their ids.

    `token_life` is the longest life of a token in milliseconds, leeway included.
    """
    retired = []
    for record in (yield from ask(LoadKeys())):
        outlived = record.state is KeyState.VERIFYING and record.moved_at + token_life <= now
        if outlived and (yield from ask(SetKeyState(record.id, KeyState.RETIRED, now))):
            retired.append(record.id)
    return tuple(retired)


def withdraw(
    key_id: str, algorithm: Algorithm, secrets: Secrets, now: int, entropy: Entropy
) -> Flow[Keyring]:
    """Retire one key at once, because it may have leaked; promote another if it was signing.

    Raises `ConfigurationError` if there is no such key.
    """
    records = yield from ask(LoadKeys())
    record = _named(records, key_id)
    if record.state is KeyState.SIGNING:
        yield from rotate(algorithm, secrets, now, entropy, at_once=True)
    yield from ask(SetKeyState(key_id, KeyState.RETIRED, now))
    return (yield from ensure(algorithm, secrets, now, entropy))


def remove(key_id: str) -> Flow[None]:
    """Delete a retired key; raises `ConfigurationError` for any other."""
    record = _named((yield from ask(LoadKeys())), key_id)
    if not (yield from ask(RemoveKey(key_id))):
        raise ConfigurationError(
            "keys",
            f"{key_id} is {record.state.value}; tokens that it signed may still be in use.",
            "Retire it first.",
        )


def _named(records: tuple[KeyRecord, ...], key_id: str) -> KeyRecord:
    for record in records:
        if record.id == key_id:
            return record
    raise ConfigurationError("keys", f"there is no key {key_id!r}.", "See `limen keys list`.")
