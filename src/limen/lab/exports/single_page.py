"""trace.html: a page of the Lab as one file that opens from a disk, with the network off.

The page is taken as it is. Its style sheets go into it, under a policy that names their
hashes; scripts, forms and links to other pages stay behind, and what they said remains.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from html.parser import HTMLParser
from typing import Final

from limen.lab.pages import HERE

STATIC: Final = "/static/"
# Left out with all that is in them: what acts.
DROPPED: Final = frozenset({"script", "style", "template", "iframe", "object", "audio", "video"})
_VOID_DROPPED: Final = frozenset({"input", "img", "base", "embed", "source", "link", "meta"})
# They would do something when pressed; their words remain.
_PLAIN: Final = {"form": "div", "button": "span"}
_ACTING: Final = ("on", "style", "formaction", "srcdoc", "ping", "background", "xlink:href")
_HARMLESS: Final = ("class", "id", "hidden")
_BUTTON: Final[dict[str, str | None]] = {"class": "pressed-in-the-lab"}


def single_page(page: str, path: str, notes: str, lead: str = "") -> str:
    """Return the main part of a page that was rendered for `path` as a file of its own.

    `lead` is markup that goes before it, `notes` what goes after.
    """
    reader = _Reader(path)
    reader.feed(page)
    reader.close()
    styles = [(HERE / "static" / name).read_text("utf-8") for name in (*reader.styles, "file.css")]
    hashes = " ".join(f"'sha256-{_hash(one)}'" for one in styles)
    policy = f"default-src 'none'; style-src {hashes}; base-uri 'none'; form-action 'none'"
    sheets = "\n".join(f"<style>{one}</style>" for one in styles)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{"".join(reader.title)}</title>
{sheets}
</head>
<body>
{lead}
{"".join(reader.written)}
{notes}
</body>
</html>
"""


def _hash(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


class _Reader(HTMLParser):
    """Writes the main part of a page again, but for what is dropped or made plain."""

    def __init__(self, path: str) -> None:
        super().__init__(convert_charrefs=False)
        self.written: list[str] = []
        self.title: list[str] = []
        self.styles: list[str] = []
        self._place = ""
        self._path = path
        self._dropped = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Write an opening tag, or go on without it."""
        stated = dict(attrs)
        if tag == "title" and not self._place:
            self._place = tag
        elif tag in DROPPED:
            self._dropped += 1
        elif tag in _VOID_DROPPED:
            self._style_of(tag, stated)
        else:
            self._place = tag if tag == "main" else self._place
            self._write(self._opened(tag, stated))

    def handle_endtag(self, tag: str) -> None:
        """Write a closing tag."""
        if tag in DROPPED:
            self._dropped -= 1
        elif tag == "title" and self._place == tag:
            self._place = ""
        else:
            name = self._links.pop() if tag == "a" and self._links else _PLAIN.get(tag, tag)
            self._write(f"</{name}>")
            self._place = "" if tag == "main" else self._place

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Write a tag that closes itself, as in a drawing."""
        if tag in _VOID_DROPPED:
            self._style_of(tag, dict(attrs))
        elif tag not in DROPPED:
            self._write(f"{self._opened(tag, dict(attrs), closed=True)}")

    def handle_data(self, data: str) -> None:
        """Write text as it stands in the page, which has escaped it."""
        self._write(data)

    def handle_entityref(self, name: str) -> None:
        """Write a named character as it stands."""
        self._write(f"&{name};")

    def handle_charref(self, name: str) -> None:
        """Write a numbered character as it stands."""
        self._write(f"&#{name};")

    def _write(self, text: str) -> None:
        if self._place and not self._dropped:
            (self.title if self._place == "title" else self.written).append(text)

    def _style_of(self, tag: str, stated: dict[str, str | None]) -> None:
        href = stated.get("href") or ""
        if tag == "link" and stated.get("rel") == "stylesheet" and href.startswith(STATIC):
            self.styles.append(href.removeprefix(STATIC))

    def _opened(self, tag: str, stated: dict[str, str | None], *, closed: bool = False) -> str:
        kept = {name: value for name, value in stated.items() if not name.startswith(_ACTING)}
        name = _PLAIN.get(tag, tag)
        if tag == "a":
            name, kept = self._link(kept)
            self._links.append(name)
        elif tag in _PLAIN:
            kept = {one: value for one, value in kept.items() if one in _HARMLESS}
            kept |= _BUTTON if tag == "button" else {}
        attributes = "".join(_attribute(one, value) for one, value in kept.items())
        return f"<{name}{attributes}{'/' if closed else ''}>"

    def _link(self, stated: dict[str, str | None]) -> tuple[str, dict[str, str | None]]:
        """Return what is left of a link: one to a place in this page stays one."""
        page, _, place = (stated.pop("href", None) or "").partition("#")
        if place and page in ("", self._path):
            return "a", stated | {"href": f"#{place}"}
        return "span", {one: value for one, value in stated.items() if one in _HARMLESS}


def _attribute(name: str, value: str | None) -> str:
    return f" {name}" if value is None else f' {name}="{escape(value)}"'
