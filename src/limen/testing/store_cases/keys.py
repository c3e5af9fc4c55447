"""Cases about signing keys."""
# ruff: noqa: D102 - the name of a case says what it shows

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from limen.effects import AddKey, LoadKeys, PromoteKey, RemoveKey, ResealKey, SetKeyState
from limen.keyring import KeyRecord, KeyState
from limen.testing.store_cases.case import CROWD, NOW, case, together

if TYPE_CHECKING:
    from limen.ports import Store


def key(name: str, state: KeyState, created_at: int = NOW) -> KeyRecord:
    """Return the record of a key."""
    return KeyRecord(
        id=name,
        algorithm="EdDSA",
        state=state,
        public='{"kty":"OKP"}',
        sealed_private=b"sealed \x00 " + name.encode(),
        created_at=created_at,
        moved_at=created_at,
    )


class KeyCases:
    """`LoadKeys`, `AddKey`, `PromoteKey`, `SetKeyState`, `RemoveKey`."""

    @case
    async def test_keys_are_loaded_oldest_first(self, store: Store) -> None:
        assert await store.perform(LoadKeys()) == ()
        newer = key("a", KeyState.NEXT, NOW + 1)
        older = key("b", KeyState.SIGNING)
        assert await store.perform(AddKey(newer))
        assert await store.perform(AddKey(older))
        assert await store.perform(LoadKeys()) == (older, newer)

    @case
    async def test_one_key_signs_and_one_is_next(self, store: Store) -> None:
        for state in KeyState:
            single = state in (KeyState.NEXT, KeyState.SIGNING)
            assert await store.perform(AddKey(key(f"{state.value}-1", state)))
            assert await store.perform(AddKey(key(f"{state.value}-2", state))) is not single
        assert len(await store.perform(LoadKeys())) == 6

    @case
    async def test_a_key_is_added_once(self, store: Store) -> None:
        kept = key("a", KeyState.VERIFYING)
        assert await store.perform(AddKey(kept))
        assert await store.perform(AddKey(replace(kept, algorithm="ES256"))) is False
        assert await store.perform(LoadKeys()) == (kept,)

    @case
    async def test_one_of_many_concurrent_keys_signs(self, store: Store) -> None:
        wanted = [AddKey(key(f"k{n}", KeyState.SIGNING)) for n in range(CROWD)]
        added = await together(*(store.perform(one) for one in wanted))
        assert added.count(True) == 1
        assert len(await store.perform(LoadKeys())) == 1

    @case
    async def test_the_next_key_takes_over(self, store: Store) -> None:
        old, new = key("a", KeyState.SIGNING), key("b", KeyState.NEXT, NOW + 1)
        await store.perform(AddKey(old))
        await store.perform(AddKey(new))
        later = NOW + 9
        assert await store.perform(PromoteKey("b", later))
        assert await store.perform(LoadKeys()) == (
            replace(old, state=KeyState.VERIFYING, moved_at=later),
            replace(new, state=KeyState.SIGNING, moved_at=later),
        )
        assert await store.perform(PromoteKey("b", later)) is False

    @case
    async def test_only_the_next_key_is_promoted(self, store: Store) -> None:
        kept = (
            key("a", KeyState.SIGNING),
            key("b", KeyState.VERIFYING),
            key("c", KeyState.RETIRED),
        )
        for one in kept:
            await store.perform(AddKey(one))
        for name in ("a", "b", "c", "unknown"):
            assert await store.perform(PromoteKey(name, NOW + 1)) is False
        assert await store.perform(LoadKeys()) == kept

    @case
    async def test_the_first_key_needs_no_predecessor(self, store: Store) -> None:
        await store.perform(AddKey(key("a", KeyState.NEXT)))
        assert await store.perform(PromoteKey("a", NOW + 1))
        (promoted,) = await store.perform(LoadKeys())
        assert promoted.state is KeyState.SIGNING

    @case
    async def test_one_of_many_concurrent_promotions_happens(self, store: Store) -> None:
        await store.perform(AddKey(key("a", KeyState.SIGNING)))
        await store.perform(AddKey(key("b", KeyState.NEXT)))
        done = await together(*(store.perform(PromoteKey("b", NOW + n)) for n in range(CROWD)))
        assert done.count(True) == 1
        states = [one.state for one in await store.perform(LoadKeys())]
        assert states == [KeyState.VERIFYING, KeyState.SIGNING]

    @case
    async def test_a_key_steps_back_but_never_forward(self, store: Store) -> None:
        kept = key("a", KeyState.SIGNING)
        await store.perform(AddKey(kept))
        for state in (KeyState.VERIFYING, KeyState.RETIRED):
            assert await store.perform(SetKeyState("a", state, NOW + 1))
            expected = replace(kept, state=state, moved_at=NOW + 1)
            assert await store.perform(LoadKeys()) == (expected,)
        for state in (KeyState.NEXT, KeyState.SIGNING):
            assert await store.perform(SetKeyState("a", state, NOW + 2)) is False
        assert await store.perform(SetKeyState("unknown", KeyState.RETIRED, NOW)) is False

    @case
    async def test_a_key_is_resealed_if_nobody_else_did(self, store: Store) -> None:
        kept = key("a", KeyState.SIGNING)
        assert await store.perform(AddKey(kept))
        assert await store.perform(ResealKey("a", kept.sealed_private, b"newer"))
        assert not await store.perform(ResealKey("a", kept.sealed_private, b"other"))
        assert not await store.perform(ResealKey("b", kept.sealed_private, b"other"))
        (loaded,) = await store.perform(LoadKeys())
        assert loaded.sealed_private == b"newer"

    @case
    async def test_only_a_retired_key_is_removed(self, store: Store) -> None:
        await store.perform(AddKey(key("a", KeyState.VERIFYING)))
        assert await store.perform(RemoveKey("a")) is False
        await store.perform(SetKeyState("a", KeyState.RETIRED, NOW))
        assert await store.perform(RemoveKey("a"))
        assert await store.perform(RemoveKey("a")) is False
        assert await store.perform(LoadKeys()) == ()
