"""The look of the pages that Limen itself shows to people: no script, nothing loaded."""

from __future__ import annotations

import hashlib
import html
from base64 import b64encode
from typing import Final

from limen.service.answer import Answer, HeaderPairs

_STYLE: Final = """body{font:1rem/1.5 system-ui,sans-serif;max-width:24rem;margin:4rem auto;\
padding:0 1rem}form{margin:1.5rem 0}label,input,button{display:block;width:100%;\
box-sizing:border-box}input,button{font:inherit;padding:.5rem;margin:.25rem 0 1rem}\
[role=alert]{border-left:.25rem solid #b00020;padding-left:.75rem}"""
_STYLE_HASH: Final = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>{style}</style></head>
<body><main><h1>{title}</h1>
{content}
</main></body>
</html>
"""


def page(
    title: str,
    content: str,
    *,
    status: int = 200,
    forms: str = "'self'",
    headers: HeaderPairs = (),
) -> Answer:
    """Return a page; `forms` is where its forms may lead, as the policy has it.

    Not `no-referrer`: a form would then name no origin, and be refused for that. With
    `same-origin` other sites learn as little.
    """
    text = _PAGE.format(title=title, style=_STYLE, content=content)
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
        f"form-action {forms}; frame-ancestors 'none'"
    )
    safe = (("Content-Security-Policy", policy), ("Referrer-Policy", "same-origin"))
    return Answer(status, text.encode(), "text/html; charset=utf-8", (*safe, *headers))


def alert(words: str) -> str:
    """Return a sentence that is read out at once."""
    return f'<p role="alert">{html.escape(words)}</p>'
