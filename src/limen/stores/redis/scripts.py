"""The Lua scripts: each is one atomic step, since Redis runs nothing else meanwhile."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import Final

_LUA: Final = resources.files("limen.stores.redis") / "lua"


@dataclass(frozen=True, slots=True)
class Script:
    """One script, and the name under which Redis keeps it: the SHA-1 of its text."""

    text: str
    digest: str


def _part(name: str) -> str:
    return (_LUA / f"{name}.lua").read_text(encoding="utf-8")


def _script(name: str, *, guarded: bool = True) -> Script:
    parts = ["prelude", "guard", name] if guarded else ["prelude", name]
    text = "\n".join(_part(part) for part in parts)
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


OPEN: Final = _script("open")
ATTACH: Final = _script("attach")
FIND: Final = _script("find")
TOUCH: Final = _script("touch")
SET_FIELDS: Final = _script("set_fields")
LISTED: Final = _script("listed")
COUNT: Final = _script("count")
FAMILY: Final = _script("family")
ROTATE: Final = _script("rotate")
PLAN: Final = _script("plan")
END: Final = _script("end")
READ_LOG: Final = _script("read_log")
FIND_REVOCATION: Final = _script("find_revocation")
INCREMENT: Final = _script("increment")
DRAW: Final = _script("draw")
READ_COUNTS: Final = _script("read_counts")
FORGET_COUNTS: Final = _script("forget_counts")
PURGE: Final = _script("purge")
ABANDONED: Final = _script("abandoned")
# These make a Redis one that may be asked; the others refuse until then.
SURVEY: Final = _script("survey", guarded=False)
APPLY: Final = _script("apply", guarded=False)
SETTLE: Final = _script("settle", guarded=False)
