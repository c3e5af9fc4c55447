"""What is measured: Limen in each of its variants, the bare frameworks, and the peers."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent
PEERS: Final = HERE / "peers"
LIMEN: Final = "limen"
BARE: Final = "none"
PASSING: Final = "any cookie passes"  # of a framework without Limen
FRAMEWORKS: Final = ("fastapi", "starlette")
# FastAPI whose protected route asks by itself instead of depending on the principal.
ASKING: Final = "fastapi-asking"


@dataclass(frozen=True)
class Variant:
    """One way to set a system up; `name` is what its program is told."""

    name: str
    strategy: str | None
    store: str | None


@dataclass(frozen=True)
class System:
    """Something that can be served: a program of ours, or a peer with a folder of its own."""

    name: str
    framework: str
    kind: str  # "python" or "node"
    folder: Path
    entry: str
    variants: tuple[Variant, ...]
    signs_in: bool = True  # whether its sign-in is its own, and not written for the measurement

    @property
    def is_peer(self) -> bool:
        """Whether somebody else wrote it."""
        return self.name not in (LIMEN, BARE)


@dataclass(frozen=True)
class Setting:
    """The two choices of a Limen, and where it keeps what it must."""

    strategy: str
    check: str | None
    store: str
    title: str

    @property
    def reads(self) -> bool:
        """Whether every check reads its row, as if somebody had committed before it."""
        return self.title == READING


READING: Final = "session, check=store, after a commit"
# By the word that stands for it on a command line.
SETTINGS: Final = {
    f"{strategy}-{store}": Setting(strategy.partition("-")[0], check, store, title)
    for strategy, check, title, stores in (
        ("jwt", None, "jwt", ("none", "sqlite", "postgresql", "redis")),
        ("session-store", "store", "session, check=store", ("sqlite", "postgresql", "redis")),
        ("session-reading", "store", READING, ("sqlite",)),
        ("session-feed", "feed", "session, check=feed", ("sqlite", "postgresql", "redis")),
        ("hybrid", None, "hybrid", ("sqlite", "postgresql", "redis")),
    )
    for store in stores
}


def bare() -> tuple[System, ...]:
    """Return the frameworks without Limen."""
    return tuple(
        System(
            BARE, one, "python", HERE / "apps", "serve.py", (Variant(f"{one}/bare", PASSING, None),)
        )
        for one in FRAMEWORKS
    )


def limen() -> tuple[System, ...]:
    """Return Limen in each framework, in every variant."""
    return tuple(
        System(
            LIMEN,
            framework,
            "python",
            HERE / "apps",
            "serve.py",
            tuple(
                Variant(f"{framework}/{name}", setting.title, setting.store)
                for name, setting in SETTINGS.items()
            ),
        )
        for framework in FRAMEWORKS
    )


def asking() -> System:
    """Return Limen on FastAPI without what a dependency of FastAPI costs, whatever it does."""
    variants = (
        Variant(f"{ASKING}/{name}", setting.title, setting.store)
        for name, setting in SETTINGS.items()
        if setting.store == "sqlite"
    )
    return System(LIMEN, ASKING, "python", HERE / "apps", "serve.py", tuple(variants))


def peers(folder: Path = PEERS) -> tuple[System, ...]:
    """Return the peers, each described by a `peer.toml` in a folder of its own."""
    return tuple(_peer(path) for path in sorted(folder.glob("*/peer.toml")))


def _peer(path: Path) -> System:
    described = tomllib.loads(path.read_text())
    return System(
        name=described["name"],
        framework=described["framework"],
        kind=described["kind"],
        folder=path.parent,
        entry=described["entry"],
        variants=tuple(
            Variant(one["variant"], one["strategy"], one["store"]) for one in described["variants"]
        ),
        signs_in=described.get("sign_in_by", "library") == "library",
    )


def left_out(file: Path = PEERS / "not_measured.toml") -> dict[str, str]:
    """Return what the peers cannot be measured by, and why."""
    if not file.is_file():
        return {}
    return {one["name"]: one["why"] for one in tomllib.loads(file.read_text())["not_measured"]}
