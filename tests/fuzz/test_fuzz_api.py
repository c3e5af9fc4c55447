"""The service keeps what its OpenAPI document promises, whatever is sent to it over HTTP."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fuzz.api import ask, service

OPERATIONS = 30  # there are more; fewer would mean that the document was not read


@pytest.mark.proves("asvs:2.2.2", "asvs:16.5.1", "asvs:4.1.4")
@pytest.mark.parametrize(
    ("strategy", "options"),
    [
        ("hybrid", ("--phases", "coverage,stateful")),
        ("session", ("--phases", "fuzzing", "--max-examples", "4")),
        ("jwt", ("--phases", "fuzzing", "--max-examples", "4")),
    ],
)
@pytest.mark.timeout(400)
def test_every_answer_is_one_that_the_document_promises(
    tmp_path: Path, strategy: str, options: tuple[str, ...]
) -> None:
    with service(strategy, tmp_path) as url:
        status, said = ask(url, tmp_path, *options, "--seed", "1")
    report = json.loads((tmp_path / "report.json").read_text())
    assert status == 0, said[-6_000:]
    assert report["complete"]
    assert report["operations"]["tested"] >= OPERATIONS
    log = (tmp_path / "server.log").read_text()
    assert "Traceback" not in log, log[-6_000:]


def test_a_service_that_breaks_its_promise_is_noticed(tmp_path: Path) -> None:
    with service("session", tmp_path) as url:
        # An application that answers 404 to everything is not what the document describes.
        elsewhere = ("--url", f"{url}/nothing", "--include-path", "/get-session")
        status, said = ask(url, tmp_path, "--phases", "coverage", *elsewhere)
    assert status == 1, said[-2_000:]
