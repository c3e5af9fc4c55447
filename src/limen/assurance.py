"""How strong a sign-in was, by the names of what proved it, and how long it may then last.

The levels are those of NIST SP 800-63B-4; the names of methods are those of RFC 8176. A level
is never kept: it follows from the methods, so no refresh and no exchange can raise it.
"""

from __future__ import annotations

import functools
from enum import Enum, unique
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

Level: TypeAlias = Literal["aal1", "aal2", "aal3"]
LEVELS: Final[tuple[str, ...]] = ("aal0", *get_args(Level))  # the weakest first


@unique
class _Kind(Enum):
    KNOWLEDGE = "something that one knows"
    POSSESSION = "something that one has"
    INHERENCE = "something that one is"


_KINDS: Final = {
    "pwd": _Kind.KNOWLEDGE,
    "pin": _Kind.KNOWLEDGE,
    "kba": _Kind.KNOWLEDGE,
    "otp": _Kind.POSSESSION,
    "hwk": _Kind.POSSESSION,
    "swk": _Kind.POSSESSION,
    "pop": _Kind.POSSESSION,
    "sc": _Kind.POSSESSION,
    "sms": _Kind.POSSESSION,
    "tel": _Kind.POSSESSION,
    "face": _Kind.INHERENCE,
    "fpt": _Kind.INHERENCE,
    "iris": _Kind.INHERENCE,
    "retina": _Kind.INHERENCE,
    "vbm": _Kind.INHERENCE,
}
_MULTIPLE: Final = "mfa"  # whoever states this says that there were factors of two kinds


@functools.lru_cache(256)  # few combinations occur, and tokens are read often
def acr_of(methods: tuple[str, ...]) -> str:
    """Return the level that these methods reach (`acr`, OpenID Connect Core section 2).

    `aal2` takes factors of two kinds: a password and a code, not a password and a PIN; `mfa`
    says that there were. Anything else that was proved is `aal1`, also a name that is not
    known here, such as `fed`. Nothing is `aal0`. `aal3` is never concluded: no name says that a
    key cannot be copied and that no page can pass itself off for another.
    """
    named = frozenset(methods)
    if _MULTIPLE in named or len({_KINDS[one] for one in named if one in _KINDS}) > 1:
        return "aal2"
    return "aal1" if named else "aal0"


def reaches(acr: str, wanted: str) -> bool:
    """Tell whether a level is at least another one; what is no level of ours reaches nothing."""
    if acr not in LEVELS or wanted not in LEVELS:
        return False
    return LEVELS.index(acr) >= LEVELS.index(wanted)


class Longest(NamedTuple):
    """How long a session may last, in seconds; `idle` is `None` where no number is named."""

    absolute: int
    idle: int | None


# NIST SP 800-63B-4, sections 2.1.3, 2.2.3 and 2.3.3.
LONGEST: Final[dict[str, Longest]] = {
    "aal1": Longest(30 * 86_400, None),
    "aal2": Longest(86_400, 3_600),
    "aal3": Longest(43_200, 900),
}
