"""An event that was written is read again, and nothing else is taken for one."""

import copy
import json

import pytest
from limens import STRATEGIES, blocking

from limen.trace import RingSink, TraceEvent


@pytest.fixture(scope="module")
def written():
    sink = RingSink()
    for strategy in STRATEGIES:
        with blocking(strategy, sink=sink) as limen:
            limen.sign_up("ada@example.org", "correct horse battery")
            issued = limen.sign_in("ada@example.org", "correct horse battery").issued
            limen.refresh((issued.refresh or issued.access).reveal())
            limen.authenticate("nonsense")
            limen.sign_out(issued.access.reveal())
    return sink.events


def labelled(written):
    """Return one event with a credential, a check, an operation and lines of code."""
    for event in written:
        parts = (event.checks, event.operations, event.source, event.given.get("credential"))
        if all(parts):
            return json.loads(json.dumps(event.as_json()))
    raise AssertionError("there is none")


def test_what_was_written_is_read_again(written):
    for event in written:
        assert TraceEvent.from_json(json.loads(json.dumps(event.as_json()))) == event


def changed(said, path, value):
    other = copy.deepcopy(said)
    *way, last = path
    place = other
    for part in way:
        place = place[part]
    if value is KeyError:
        del place[last]
    else:
        place[last] = value
    return other


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["v"], 2),
        (["seq"], "1"),
        (["seq"], True),
        (["seq"], 1.0),
        (["run"], KeyError),
        (["phase"], "login.guess"),
        (["status"], "fine"),
        (["actor"], None),
        (["more"], "text"),
        (["badges"], "real"),
        (["badges"], [1]),
        (["store", "reads"], 7),
        (["store", "more"], 1),
        (["state_delta"], []),
        (["checks", 0, "ok"], 1),
        (["checks", 0, "more"], "text"),
        (["checks", 0, "detail"], {"k": "text", "v": "anything"}),
        (["code", "lines"], [1]),
        (["in", "credential", "label"], "a.b.c"),
        (["in", "credential", "fp"], "not hexadecimal"),
        (["in", "credential", "v"], "a.b.c"),
        (["in", "credential", "kind"], "password"),
        (["in", "credential"], {"k": "public", "v": None}),
        (["in", "credential"], {"k": "public", "v": 0.5}),
        (["in", "credential"], {"k": "duration_s", "v": float("nan")}),
        (["in", "credential"], "a.b.c"),
        (["in"], []),
    ],
)
def test_anything_else_is_refused_and_not_quoted(written, path, value):
    said = labelled(written)
    assert TraceEvent.from_json(said)
    with pytest.raises(ValueError, match=r"^this is no trace event of this version$"):
        TraceEvent.from_json(changed(said, path, value))


@pytest.mark.parametrize("value", [None, [], {}, "text", 3, {"v": 1}])
def test_what_is_no_object_of_that_shape_is_refused(value):
    with pytest.raises(ValueError, match="no trace event"):
        TraceEvent.from_json(value)
