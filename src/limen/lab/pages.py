"""How a page of the Lab comes about: a template, with escaping on, and what it may call."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from limen.lab import menu
from limen.lab.reading import words
from limen.lab.reading.moments import offset
from limen.lab.reading.telling import outcome_word, pieces, told, word_of
from limen.lab.reading.values import full, is_label, milliseconds, seconds, shown

if TYPE_CHECKING:
    from limen.trace.event import Source

HERE = Path(__file__).parent


def moment(at: int) -> str:
    """Return a time in milliseconds as people read it, in UTC."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def place(source: Source) -> str:
    """Return where the lines of a step are, within the installed package."""
    return f"{source.file}:{source.first_line}-{source.last_line}"


_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals.update(words=words, views=menu)
_templates.filters.update(
    shown=shown,
    seconds=seconds,
    milliseconds=milliseconds,
    moment=moment,
    full=full,
    offset=offset,
    outcome_word=outcome_word,
    word_of=word_of,
    told=told,
    pieces=pieces,
    place=place,
)
_templates.tests.update(label=is_label)


def page(template: str, **values: object) -> str:
    """Return a page of the Lab from its template."""
    return _templates.get_template(template).render(**values)


def notice_page(title: str, text: str) -> str:
    """Return a page that says one thing."""
    return page("notice.html", title=title, text=text)
