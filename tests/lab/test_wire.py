"""The Wire view on real runs: every byte accounted for, every verdict earned."""

from __future__ import annotations

import dataclasses
import html
import re
import socket
import subprocess
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import pytest
from canaries import leaks
from labs import HOSTILE_NAME, PASSPHRASE, Recorded, Serve, Served
from test_exchange import XSS

from limen.lab.playing.clients import Owner
from limen.lab.playing.stage import Stage, carried_out
from limen.lab.reading.moments import iso, relative, span
from limen.lab.recording.exchange import Exchange, Line, Message
from limen.lab.run import Column, Plot, Run, Step
from limen.lab.scenarios import LOGIN, READ, SIGN_IN
from limen.lab.servers.site import PROTECTED, Person
from limen.lab.setups import ATTACKED, SETUPS, Storage
from limen.lab.trials.edits import EDITS, edited, edits_for, outcome_of
from limen.lab.trials.jars import FULL_JAR, cookie, jar_filled
from limen.lab.views.compare import run_page
from limen.lab.views.wire import wire_page
from limen.lab.wire.as_code import as_curl, as_httpx
from limen.lab.wire.cookies import UNSENT, Verdict, card_of, over_https
from limen.lab.wire.tokens import cards_of, verification_of
from limen.lab.wire.traffic import costs_of, traffic_of
from limen.phase import Phase

Played: TypeAlias = Callable[[str], Recorded]
CSRF = "c" * 64
PATIENT_S = 120  # a fresh run takes as long as it takes


def page_of(run: Run) -> str:
    return wire_page(run, CSRF)


def column(run: Run, name: str) -> Column:
    found = run.column(name)
    assert found is not None
    return found


def exchange_in(run: Run, name: str, step: Step) -> Exchange:
    one = column(run, name)
    return next(each for each in one.exchanges if one.step_of[each.request_id] == step.name)


def messages(run: Run) -> list[Message]:
    return [
        message
        for one in run.columns
        for each in one.exchanges
        for message in (each.request, each.answer)
    ]


def test_the_bytes_per_line_add_up_to_the_totals_that_are_shown(run: Run) -> None:
    page = page_of(run)
    tables = re.findall(r'<table class="lines">(.*?)</table>', page, re.DOTALL)
    assert tables
    for table in tables:
        rows = re.findall(r"<tr( class=\"sum\")?.*?class=\"bytes\">(\d+)</td>", table, re.DOTALL)
        parts = [int(octets) for total, octets in rows if not total]
        sums = [int(octets) for total, octets in rows if total]
        assert sums[-1] == sum(parts)
    for message in messages(run):
        lines = [message.start_octets, *(one.octets for one in message.lines), 2]
        assert message.header_octets == sum(lines)


