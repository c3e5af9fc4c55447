"""What is installed is what was locked, whole, and may be used; weak versions can be found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sources import ROOT

ADVISORY = {
    "id": "PYSEC-0000-1",
    "summary": "A parser reads beyond its end.",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Tea_Pot"},
            "ranges": [
                {
                    "type": "ECOSYSTEM",
                    "events": [
                        {"introduced": "0"},
                        {"fixed": "1.2.1"},
                        {"introduced": "2.0"},
                        {"last_affected": "2.3"},
                    ],
                }
            ],
            "versions": ["3.0.post1"],
        }
    ],
}


@pytest.fixture
def supply_chain(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    import supply_chain

    return supply_chain


def test_what_is_installed_is_what_was_locked(supply_chain) -> None:
    assert (
        list(supply_chain.strays(supply_chain.installed_versions(), supply_chain.pins("dev"))) == []
    )


def test_what_is_in_no_lock_or_in_another_version_is_found(supply_chain) -> None:
    found = list(supply_chain.strays({"a": "1", "b": "2", "pip": "9"}, {"b": "3"}))
    assert found == [
        "a 1 is installed and in no lock",
        "b 2 is installed, and the lock has 3",
    ]


def test_the_environment_is_made_from_hashes_alone() -> None:
    """Each lock has them (test_locks.py); here, that whoever installs asks for them."""
    script = (ROOT / "scripts" / "environment.py").read_text()
    assert '["--require-hashes", "-r", lock]' in script
    assert '["--no-deps", "--no-build-isolation", "-e", "."]' in script
    assert script.count('"install"') == 1


def test_the_libraries_that_compute_are_as_they_were_installed(supply_chain, tmp_path) -> None:
    needed = supply_chain.needed(("",))
    assert {"argon2-cffi", "cryptography", "joserfc", "cffi"} <= needed.keys()
    assert [line for one in needed.values() for line in supply_chain.changed_files(one)] == []


def test_a_changed_file_is_found(supply_chain, tmp_path: Path) -> None:
    from importlib.metadata import PathDistribution

    info = tmp_path / "teapot-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: teapot\nVersion: 1\n")
    (tmp_path / "teapot.py").write_text("spout = 1\n")
    digest = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"  # of nothing
    (info / "RECORD").write_text(f"teapot.py,{digest},10\n")
    found = list(supply_chain.changed_files(PathDistribution(info)))
    assert found == ["teapot: teapot.py is not as it was installed"]


def test_what_limen_needs_may_be_used_and_is_pinned(supply_chain) -> None:
    extras = ("", "bcrypt", "cli", "fastapi", "lab", "mail", "postgresql", "redis", "social")
    needed, locked = supply_chain.needed(extras), supply_chain.pins("dev")
    assert {"starlette", "asyncpg", "redis", "httpx", "typer"} <= needed.keys()
    for name, one in needed.items():
        assert locked.get(name) == one.version, name
        assert supply_chain.LICENCES.search(supply_chain.licence_of(one)), name


@pytest.mark.parametrize(
    ("version", "weak"),
    [
        ("1.0", True),
        ("1.2.1", False),
        ("1.10", False),
        ("2.0", True),
        ("2.3", True),
        ("2.4", False),
        ("3.0.post1", True),
        ("3.0", False),
    ],
)
def test_a_pin_that_an_advisory_speaks_of_is_found(supply_chain, version: str, weak: bool) -> None:
    found = list(supply_chain.hits({"tea-pot": version}, [ADVISORY]))
    told = [f"tea-pot {version}: PYSEC-0000-1, A parser reads beyond its end."]
    assert found == (told if weak else [])
    assert not list(supply_chain.hits({"tea-pot": version}, [ADVISORY | {"withdrawn": "2026"}]))
    assert not list(supply_chain.hits({"kettle": version}, [ADVISORY]))


def test_advisories_are_read_from_a_file_or_a_folder(supply_chain, tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps(ADVISORY))
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "two.json").write_text(json.dumps([ADVISORY, ADVISORY]))
    assert len(list(supply_chain.advisories(tmp_path))) == 3
    assert list(supply_chain.advisories(tmp_path / "one.json")) == [ADVISORY]
