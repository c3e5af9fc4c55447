"""What events say, and what happens to whoever listens."""

import importlib.util
import json
import logging
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from limens import STRATEGIES, blocking

import limen as package
from limen import Authenticated, Authentication, Secret, Target
from limen.evidence import Check, Count, Duration, Hidden, Personal, Public, Size
from limen.phase import Phase
from limen.stores.memory import BlockingMemoryStore
from limen.testing import FrozenClock, SeededEntropy
from limen.trace import NullSink, RingSink
from limen.trace.event import REFERENCES
from limen.trace.redaction import Redaction

ROOT = Path(package.__file__).parent
PROOF = Authentication("usr_ada", 1)


class BrokenSink:
    def __init__(self):
        self.offered = 0

    def emit(self, event):
        self.offered += 1
        raise RuntimeError("the disk is full")


def busy(limen):
    """Do a little of everything."""
    limen.sign_up("ada@example.org", "correct horse battery")
    limen.sign_in("ada@example.org", "a wrong one")
    issued = limen.sign_in("ada@example.org", "correct horse battery").issued
    access = issued.access.reveal()
    limen.authenticate(access)
    limen.authenticate("nonsense")
    renewed = limen.refresh((issued.refresh or issued.access).reveal())
    limen.sign_out(renewed.access.reveal())
    limen.authenticate(access)
    limen.revoke(Target.everybody())
    return issued, renewed


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_event_follows_the_contract(strategy):
    sink = RingSink()
    with blocking(strategy, sink=sink) as limen:
        busy(limen)
    assert len(Phase) == 21
    assert len(sink.events) > 20
    for event in sink.events:
        said = json.loads(json.dumps(event.as_json()))
        assert said["v"] == 1
        assert said["phase"] in {phase.value for phase in Phase}
        assert said["strategy"] == strategy
        assert said["status"] in {"ok", "refused", "failed"}
        assert said["dur_ns"] >= 0
        assert said["store"]["reads"] == event.reads
        assert bool(event.writes) is (said["state_delta"] != [{"holder": "store", "op": "none"}])
        for value in (*said["in"].values(), *said["out"].values()):
            assert value["k"] in {"public", "secret", "pii", "duration_s", "count", "bytes"}
        assert said["refs"] == list(REFERENCES.get(event.phase, ()))
    assert [event.seq for event in sink.events] == list(range(1, len(sink.events) + 1))
    assert {event.status for event in sink.events} == {"ok", "refused"}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_source_lines_are_those_of_the_flow(strategy):
    sink = RingSink()
    with blocking(strategy, sink=sink) as limen:
        busy(limen)
    assert {event.source is None for event in sink.events} == {False}
    for source in {event.source for event in sink.events}:
        assert importlib.util.find_spec("limen") is not None
        lines = (ROOT / source.file).read_text(encoding="utf-8").splitlines()
        shown = lines[source.first_line - 1 : source.last_line]
        name = source.function.rpartition(".")[2]
        assert shown[0].strip().startswith(f"def {name}(")
        assert any("yield from enter(" in line for line in shown)


@pytest.mark.parametrize("sink", [None, NullSink()])
def test_nobody_listening_costs_one_test(sink):
    with blocking("hybrid", sink=sink) as limen:
        assert limen.assembly.tracer.begin("hybrid") is None
        issued, _ = busy(limen)
        assert issued.access


def test_a_sink_that_breaks_is_dropped_and_logged_and_the_request_succeeds(caplog):
    sink = BrokenSink()
    with caplog.at_level(logging.ERROR, "limen.trace"), blocking("session", sink=sink) as limen:
        held = limen.remember(PROOF).issued.access.reveal()
        assert isinstance(limen.authenticate(held), Authenticated)
        assert limen.assembly.tracer.begin("session") is None
    assert sink.offered == 1
    assert [record.name for record in caplog.records] == ["limen.trace"]
    assert held not in caplog.text


def test_a_ring_keeps_the_newest_and_no_more():
    sink = RingSink(capacity=5)
    with blocking("session", sink=sink) as limen:
        for _ in range(9):
            limen.remember(PROOF)
    assert len(sink.events) == 5
    seqs = [event.seq for event in sink.events]
    assert seqs == list(range(seqs[0], seqs[0] + 5))
    assert seqs[0] > 5
    sink.clear()
    assert sink.events == ()


def test_one_credential_has_one_label_within_a_run():
    sink = RingSink()
    with blocking("session", sink=sink) as limen:
        first, second = (limen.remember(PROOF).issued.access.reveal() for _ in range(2))
        for held in (first, second, first):
            limen.authenticate(held)
    labels = defaultdict(list)
    for event in sink.events:
        for value in (*event.given.values(), *event.outcome.values()):
            if value["k"] == "secret":
                labels[event.phase].append((value["label"], value["fp"]))
    issued, shown = labels[Phase.CREDENTIAL_ISSUE], labels[Phase.CREDENTIAL_VALIDATE]
    assert [label for label, _ in issued] == ["sid#1", "sid#2"]
    assert shown == [issued[0], issued[1], issued[0]]


