"""One target in one process: `python -m fuzz.child NAME FOLDER [libFuzzer options]`.

With atheris the search is guided by coverage. Where that is not installed (it is made for
Linux on x86-64) the same target gets random changes of its seeds instead.
"""

from __future__ import annotations

import contextlib
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fuzz.target import Target

HANG_SECONDS = 20  # for one input
MEMORY_MB = 2_048
LONGEST = 20_000  # octets of an input; a header line of a server has at most 16 KiB


def main() -> None:
    """Run one target until its time or its number of inputs is spent."""
    name, folder, *options = sys.argv[1:]
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    try:
        import atheris  # noqa: PLC0415 - it is not made for every machine
    except ImportError:
        _plainly(_target(name), place, options)
        return
    with atheris.instrument_imports(include=["limen"]):
        target = _target(name)
    corpus = place / "corpus"
    corpus.mkdir(exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed{number}").write_bytes(seed)
    fixed = [f"-timeout={HANG_SECONDS}", f"-rss_limit_mb={MEMORY_MB}", f"-max_len={LONGEST}"]
    fixed += [f"-artifact_prefix={place}/", "-print_final_stats=1"]
    if target.words:
        words = place / "words.dict"
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words))
        fixed.append(f"-dict={words}")
    atheris.Setup([name, *fixed, *options, str(corpus)], target.make())
    atheris.Fuzz()


def _target(name: str) -> Target:
    from fuzz.targets import TARGETS  # noqa: PLC0415 - imported under atheris, which instruments it

    return TARGETS[name]


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{octet:02x}" for octet in word)


def _plainly(target: Target, place: Path, options: list[str]) -> None:
    given = dict(one.lstrip("-").split("=") for one in options)
    source = random.Random(int(given.get("seed", 0)))
    runs, seconds = int(given.get("runs", 0)), float(given.get("max_total_time", 0))
    judge, until, done = target.make(), time.monotonic() + seconds, 0
    seeds = target.seeds or (b"",)
    while (not runs or done < runs) and (not seconds or time.monotonic() < until):
        octets = seeds[done] if done < len(seeds) else _changed(source, seeds, target.words)
        with _kept(place, octets):
            judge(octets)
        done += 1
    print(f"stat::number_of_executed_units: {done} (without coverage: atheris is not installed)")


@contextlib.contextmanager
def _kept(place: Path, octets: bytes):  # noqa: ANN202 - a context manager
    try:
        yield
    except BaseException:
        (place / "crash-plain").write_bytes(octets)
        raise


def _changed(source: random.Random, seeds: tuple[bytes, ...], words: tuple[bytes, ...]) -> bytes:
    octets = bytearray(source.choice(seeds))
    for _ in range(source.randint(1, 8)):
        at = source.randint(0, len(octets))
        match source.randint(0, 3):
            case 0:
                octets[at : at + source.randint(1, 8)] = b""
            case 1:
                octets[at:at] = source.randbytes(source.randint(1, 8))
            case 2:
                octets[at:at] = source.choice(words or (b"\0",))
            case _:
                octets[at:at] = octets[: source.randint(0, len(octets))]
    return bytes(octets[:LONGEST])


if __name__ == "__main__":
    main()
