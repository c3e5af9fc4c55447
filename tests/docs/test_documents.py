"""Every Python block in the documents runs, in order, each document on its own."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
)
_BLOCK = re.compile(r"^ *```python\b", re.MULTILINE)
_ESCAPE = re.compile(r"<!--+-? *(skip|invisible-code)|```py[ \n]", re.IGNORECASE)


def run(path: Path) -> int:
    """Run the blocks of one document; return how many there were."""
    examples = list(Sybil(parsers=[PythonCodeBlockParser()]).parse(path).examples())
    for example in examples:
        example.evaluate()
    return len(examples)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_code_in_a_document_runs(path: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIMEN_SECRET", secrets.token_urlsafe(48))
    text = path.read_text()
    assert _ESCAPE.search(text) is None, "code in a document is run or is no Python block"
    assert run(path) == len(_BLOCK.findall(text))


def test_the_documents_that_a_newcomer_reads_are_among_them() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in DOCUMENTS}
    assert {"README.md", "ARCHITECTURE.md", "SECURITY.md", "docs/reference/reasons.md"} <= names


def test_code_that_does_not_run_is_found(tmp_path: Path) -> None:
    document = tmp_path / "x.md"
    document.write_text("```python\nanswer = 6 * 7\n```\n\n```python\nassert answer == 41\n```\n")
    with pytest.raises(AssertionError):
        run(document)