def test_two_runs_give_one_credential_two_fingerprints():
    secret = Hidden(Secret("the same"), "token")
    one, other = Redaction(b"a" * 32)(secret), Redaction(b"b" * 32)(secret)
    assert one["label"] == other["label"] == "tok#1"
    assert one["fp"] != other["fp"]


def test_a_password_has_neither_label_nor_fingerprint():
    recorded = Redaction(b"a" * 32)(Hidden(Secret("correct horse"), "password"))
    assert recorded == {"k": "secret", "kind": "password"}


def test_personal_data_is_masked_unless_somebody_decided_otherwise():
    value = Personal("ada@example.org")
    assert Redaction(b"a" * 32)(value) == {"k": "pii"}
    assert Redaction(b"a" * 32, show_personal=True)(value)["v"] == "ada@example.org"


def test_each_kind_of_evidence_shows_what_it_may():
    redact = Redaction(b"a" * 32)
    assert redact(Public("EdDSA")) == {"k": "public", "v": "EdDSA"}
    assert redact(Duration(1.23456)) == {"k": "duration_s", "v": 1.235}
    assert redact(Count(3)) == {"k": "count", "v": 3}
    assert redact(Size(9)) == {"k": "bytes", "v": 9}


@pytest.mark.parametrize("unknown", ["text", 7, None, Secret("x"), Check("name", ok=True)])
def test_an_unknown_kind_of_evidence_is_an_error(unknown):
    with pytest.raises(AssertionError) as caught:
        Redaction(b"a" * 32)(unknown)
    assert "x'" not in str(caught.value)


def test_labels_do_not_grow_without_end(monkeypatch):
    monkeypatch.setattr("limen.trace.redaction.MAX_LABELS", 3)
    redact = Redaction(b"a" * 32)
    labels = [redact(Hidden(Secret(str(number)), "token"))["label"] for number in range(10)]
    assert len(redact._labels) == 3
    # What is new is told apart for ever; what was long ago is a stranger again.
    assert labels == [f"tok#{number}" for number in range(1, 11)]
    assert redact(Hidden(Secret("9"), "token"))["label"] == "tok#10"
    assert redact(Hidden(Secret("0"), "token"))["label"] == "tok#11"


def test_a_label_never_outgrows_the_schema(monkeypatch):
    monkeypatch.setattr("limen.trace.redaction.MAX_NUMBER", 2)
    redact = Redaction(b"a" * 32)
    labels = [redact(Hidden(Secret(str(number)), "token"))["label"] for number in range(3)]
    assert labels == ["tok#1", "tok#2", "tok#1"]


def test_threads_give_each_credential_a_label_of_its_own():
    redact = Redaction(b"a" * 32)
    with ThreadPoolExecutor(8) as pool:
        asked = [Hidden(Secret(str(number // 8)), "token") for number in range(1_600)]
        labels = list(pool.map(lambda one: redact(one)["label"], asked))
    assert sorted(set(labels)) == sorted(f"tok#{number}" for number in range(1, 201))
    assert all(len(set(labels[first : first + 8])) == 1 for first in range(0, 1_600, 8))


def test_a_step_whose_world_failed_says_so():
    from limen.errors import StoreUnavailable
    from limen.stores.memory import BlockingMemoryStore

    class Gone(BlockingMemoryStore):
        gone = False

        def perform(self, effect):
            if self.gone:
                raise StoreUnavailable("gone")
            return super().perform(effect)

    sink, store = RingSink(), Gone()
    with blocking("session", store=store, sink=sink, clock=FrozenClock()) as limen:
        held = limen.remember(PROOF).issued.access.reveal()
        store.gone = True
        sink.clear()
        with pytest.raises(StoreUnavailable):
            limen.authenticate(held)
    assert [event.status for event in sink.events] == ["failed"]


def test_the_run_key_is_not_recorded():
    sink, entropy = RingSink(), SeededEntropy("run")
    with blocking("session", sink=sink, entropy=entropy) as limen:
        busy(limen)
    first = SeededEntropy("run").octets(32)
    assert first.hex() not in json.dumps([event.as_json() for event in sink.events])


def test_processes_whose_sinks_share_a_run_key_give_one_credential_one_fingerprint():
    store = BlockingMemoryStore()
    with blocking("session", store=store) as limen:
        token = limen.sign_up("ada@example.org", "correct horse battery").issued.access.reveal()

    def fingerprints(run_key):
        seen = []
        for _ in range(2):
            sink = RingSink()
            sink.run_key = run_key
            with blocking("session", sink=sink, store=store) as limen:
                limen.authenticate(token)
            seen += [
                one.given["credential"]["fp"] for one in sink.events if "credential" in one.given
            ]
        return seen

    shared, alone = fingerprints(b"k" * 32), fingerprints(None)
    assert len(shared) == len(alone) == 2
    assert len(set(shared)) == 1
    assert len(set(alone)) == 2
