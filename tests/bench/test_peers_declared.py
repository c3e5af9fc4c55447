"""Every peer of `make bench` is declared, can be started, and is pinned to exact versions."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

PEERS = Path(__file__).resolve().parents[2] / "bench" / "peers"
NAMES = ["better-auth", "better-auth-server", "crudauth", "fastapi-users", "litestar"]
STORES = {"sqlite", "redis", "memory", "none"}
EXACT = re.compile(r"[0-9]+(\.[0-9]+)+([a-z0-9.-]*[a-z0-9])?")
PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[^ ;]+)( ; .+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
ASKED = re.compile(r"(?P<name>[a-z0-9-]+)(\[[a-z,]+\])?(==(?P<version>[^ ]+))?")


def python_pins(lock: str) -> dict[str, str]:
    """Return the version of each package; AssertionError for anything but a hashed pin."""
    found: dict[str, str] = {}
    hashed: set[str] = set()
    name = ""
    for line in lock.splitlines():
        if HASH.fullmatch(line):
            hashed.add(name)
            continue
        pin = PIN.fullmatch(line)
        assert pin, f"no exact version: {line}"
        assert EXACT.fullmatch(pin["version"]), f"no exact version: {line}"
        name = pin["name"]
        assert name not in found, f"{name} twice: one environment has one version"
        found[name] = pin["version"]
    assert found, "an empty lock"
    assert hashed == found.keys(), f"no hash: {found.keys() - hashed}"
    return found


def node_pins(lock: str) -> dict[str, str]:
    """Return the version of each package; AssertionError for anything but a hashed pin."""
    packages = json.loads(lock)["packages"]
    found = {}
    for place, one in packages.items():
        if place:
            assert EXACT.fullmatch(one.get("version", "")), f"no exact version: {place}"
            assert one.get("integrity", "").startswith("sha512-"), f"no hash: {place}"
            assert "resolved" not in one, f"names a place to fetch it from: {place}"
            found[place.removeprefix("node_modules/")] = one["version"]
    assert found, "an empty lock"
    return found


def asked_of_python(text: str) -> Iterator[tuple[str, str | None]]:
    for line in text.splitlines():
        asked = ASKED.fullmatch(line)
        assert asked, f"neither a name nor a name and a version: {line}"
        yield asked["name"], asked["version"]


def declared(name: str) -> dict[str, object]:
    return tomllib.loads((PEERS / name / "peer.toml").read_text())


def test_the_peers_are_the_ones_that_the_table_compares() -> None:
    assert sorted(path.parent.name for path in PEERS.glob("*/peer.toml")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_peer_says_how_it_is_started(name: str) -> None:
    peer = declared(name)
    needed = {"name", "framework", "kind", "entry", "variants"}
    assert peer.keys() - {"note", "sign_in_by"} == needed
    assert peer.get("sign_in_by", "library") in {"library", "application"}
    assert peer["kind"] in {"python", "node"}
    entry = PEERS / name / str(peer["entry"])
    assert entry.suffix == {"python": ".py", "node": ".mjs"}[str(peer["kind"])]
    assert entry.is_file()


@pytest.mark.parametrize("name", NAMES)
def test_the_program_knows_every_variant_that_is_declared(name: str) -> None:
    peer = declared(name)
    program = (PEERS / name / str(peer["entry"])).read_text()
    variants = peer["variants"]
    assert isinstance(variants, list)
    assert variants
    for one in variants:
        assert one.keys() - {"note"} == {"variant", "strategy", "store"}
        assert one["store"] in STORES
        assert one["strategy"]
        assert f'"{one["variant"]}"' in program
    assert len({one["variant"] for one in variants}) == len(variants)


@pytest.mark.parametrize("name", [n for n in NAMES if declared(n)["kind"] == "python"])
def test_a_python_peer_is_pinned(name: str) -> None:
    pins = python_pins((PEERS / name / "requirements.lock").read_text())
    asked = dict(asked_of_python((PEERS / name / "requirements.in").read_text()))
    assert name in {package for package, version in asked.items() if version}
    for package, version in asked.items():
        assert pins[package] == (version or pins[package])
    assert {"uvicorn", "uvloop", "httptools"} <= asked.keys()


def test_python_peers_share_the_server_and_the_framework() -> None:
    pins = [
        python_pins((PEERS / name / "requirements.lock").read_text())
        for name in NAMES
        if declared(name)["kind"] == "python"
    ]
    for package in ("uvicorn", "uvloop", "httptools", "fastapi", "starlette"):
        assert len({one[package] for one in pins if package in one}) == 1, package


@pytest.mark.parametrize("name", [n for n in NAMES if declared(n)["kind"] == "node"])
def test_a_node_peer_is_pinned(name: str) -> None:
    pins = node_pins((PEERS / name / "package-lock.json").read_text())
    asked = json.loads((PEERS / name / "package.json").read_text())["dependencies"]
    assert name in asked
    assert {package: pins[package] for package in asked} == asked


def test_what_is_not_measured_says_why() -> None:
    entries = tomllib.loads((PEERS / "not_measured.toml").read_text())["not_measured"]
    assert [one for one in entries if not (one["name"] and one["why"])] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_says_what_protects_the_route(name: str) -> None:
    assert f"\n| {name} | " in (PEERS / "README.md").read_text()


HASHED = f"    --hash=sha256:{'0' * 64}"


def test_a_good_lock_is_taken() -> None:
    lock = f"a==1.0 \\\n{HASHED} \\\n{HASHED}\nb==2.1.0 ; sys_platform == 'win32' \\\n{HASHED}\n"
    assert python_pins(lock) == {"a": "1.0", "b": "2.1.0"}


@pytest.mark.parametrize(
    "lock",
    [
        "",
        f"a>=1.0 \\\n{HASHED}\n",
        f"a==1.* \\\n{HASHED}\n",
        f"a @ file:///somewhere \\\n{HASHED}\n",
        f"--index-url somewhere\na==1.0 \\\n{HASHED}\n",
        "a==1.0\n",
        f"a==1.0 \\\n{HASHED} \\\nb==1.0 \\\n",
        f"a==1.0 \\\n{HASHED}\na==1.1 \\\n{HASHED}\n",
    ],
)
def test_a_python_lock_that_leaves_a_choice_is_refused(lock: str) -> None:
    with pytest.raises(AssertionError):
        python_pins(lock)


@pytest.mark.parametrize(
    "one",
    [
        {"version": "^1.0.0", "integrity": "sha512-x"},
        {"version": "1.0.0"},
        {"version": "1.0.0", "integrity": "sha1-x"},
        {"version": "1.0.0", "integrity": "sha512-x", "resolved": "somewhere"},
        {"link": True},
    ],
)
def test_a_node_lock_that_leaves_a_choice_is_refused(one: dict[str, object]) -> None:
    good = {"version": "1.0.0", "integrity": "sha512-x"}
    packages = {"": {}, "node_modules/a": good}
    assert node_pins(json.dumps({"packages": packages})) == {"a": "1.0.0"}
    with pytest.raises(AssertionError):
        node_pins(json.dumps({"packages": packages | {"node_modules/b": one}}))