@pytest.fixture
def listened() -> Any:
    """Give a run whose only request comes over a plain socket, and what that socket saw."""
    seen: dict[str, bytes] = {}

    def script(stage: Stage) -> None:
        owner = stage.owner()
        with stage.step(LOGIN):
            owner.sign_in(SIGN_IN, stage.person.email, stage.person.passphrase)
        cookie = "; ".join(f"{one.name}={one.value}" for one in owner.copy_of_jar())
        site = urlsplit(stage.site.url)
        seen["asked"] = (
            f"GET {PROTECTED} HTTP/1.1\r\nHost: {site.netloc}\r\nX-Lab-Request: r9\r\n"
            f"X-Lab-Client: victim\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        ).encode()
        with socket.create_connection((site.hostname, site.port)) as connection:
            connection.sendall(seen["asked"])
            answered = b""
            while octets := connection.recv(65_536):
                answered += octets
        seen["answered"] = answered

    plot = Plot("socket", "over a plain socket", "", (LOGIN, READ))
    run = carried_out(plot, script, None, setups=(SETUPS["jwt"],), store_for=None)
    return run, seen


def test_what_is_shown_is_what_a_plain_socket_sends_and_receives(listened: Any) -> None:
    run, seen = listened
    exchange = run.columns[0].exchanges[-1]
    assert exchange.request_id == "r9"
    assert exchange.request.octets == len(seen["asked"])
    head, _, body = seen["answered"].partition(b"\r\n\r\n")
    connection = b"connection: close\r\n"  # the server's own answer to the socket's wish
    assert exchange.answer.header_octets == len(head) + 4 - len(connection)
    assert exchange.answer.octets == len(seen["answered"]) - len(connection)
    assert exchange.answer.start == head.partition(b"\r\n")[0].decode()
    order = [
        line.partition(b":")[0].decode().lower() for line in seen["asked"].split(b"\r\n")[1:-2]
    ]
    assert [line.name for line in exchange.request.lines] == order
    given = [line.partition(b":")[0].decode().lower() for line in head.split(b"\r\n")[1:]]
    given.remove("connection")
    assert [line.name for line in exchange.answer.lines] == given
    assert body


def test_a_sign_in_shows_neither_the_passphrase_nor_its_length(recorded: Recorded) -> None:
    for one in recorded.run.columns:
        request = exchange_in(recorded.run, one.name, LOGIN).request
        assert request.body is not None
        assert request.body.members["password"] == {"k": "secret", "kind": "password"}
        assert request.body.rounded
        assert request.body.octets % 64 == 0
        length = next(line for line in request.lines if line.name == "content-length")
        assert length.pieces == (None,)


def test_the_exact_sizes_of_two_passphrases_look_alike() -> None:
    sizes = []
    for passphrase in (PASSPHRASE, PASSPHRASE + "12345"):
        plot = Plot("one", "one", "", (LOGIN,))
        run = carried_out(
            plot,
            _sign_in,
            Person(passphrase=passphrase),
            setups=(SETUPS["jwt"],),
            store_for=None,
        )
        request = run.columns[0].exchanges[0].request
        assert request.body is not None
        sizes.append((request.octets, request.body.octets))
    assert sizes[0] == sizes[1]


def _sign_in(stage: Stage) -> None:
    with stage.step(LOGIN):
        stage.owner().sign_in(SIGN_IN, stage.person.email, stage.person.passphrase)


def test_no_secret_is_on_the_page(recorded: Recorded) -> None:
    assert leaks(recorded.secrets, page_of(recorded.run)) == []


def test_the_name_of_a_person_is_text_on_the_page_and_nothing_else(run: Run) -> None:
    page = page_of(run)
    assert HOSTILE_NAME not in page
    assert HOSTILE_NAME in html.unescape(page)
    assert not re.search(r"<[^>]*onerror", page)


# -- cookies


def traits(run: Run, name: str) -> dict[str, tuple[str, Verdict]]:
    exchange = exchange_in(run, name, LOGIN)
    line = next(one for one in exchange.answer.lines if one.name == "set-cookie")
    return {one.name: (one.stated, one.verdict) for one in card_of(line, exchange.at).traits}


@pytest.mark.parametrize("name", ["jwt", "session", "hybrid"])
def test_a_cookie_is_judged_attribute_by_attribute(run: Run, name: str) -> None:
    assert traits(run, name) == {
        "Name": ("no prefix", Verdict.LOOPBACK),
        "Secure": ("absent", Verdict.LOOPBACK),
        "HttpOnly": ("set", Verdict.ADVISED),
        "SameSite": ("Lax", Verdict.WEAKER),
        "Path": ("/", Verdict.ADVISED),
        "Domain": ("absent", Verdict.ADVISED),
        "Max-Age": ("2592000 s", Verdict.FREE),
    }


def test_over_https_it_is_secure_and_bound_to_its_host(run: Run) -> None:
    line = over_https("better-auth.refresh_token")
    assert line == "__Host-better-auth.refresh_token=…; Path=/; HttpOnly; Secure; SameSite=Lax"
    assert line in page_of(run)


@pytest.mark.parametrize(
    ("pieces", "name", "expected"),
    [
        (("__Host-x.session_token=", "; Path=/", "; Secure"), "Name", Verdict.ADVISED),
        (("__Host-x.session_token=", "; Path=/"), "Name", Verdict.BROKEN),
        (
            ("__Host-x.session_token=", "; Path=/", "; Secure", "; Domain=a.b"),
            "Name",
            Verdict.BROKEN,
        ),
        (("__Host-x.session_token=", "; Path=/a", "; Secure"), "Name", Verdict.BROKEN),
        (("__Secure-x.session_token=", "; Secure"), "Name", Verdict.WEAKER),
        (("__Secure-x.session_token=",), "Name", Verdict.BROKEN),
        (("x.session_token=", "; Secure"), "Secure", Verdict.ADVISED),
        (("x.session_token=",), "HttpOnly", Verdict.MISSING),
        (("x.session_token=", "; SameSite=Strict"), "SameSite", Verdict.ADVISED),
        (("x.session_token=", "; SameSite=None"), "SameSite", Verdict.MISSING),
        (("x.session_token=",), "SameSite", Verdict.MISSING),
        (("x.session_token=", "; SameSite=<b>"), "SameSite", Verdict.MISSING),
        (("x.session_token=", "; Path=/app"), "Path", Verdict.WEAKER),
        (("x.session_token=", "; Domain=example.org"), "Domain", Verdict.WEAKER),
    ],
)
def test_every_verdict_can_be_had(pieces: tuple[str, ...], name: str, expected: Verdict) -> None:
    card = card_of(Line("set-cookie", pieces, 1), 0)
    assert {one.name: one.verdict for one in card.traits}[name] is expected


@pytest.mark.parametrize("age", ["-1", "0", "9" * 11, "9" * 30, "x", "", "²"])
def test_any_age_is_read_without_harm(age: str) -> None:
    card = card_of(Line("set-cookie", ("x.session_token=", f"; Max-Age={age}"), 1), 0)
    assert card.traits[-1].name == "Max-Age"


def test_a_cookie_that_stays_in_the_jar_says_why() -> None:
    """A real jar decides what goes along; the page says why the others did not."""
    run = jar_filled(SETUPS["session"])
    exchange = exchange_in(run, "session", FULL_JAR)
    assert {one.cookie: one.reason for one in exchange.unsent} == {
        "only_over_https": "SecureOnly",
        "of_another_page": "NotOnPath",
        "of_another_shop": "DomainMismatch",
        "of_yesterday": "Expired",
    }
    page = page_of(run)
    assert page.count("It stayed in the jar") == len(UNSENT)
    assert {one.reason for one in exchange.unsent} == set(UNSENT)
    sent = next(line for line in exchange.request.lines if line.name == "cookie")
    assert sent.octets == len("cookie: better-auth.session_token=; goes_along=x\r\n") + 47


@pytest.mark.parametrize(
    ("scope", "goes"),
    [("/", True), ("/orders", True), ("/ord", False), ("/orders/", False), ("/orders/1", False)],
)
def test_a_path_covers_whole_segments(scope: str, goes: bool) -> None:
    def script(stage: Stage) -> None:
        owner = stage.owner()
        _sign_in_as(owner, stage)
        owner.take([cookie("scoped", "127.0.0.1", path=scope)])
        with stage.step(READ):
            owner.read(PROTECTED)

    plot = Plot("path", "a path", "", (LOGIN, READ))
    run = carried_out(plot, script, None, setups=(SETUPS["jwt-only"],), store_for=None)
    reasons = [one.reason for one in exchange_in(run, "jwt-only", READ).unsent]
    assert reasons == ([] if goes else ["NotOnPath"])


def _sign_in_as(owner: Owner, stage: Stage) -> None:
    with stage.step(LOGIN):
        owner.sign_in(SIGN_IN, stage.person.email, stage.person.passphrase)


# -- tokens


def test_a_token_is_decoded_and_its_times_are_text(run: Run) -> None:
    exchange = exchange_in(run, "jwt", READ)
    (card,) = cards_of(column(run, "jwt"), exchange)
    claims = {one.name: one.value for one in card.claims}
    assert [one.name for one in card.header] == ["alg", "kid", "typ"]
    assert re.fullmatch(r"in 4 min 5\d s \(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\)", claims["exp"])
    assert "ago (" in claims["iat"] or "now (" in claims["iat"]
    page = page_of(run)
    assert claims["exp"] in page
    assert "Readable by anyone" in page
    assert claims["sub"] in page


def test_the_checks_of_a_request_are_those_of_its_trace_with_the_place_where_it_stopped(
    run: Run,
) -> None:
    passed = verification_of(column(run, "jwt"), exchange_in(run, "jwt", READ).request_id)
    checks = dict(passed.phases)[Phase.CREDENTIAL_VALIDATE]
    assert [one.name for one in checks][:6] == ["shape", "typ", "key", "alg", "signature", "claims"]
    assert passed.stopped is None
    refused = next(one for one in column(run, "hybrid").exchanges if one.status == 401)
    stopped = verification_of(column(run, "hybrid"), refused.request_id).stopped
    assert stopped is not None
    assert (stopped.name, stopped.reason) == ("not revoked", "revoked")
    assert 'It stopped at <strong class="refused">not revoked</strong>' in page_of(run)


def test_a_request_that_went_on_with_the_refresh_token_says_so(played: Played) -> None:
    assert "went on with the other one" in page_of(played("expiry").run)


def test_requests_can_be_pointed_at_also_those_that_are_folded(run: Run) -> None:
    page = page_of(run)
    for one in run.columns:
        for exchange in one.exchanges:
            assert page.count(f'id="{one.name}-{exchange.request_id}"') == 1
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    shown = sum(len(lane.sheets) for scene in traffic_of(run) for lane in scene.lanes)
    assert shown < sum(len(one.exchanges) for one in run.columns)


def test_links_into_compare_point_at_rows_that_exist(served: Served, run: Run) -> None:
    with served.admitted() as client:
        token = client.get("/").text.partition('name="csrf" value="')[2].partition('"')[0]
        client.post(
            "/runs", data={"csrf": token, "scenario": "logout"}, headers={"Origin": served.url}
        )
        wire = client.get(f"/runs/{run.id}/wire")
        compare = client.get(f"/runs/{run.id}").text
    assert wire.status_code == 200
    rows = set(re.findall(rf'href="/runs/{run.id}#(row-\d+)"', wire.text))
    assert rows
    for row in rows:
        assert f'id="{row}"' in compare


# -- edit and resend


@pytest.mark.parametrize(
    "edit", [one for one in EDITS.values() if one.signed], ids=lambda one: one.id
)
def test_a_changed_token_is_refused_by_the_check_that_is_named(edit: Any) -> None:
    run = edited(edit, SETUPS["hybrid" if edit.id == "sub" else "jwt-only"])
    outcome = outcome_of(run)
    assert outcome is not None
    assert (outcome.untouched, outcome.status) == (200, 401)
    assert outcome.stopped is not None
    assert outcome.stopped.name == edit.refused_by
    page = page_of(run)
    assert f"refused by the check <strong>{edit.refused_by}</strong>" in page


@pytest.mark.parametrize(
    "edit", [one for one in EDITS.values() if not one.signed], ids=lambda one: one.id
)
def test_a_changed_session_id_is_a_strangers(edit: Any) -> None:
    outcome = outcome_of(edited(edit, SETUPS["session"].kept_in(Storage.LOCAL)))
    assert outcome is not None
    assert (outcome.untouched, outcome.status) == (200, 401)
    assert outcome.stopped is not None
    assert outcome.stopped.name == edit.refused_by


def test_every_setup_has_edits_of_its_own_kind() -> None:
    for setup in ATTACKED:
        edits = edits_for(setup)
        assert edits
        assert {one.signed for one in edits} == {setup.strategy != "session"}


def test_a_run_that_is_no_edit_has_no_outcome(run: Run) -> None:
    assert outcome_of(run) is None


def test_the_form_sends_an_edit_and_shows_what_refused_it(serve: Serve, run: Run) -> None:
    served = serve(lambda: run)
    with served.admitted() as client:
        token = client.get("/").text.partition('name="csrf" value="')[2].partition('"')[0]
        own = {"Origin": served.url}
        client.post("/runs", data={"csrf": token, "scenario": "logout"}, headers=own)
        address = f"/runs/{run.id}/wire/edits"
        wanted = {"csrf": token, "column": "jwt", "edit": "sub"}
        answer = client.post(address, data=wanted, headers=own, timeout=PATIENT_S)
        assert answer.status_code == 303
        page = client.get(answer.headers["location"].partition("#")[0]).text
        assert "refused by the check <strong>signature</strong>" in page
        for wrong in ({"csrf": ""}, {"csrf": "x"}):
            assert client.post(address, data=wanted | wrong, headers=own).status_code == 403
        for wrong in ({"column": "no"}, {"edit": "no"}, {"edit": "half"}, {"column": "session"}):
            assert client.post(address, data=wanted | wrong, headers=own).status_code == 404
        assert client.post(address, data=wanted).status_code == 403
        assert client.post("/runs/x/wire/edits", data=wanted, headers=own).status_code == 404


def test_the_jar_is_filled_by_a_form_and_the_page_shows_what_stayed(serve: Serve, run: Run) -> None:
    served = serve(lambda: run)
    with served.admitted() as client:
        token = client.get("/").text.partition('name="csrf" value="')[2].partition('"')[0]
        own = {"Origin": served.url}
        client.post("/runs", data={"csrf": token, "scenario": "logout"}, headers=own)
        assert "It stayed in the jar" not in client.get(f"/runs/{run.id}/wire").text
        address = f"/runs/{run.id}/wire/jar"
        assert client.post(address, data={"csrf": "x"}, headers=own).status_code == 403
        assert client.post("/runs/x/wire/jar", data={"csrf": token}, headers=own).status_code == 404
        answer = client.post(address, data={"csrf": token}, headers=own, timeout=PATIENT_S)
        assert answer.status_code == 303
        page = client.get(answer.headers["location"].partition("#")[0]).text
        assert page.count("It stayed in the jar") == len(UNSENT)


def test_a_token_that_a_script_keeps_is_read_where_it_is_handed_over(by_header: Run) -> None:
    name = "jwt"
    exchange = exchange_in(by_header, name, LOGIN)
    assert [one.label for one in cards_of(column(by_header, name), exchange)] == ["tok#1"]
    read = exchange_in(by_header, name, READ)
    assert '--header "authorization: Bearer ${TOKEN}"' in as_curl(read)
    assert "Set-Cookie" not in page_of(
        dataclasses.replace(by_header, columns=(column(by_header, name),))
    )


# -- as code, and what it costs


def test_a_request_can_be_taken_away_as_code_without_its_secrets(recorded: Recorded) -> None:
    exchange = exchange_in(recorded.run, "jwt", LOGIN)
    assert as_curl(exchange).startswith('curl --request "POST" "${BASE}/api/auth/sign-in/email"')
    assert '\\"password\\": \\"${PASSPHRASE}\\"' in as_curl(exchange)
    read = exchange_in(recorded.run, "jwt", READ)
    assert "session_token=${TOKEN}; better-auth.refresh_token=${REFRESH}" in as_curl(read)
    assert "session_token=${COOKIE}" in as_curl(exchange_in(recorded.run, "session", READ))
    for one in (exchange, read):
        compile(as_httpx(one), "request.py", "exec")
        assert leaks(recorded.secrets, as_curl(one) + as_httpx(one)) == []


HOSTILE_SHELL = ["$(touch /tmp/x)", "`id`", '"; id; "', "\\", "$HOME", "!!", *XSS]


@pytest.mark.parametrize("text", HOSTILE_SHELL)
def test_what_somebody_else_chose_stays_one_word_of_the_shell(text: str, run: Run) -> None:
    exchange = exchange_in(run, "jwt", READ)
    request = dataclasses.replace(exchange.request, lines=(Line("origin", (text,), 1),))
    command = as_curl(dataclasses.replace(exchange, request=request, path=text))
    script = f'curl() {{ printf "%s\\0" "$@"; }}\n{command}'
    done = subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, text=True, env={"BASE": "b"}, check=True
    )
    assert done.stdout.split("\0")[:-1] == [
        "--request",
        "GET",
        f"b{text}",
        "--header",
        f"origin: {text}",
    ]


