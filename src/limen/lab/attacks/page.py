"""Cards about the browser: what a script on the page can take, and what another page can cause."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from limen.lab.attacks.card import Card, Probe, last_status
from limen.lab.attacks.measures import status_of
from limen.lab.playing.clients import ACCESS, REFRESH
from limen.lab.playing.foreign import ForeignPage
from limen.lab.run import Plot, Step
from limen.lab.scenarios.steps import LOGIN, READ, READING, signed_in
from limen.lab.servers.site import PROTECTED
from limen.lab.setups import ATTACKED, Storage
from limen.phase import Phase

if TYPE_CHECKING:
    from limen.lab.attacks.card import Outcome
    from limen.lab.playing.stage import Stage
    from limen.lab.run import Column, Run

COPIED: Final = "copied"
RIDDEN: Final = "ridden only"
NEITHER: Final = "neither"
# As a `trusted_origins` that lets every page of the web act with the cookies.
EVERY_ORIGIN: Final = ("*",)
_NAMES: Final = tuple(one.name for one in ATTACKED)

SCRIPT_READS: Final = Step(
    "script reads",
    "Injected script: it sends home whatever scripts can read",
    (Phase.CLIENT_STORE,),
)
SCRIPT_ACTS: Final = Step(
    "script acts", "Injected script: it makes a request from her open page", READING
)
USED_ELSEWHERE: Final = Step(
    "used elsewhere", "Elsewhere: the thief asks with whatever was sent home", READING
)
FORM: Final = Step(
    "foreign form",
    "A page of another site submits a form; the browser does not know SameSite",
    READING,
)
FORM_HEEDED: Final = Step(
    "foreign form, SameSite heeded",
    "The same form once more; this browser heeds SameSite",
    READING,
)


def _injected(stage: Stage) -> None:
    victim = signed_in(stage, stage.owner())
    thief = stage.thief()
    with stage.step(SCRIPT_READS):
        thief.read_as_script(victim, ACCESS, REFRESH)
    with stage.step(SCRIPT_ACTS):
        victim.send("POST", PROTECTED)
    with stage.step(USED_ELSEWHERE):
        thief.send("GET", PROTECTED)


def _submitted(stage: Stage) -> None:
    victim = signed_in(stage, stage.owner())
    with stage.step(READ):
        victim.read(PROTECTED)
    with stage.step(FORM):
        ForeignPage(same_site=False).submit(victim, PROTECTED)
    with stage.step(FORM_HEEDED):
        ForeignPage().submit(victim, PROTECTED)


def _taken(run: Run, column: Column) -> Outcome:
    if last_status(run, column, USED_ELSEWHERE.name) == "200":
        return COPIED
    return RIDDEN if last_status(run, column, SCRIPT_ACTS.name) == "200" else NEITHER


_XSS: Final = Card(
    "A18",
    Plot(
        "A18",
        "a script on her page",
        "An injected script runs on the page where Alice is signed in. It reads what scripts can "
        "read, acts while the page is open, and what it found is used elsewhere.",
        (LOGIN, SCRIPT_READS, SCRIPT_ACTS, USED_ELSEWHERE),
    ),
    _injected,
    "What does the script get out of it?",
    USED_ELSEWHERE.name,
    (COPIED, RIDDEN, NEITHER),
    dict.fromkeys(_NAMES, COPIED),
    "Where the credential is kept, and not its format: the columns agree. A script reads "
    "`localStorage` and what the page has in memory; an HttpOnly cookie it cannot read, but "
    "the browser attaches it to whatever the script asks for.",
    "Keep the credential in an HttpOnly cookie. Then a script can act while the page is open, and "
    "nothing can be carried away.",
    setups=tuple(one.kept_in(Storage.LOCAL) for one in ATTACKED),
    measured=_taken,
    condition="kept in localStorage",
    probes=(
        Probe(
            "The script makes a request from the open page. What does it get?",
            dict.fromkeys(_NAMES, "200"),
            status_of(SCRIPT_ACTS),
        ),
        Probe(
            "What does the thief get elsewhere?",
            dict.fromkeys(_NAMES, "200"),
            status_of(USED_ELSEWHERE),
        ),
    ),
)
_XSS_JAR: Final = replace(
    _XSS,
    id="A18-jar",
    setups=ATTACKED,
    expected=dict.fromkeys(_NAMES, RIDDEN),
    condition="kept in an HttpOnly cookie",
    probes=(
        _XSS.probes[0],
        replace(_XSS.probes[1], expected=dict.fromkeys(_NAMES, "401")),
    ),
)
_XSS_MEMORY: Final = replace(
    _XSS,
    id="A18-memory",
    setups=tuple(one.kept_in(Storage.MEMORY) for one in ATTACKED),
    condition="kept in the memory of the page",
)

_CSRF: Final = Card(
    "A19",
    Plot(
        "A19",
        "a form on another site",
        "Alice is signed in and opens a page of another site, which submits a form to the "
        "application from her browser.",
        (LOGIN, READ, FORM, FORM_HEEDED),
    ),
    _submitted,
    "The browser does not know SameSite. Is the form of the other site taken for hers?",
    FORM.name,
    ("200", "401", "403"),
    dict.fromkeys(_NAMES, "200"),
    "How the credential travels, and not its format: the columns agree. A browser attaches "
    "cookies whoever caused the request; a header is attached by a script of the application.",
    "Leave `trusted_origins` to the origins that are yours, which is the default: a cookie then "
    "counts only from them. SameSite is a second defence, of the browser; or let a header "
    "carry the credential, and keep it from scripts in another way.",
    setups=tuple(replace(one, trusted_origins=EVERY_ORIGIN) for one in ATTACKED),
    condition="every origin is trusted",
    probes=(
        Probe(
            "And from a browser that heeds SameSite=Lax?",
            dict.fromkeys(_NAMES, "401"),
            status_of(FORM_HEEDED),
        ),
    ),
)
_CSRF_ORIGIN: Final = replace(
    _CSRF,
    id="A19-origin",
    setups=ATTACKED,
    expected=dict.fromkeys(_NAMES, "403"),
    condition="only its own origin is trusted, which is the default",
)
_CSRF_HEADER: Final = replace(
    _CSRF,
    id="A19-header",
    setups=tuple(
        replace(one, trusted_origins=EVERY_ORIGIN, storage=Storage.LOCAL) for one in ATTACKED
    ),
    expected=dict.fromkeys(_NAMES, "401"),
    condition="a header carries it, and every origin is trusted",
)

CARDS: Final = (
    replace(_XSS, fixed=(_XSS_JAR, _XSS_MEMORY)),
    replace(_CSRF, fixed=(_CSRF_ORIGIN, _CSRF_HEADER)),
)
