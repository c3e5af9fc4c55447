"""Looks at what is installed, without a network: pinned, whole, licensed, and known as weak.

    .venv/bin/python scripts/supply_chain.py                what .venv holds against the lock
    .venv/bin/python scripts/supply_chain.py licences       of what Limen needs when it runs
    .venv/bin/python scripts/supply_chain.py audit PATH     every lock against advisories

PATH is a file or a folder of advisories as JSON in the OSV format, such as the database of the
Python Packaging Authority as it is published. Whoever has a network fetches it; this reads it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
OURS = "limen"
# What makes an environment and is in no lock.
MAKES_IT = frozenset({"pip", "setuptools", "wheel"})
LICENCES = re.compile(r"MIT|BSD|Apache|Python Software Foundation|PSF|ISC|LGPL|MPL|Unlicense|0BSD")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    """Return the versions that a lock allows."""
    text = (REQUIREMENTS / f"{lock}.lock").read_text(encoding="utf-8")
    return {canonicalize_name(name): version for name, version in _PIN.findall(text)}


def strays(installed: Mapping[str, str], locked: Mapping[str, str]) -> Iterator[str]:
    """Yield what is installed and not in the lock, or in another version."""
    for name, version in sorted(installed.items()):
        if name == OURS or name in MAKES_IT:
            continue
        if name not in locked:
            yield f"{name} {version} is installed and in no lock"
        elif locked[name] != version:
            yield f"{name} {version} is installed, and the lock has {locked[name]}"


def installed_versions() -> dict[str, str]:
    """Return what the environment of this interpreter holds."""
    return {canonicalize_name(one.metadata["Name"]): one.version for one in distributions()}


def changed_files(one: Distribution) -> Iterator[str]:
    """Yield the files of a distribution that are not as it was installed.

    The lock has the digest of the archive, and the archive a digest of each file in it.
    """
    for path in one.files or ():
        if path.hash is None or path.suffix == ".pyc":
            continue
        located = Path(str(path.locate()))
        found = located.read_bytes() if located.is_file() else b""
        digest = base64.urlsafe_b64encode(hashlib.new(path.hash.mode, found).digest())
        if digest.rstrip(b"=").decode() != path.hash.value:
            yield f"{one.metadata['Name']}: {path} is not as it was installed"


def needed(extras: Iterable[str]) -> dict[str, Distribution]:
    """Return what Limen needs when it runs, with everything that this needs itself."""
    found: dict[str, Distribution] = {}
    waiting = [Requirement(text) for text in distribution(OURS).requires or ()]
    wanted = [
        one
        for one in waiting
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras)
    ]
    while wanted:
        one = wanted.pop()
        name = canonicalize_name(one.name)
        if name == OURS or name in found:
            continue
        found[name] = distribution(one.name)
        below = (Requirement(text) for text in found[name].requires or ())
        chosen = one.extras or {""}
        wanted += [
            other
            for other in below
            if other.marker is None or any(other.marker.evaluate({"extra": e}) for e in chosen)
        ]
    return found


def licence_of(one: Distribution) -> str:
    """Return what a distribution says of its licence."""
    stated = one.metadata.get("License-Expression")
    if stated:
        return str(stated)
    classifiers = one.metadata.get_all("Classifier") or []
    named = [text.rpartition(" :: ")[2] for text in classifiers if text.startswith("License ::")]
    return ", ".join(named) or (one.metadata.get("License") or "").strip().partition("\n")[0]


def advisories(place: Path) -> Iterator[dict[str, Any]]:
    """Yield every advisory of a file or a folder."""
    for path in sorted(place.rglob("*.json")) if place.is_dir() else [place]:
        said = json.loads(path.read_text(encoding="utf-8"))
        yield from said if isinstance(said, list) else [said]


def hits(locked: Mapping[str, str], known: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield each pin that an advisory speaks of."""
    for advisory in known:
        if advisory.get("withdrawn"):
            continue
        for affected in advisory.get("affected", ()):
            package = affected.get("package", {})
            name = canonicalize_name(package.get("name", ""))
            version = locked.get(name)
            if package.get("ecosystem") != "PyPI" or version is None:
                continue
            if version in affected.get("versions", ()) or _in_ranges(version, affected):
                summary = advisory.get("summary") or "no summary"
                yield f"{name} {version}: {advisory.get('id', 'no id')}, {summary}"


def _in_ranges(version: str, affected: Mapping[str, Any]) -> bool:
    for span in affected.get("ranges", ()):
        if span.get("type") != "ECOSYSTEM":
            continue
        inside = False
        for event in span.get("events", ()):
            ((kind, stated),) = event.items()
            try:
                reached = stated == "0" or Version(version) >= Version(stated)
                past = stated != "0" and Version(version) > Version(stated)
            except InvalidVersion:
                continue
            if kind == "introduced" and reached:
                inside = True
            elif (kind == "fixed" and reached) or (kind == "last_affected" and past):
                inside = False
        if inside:
            return True
    return False


def main() -> None:
    """Say what is wrong; exit with 1 if anything is."""
    extras = ("", "bcrypt", "cli", "fastapi", "lab", "mail", "postgresql", "redis", "social")
    match sys.argv[1:]:
        case []:
            wrong = list(strays(installed_versions(), pins("dev")))
            wrong += [line for one in needed(extras).values() for line in changed_files(one)]
        case ["licences"]:
            listed = {name: licence_of(one) for name, one in sorted(needed(extras).items())}
            sys.stdout.writelines(f"{name}: {licence}\n" for name, licence in listed.items())
            wrong = [
                f"{name}: {said}" for name, said in listed.items() if not LICENCES.search(said)
            ]
        case ["audit", place] if Path(place).exists():
            locked = {lock.stem: pins(lock.stem) for lock in sorted(REQUIREMENTS.glob("*.lock"))}
            known = list(advisories(Path(place)))
            wrong = [f"{lock}: {hit}" for lock, one in locked.items() for hit in hits(one, known)]
        case _:
            sys.exit("usage: supply_chain.py [licences | audit FILE-OR-FOLDER]")
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