def test_the_costs_are_those_of_the_lines(run: Run) -> None:
    for one in run.columns:
        lines = [
            line.octets
            for exchange in one.exchanges
            for message in (exchange.request, exchange.answer)
            for line in message.lines
            if any(isinstance(piece, Mapping) for piece in line.pieces)
        ]
        costs = [cost for cost in costs_of(run) if cost.column == one.name]
        assert sum(cost.count for cost in costs) == len(lines)
        assert sum(cost.total for cost in costs) == sum(lines)
    sizes = {
        cost.column: cost.most
        for cost in costs_of(run)
        if cost.line == "cookie" and cost.labels in (("tok#1",), ("sid#1",))
    }
    assert sizes["jwt"] > 5 * sizes["session"]


# -- hostile text


@pytest.mark.proves("asvs:3.2.2")
@pytest.mark.parametrize("text", XSS)
def test_hostile_text_on_the_wire_is_shown_as_text(text: str, run: Run) -> None:
    first, *others = run.columns
    hostile = {"k": "public", "v": text}
    exchanges = []
    for one in first.exchanges:
        body = (
            dataclasses.replace(one.request.body, media_type=text, members={text: hostile})
            if one.request.body
            else None
        )
        request = dataclasses.replace(
            one.request, start=text, lines=(Line(text, (text,), 1),), body=body
        )
        answer = dataclasses.replace(
            one.answer, lines=(Line("set-cookie", (f"{text}=", f"; SameSite={text}"), 1),)
        )
        exchanges.append(
            dataclasses.replace(one, client=text, path=text, request=request, answer=answer)
        )
    tokens = {
        label: dataclasses.replace(
            token, header={text: hostile}, claims={text: hostile, "sub": hostile}
        )
        for label, token in (first.tokens or {}).items()
    }
    changed = dataclasses.replace(first, exchanges=tuple(exchanges), tokens=tokens)
    page = page_of(dataclasses.replace(run, columns=(changed, *others)))
    assert html.escape(text, quote=False)[:12] in html.unescape(page) or text in html.unescape(page)
    scripts = re.findall(r"<script[^>]*>", page)
    assert all('src="/static/' in one for one in scripts)
    assert "<img" not in page
    assert "<svg" not in page


def test_a_forged_label_of_a_request_is_not_kept(run: Run) -> None:
    assert all(
        exchange.client in {"victim", "thief"} for one in run.columns for exchange in one.exchanges
    )


# -- times


def test_times_read_as_people_say_them() -> None:
    assert span(0) == "0 s"
    assert span(297) == "4 min 57 s"
    assert span(2_592_000) == "30 d"
    assert span(90_061) == "1 d 1 h"
    assert iso(-1) is None
    assert iso(10**20) is None
    assert relative(10**20, 0) == "no date"
    assert relative(0, 0) == "now (1970-01-01T00:00:00Z)"
    assert relative(0, 297_000) == "4 min 57 s ago (1970-01-01T00:00:00Z)"


def test_compare_leads_to_every_request_on_the_wire(run: Run) -> None:
    targets = set(re.findall(rf'href="/runs/{run.id}/wire#([^"]+)"', run_page(run)))
    ids = set(re.findall(r' id="([^"]+)"', page_of(run)))
    assert targets
    assert targets <= ids
