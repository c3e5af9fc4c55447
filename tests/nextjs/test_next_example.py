"""examples/nextjs as it is deployed, under each strategy, in a real browser."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import expect
from sites import SECRET, STRATEGIES, Device, Site, registered
from whole_example import AXE, PASSWORD, expect_name, looked_at, sign_in, sign_up

from limen import BlockingLimen
from limen.stores.memory import BlockingMemoryStore
from limen.verdict import Refused

EXAMPLE = "nextjs"
pytestmark = pytest.mark.timeout(300)  # the first test builds the application
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)


def bare(device: Device, **headers: str) -> httpx.Client:
    """Give a client without a script that holds the browser's cookies and follows nothing."""
    return httpx.Client(
        base_url=device.site.url,
        cookies=device.cookies(),
        headers=headers,
        timeout=30,
        verify=False,
    )


def grant(site: Site, email: str, *roles: str) -> None:
    """Give an account roles, as its operator would."""
    database = f"sqlite:///{site.place}/site.db"
    with BlockingLimen("session", secret=SECRET, database=database) as auth:
        account = auth.account_by_email(email)
        assert account is not None
        auth.set_roles(account.id, roles)


def refresh_tokens(site: Site) -> list[tuple[bytes, bytes | None]]:
    """Return every credential that the store keeps, with what took its place."""
    with contextlib.closing(sqlite3.connect(site.place / "site.db")) as database:
        return database.execute("SELECT digest, successor FROM limen_secret ORDER BY 1").fetchall()


def another_token(site: Site, email: str, **settings: Any) -> str:
    """Return a token that a Limen with other settings signed for the same application."""
    kept = {"secret": SECRET, "database": f"sqlite:///{site.place}/site.db", "base_url": site.url}
    given = kept | settings
    store = None if given["database"] else BlockingMemoryStore()
    with BlockingLimen("session", store=store, **given) as auth:
        outcome = auth.sign_in(email, PASSWORD)
        if isinstance(outcome, Refused):  # another database
            outcome = auth.sign_up(email, PASSWORD, "Ada")
        assert not isinstance(outcome, Refused)
        token = auth.service_token(outcome.issued.principal)
        assert not isinstance(token, Refused)
        return token.reveal()


@every_strategy
def test_a_server_component_knows_who_signed_up(site: Site, email: str, strategy: str) -> None:
    site.use(strategy)
    laptop = site.device()
    sign_up(laptop, email)
    expect(laptop.page.get_by_role("heading", name="Hello, Ada")).to_be_visible()
    laptop.page.reload()
    expect(laptop.page.get_by_text(email)).to_be_visible()
    # What the server sent, before any script ran.
    assert email in laptop.page.request.get("/").text()


@pytest.mark.proves("asvs:10.4.9")
@every_strategy
def test_devices_are_signed_out_one_by_one_and_everywhere(
    site: Site, email: str, strategy: str
) -> None:
    site.use(strategy)
    laptop, phone = site.device(), site.device()
    sign_up(laptop, email)
    sign_in(phone, email)
    laptop.page.goto("/account")
    devices = laptop.page.get_by_role("main").get_by_role("listitem")
    expect(devices).to_have_count(2)
    devices.filter(has_not_text="This device").get_by_role("button").click()
    expect(laptop.page.get_by_role("status")).to_have_text("That device is signed out.")
    expect(devices).to_have_count(1)
    phone.page.goto("/account")
    expect(phone.page).to_have_url(re.compile(r"/sign-in\?next=%2Faccount$"))
    sign_in(phone, email, phone.page.url)
    expect(phone.page.get_by_role("main").get_by_role("listitem")).to_have_count(2)
    phone.page.get_by_role("button", name="Sign out everywhere").click()
    expect(phone.page).to_have_url(re.compile("/sign-in$"))
    for device in (laptop, phone):
        device.page.goto("/")
        expect(device.page.get_by_role("heading", name="Nobody is signed in")).to_be_visible()
    assert phone.cookies() == {}


@every_strategy
def test_the_role_decides_about_the_admin_page(site: Site, email: str, strategy: str) -> None:
    site.use(
        strategy, LIMEN_ACCESS_LIFETIME="2"
    )  # so long may a signed token keep the roles of its time
    laptop = site.device()
    laptop.page.goto("/admin")
    expect(laptop.page).to_have_url(re.compile("/sign-in"))
    sign_up(laptop, email)
    refused = laptop.page.goto("/admin")
    assert refused is not None
    assert refused.status == 403
    expect(laptop.page.get_by_role("heading", name="Not for this account")).to_be_visible()
    grant(site, email, "admin")
    for _ in range(60):
        answer = laptop.page.goto("/admin")
        if answer is not None and answer.status == 200:
            break
        laptop.page.wait_for_timeout(250)
    expect(laptop.page.get_by_role("cell", name=email)).to_be_visible()
    expect_name(laptop)


@every_strategy
def test_pages_rendered_at_once_or_ahead_use_nothing_up(
    site: Site, email: str, strategy: str
) -> None:
    site.use(strategy, LIMEN_ACCESS_LIFETIME="1")
    laptop = site.device()
    sign_up(laptop, email)
    laptop.page.route("**/api/auth/get-session", lambda route: route.fulfill())  # no renewal
    laptop.page.wait_for_timeout(1_500)  # whatever was signed has expired
    held, kept = laptop.cookies(), refresh_tokens(site)
    ahead = {"rsc": "1", "next-router-prefetch": "1"}
    asked = [("/", {}), ("/account", {}), ("/account", {"rsc": "1"}), ("/account", ahead)] * 3
    with bare(laptop) as client, ThreadPoolExecutor(len(asked)) as pool:
        client.follow_redirects = True  # Next.js gives what is fetched ahead a name of its own
        answers = list(pool.map(lambda one: client.get(one[0], headers=one[1]), asked))
    assert {(one.status_code, one.url.path) for one in answers} == {(200, "/"), (200, "/account")}
    assert [one for one in answers if "set-cookie" in one.headers] == []
    with laptop.page.expect_request(lambda one: "next-router-prefetch" in one.headers):
        laptop.page.goto("/")
    expect_name(laptop)
    assert (laptop.cookies(), refresh_tokens(site)) == (held, kept)
    laptop.page.unroute("**/api/auth/get-session")
    with laptop.page.expect_response("**/api/auth/get-session"):
        laptop.page.reload()
    expect_name(laptop)
    if strategy != "session":  # the browser's own request is what renews
        assert refresh_tokens(site) != kept
        assert laptop.cookies() != held


@every_strategy
def test_another_account_signs_in(site: Site, email: str, issuer: str, strategy: str) -> None:
    site.use(strategy, **registered(issuer))
    laptop = site.device()
    laptop.origins.append(issuer)
    laptop.page.goto("/sign-in?next=/account")
    laptop.page.get_by_role("link", name="another account").click()
    laptop.page.get_by_role("button", name="Work").click()
    laptop.page.get_by_label("Name").fill("nobody")  # turns back at the provider
    laptop.page.get_by_role("button", name="Sign in").click()
    expect(laptop.page.get_by_role("main")).to_contain_text("You turned back at the provider.")
    laptop.page.get_by_role("button", name="Work").click()
    laptop.page.get_by_label("Name").fill(email.partition("@")[0])
    laptop.page.get_by_role("button", name="Sign in").click()
    expect(laptop.page.get_by_text("This device")).to_be_visible()
    laptop.page.goto("/")
    expect(laptop.page.get_by_text(email)).to_be_visible()


def test_who_is_signed_in_stays_so_while_the_strategy_changes(site: Site, email: str) -> None:
    site.use("session")
    laptop = site.device()
    sign_up(laptop, email)
    for strategy, signed in (("hybrid", True), ("session", False), ("jwt", True)):
        others = ", ".join(one for one in STRATEGIES if one != strategy)
        site.use(strategy, LIMEN_ACCEPT=others)
        for page in ("/", "/account", "/"):
            laptop.page.goto(page)
            expect_name(laptop)
        expect(laptop.page.get_by_role("heading", name="Hello, Ada")).to_be_visible()
        # The browser holds a credential of the new strategy: a token has three parts.
        assert (laptop.cookies()["better-auth.session_token"].count(".") == 2) is signed
    laptop.page.goto("/account")
    expect(laptop.page.get_by_role("main").get_by_role("listitem")).to_have_count(1)


@pytest.mark.proves("asvs:7.2.1", "asvs:8.3.1")
@pytest.mark.parametrize(
    "value", ["proxy:proxy:proxy:proxy:proxy", "src/proxy", "middleware", "middleware:" * 5]
)
def test_a_header_that_goes_around_the_proxy_opens_nothing(
    site: Site, email: str, value: str
) -> None:
    site.use("hybrid")
    nobody = site.device()
    around = {"x-middleware-subrequest": value}
    forged = {"cookie": "better-auth.session_token=forged", **around}
    for headers in (around, forged):
        with bare(nobody, **headers) as client:
            for page in ("/admin", "/account"):
                answer = client.get(page)
                assert answer.status_code == 307
                assert answer.headers["location"].startswith("/sign-in?next=")
                assert "Accounts" not in answer.text


def test_an_api_that_is_down_signs_nobody_out(site: Site, email: str) -> None:
    site.use("hybrid", LIMEN_ACCESS_LIFETIME="1")
    laptop = site.device()
    sign_up(laptop, email)
    site.relay.cut()
    held = laptop.cookies()  # now: until then a page may have renewed them
    laptop.page.goto("/")
    notice = laptop.page.get_by_role("alert").filter(has_text="does not answer right now")
    expect(notice).to_be_visible()
    assert laptop.page.get_by_role("link", name="Sign in").count() == 0
    laptop.page.goto("/account")
    expect(notice).to_be_visible()
    expect(laptop.page.get_by_role("heading", name="could not be made")).to_be_visible()
    assert laptop.cookies() == held
    site.relay.restore()
    laptop.page.get_by_role("button", name="Try again").click()
    expect(laptop.page.get_by_text("This device")).to_be_visible()
    laptop.page.goto("/sign-in")
    expect_name(laptop)
    laptop.complaints.clear()  # React reports a page that could not be made


def test_a_form_says_that_the_api_is_down(site: Site, email: str) -> None:
    site.use("hybrid")
    laptop = site.device()
    laptop.page.goto("/sign-in")
    site.relay.cut()
    laptop.page.get_by_label("E-mail").fill(email)
    laptop.page.get_by_label("Password").fill(PASSWORD)
    laptop.page.get_by_role("button", name="Sign in").click()
    said = laptop.page.get_by_role("main").get_by_role("alert")
    expect(said).to_contain_text("does not answer right now")
    site.relay.restore()
    laptop.page.get_by_role("button", name="Sign in").click()
    expect(said).to_have_text("Invalid email or password")


def test_a_sign_in_leads_to_a_page_of_this_application(site: Site, email: str) -> None:
    site.use("session")
    laptop = site.device()
    foreign = (
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "/.//evil.example/",
        "/a/..//evil.example/",
        "/./\\evil.example/",
        "http://here.invalid//evil.example/",
        "javascript:alert(1)",
    )
    with bare(laptop) as client:
        for stated in foreign:
            page = client.get("/sign-in", params={"next": stated}).text
            assert 'href="/sign-up?next=%2F"' in page, stated
            assert '"next":"/"' in page.replace("\\", ""), stated
    sign_up(laptop, email, f"/sign-up?next={quote('/account?x=1')}")
    expect(laptop.page).to_have_url(f"{site.url}/account?x=1")


def test_next_checks_a_token_itself(site: Site, email: str) -> None:
    site.use("session")
    laptop = site.device()
    sign_up(laptop, email)
    laptop.page.get_by_role("button", name="Get a token").click()
    expect(laptop.page.get_by_role("status")).to_contain_text("Verified: ")
    token = laptop.page.request.get("/api/auth/token").json()["token"]
    head, claims, signature = token.split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').decode().rstrip("=")
    for shown, status in (
        (token, 200),
        (another_token(site, email), 200),
        (another_token(site, email, audience="https://another.example"), 401),
        (another_token(site, email, issuer="https://another.example", audience=site.url), 401),
        (another_token(site, email, secret=SECRET[::-1], database=None), 401),
        (f"{head}.{claims}.{signature[::-1]}", 401),
        (f"{unsigned}.{claims}.", 401),
        ("nonsense", 401),
    ):
        report = httpx.get(f"{site.url}/report", headers={"authorization": f"Bearer {shown}"})
        assert report.status_code == status, shown
        assert report.headers["cache-control"] == "no-store"
    assert httpx.get(f"{site.url}/report").json()["message"].startswith("Sign in first")


@pytest.mark.proves("asvs:7.4.4")
def test_a_form_without_a_script_signs_out(site: Site, email: str) -> None:
    site.use("hybrid")
    laptop = site.device()
    sign_up(laptop, email)
    state = laptop.context.storage_state()
    plain = site.device(java_script_enabled=False, storage_state=state)
    plain.page.goto("/account")
    expect(plain.page.get_by_text("This device")).to_be_visible()
    plain.page.get_by_role("button", name="Sign out", exact=True).first.click()
    expect(plain.page.get_by_role("heading", name="Nobody is signed in")).to_be_visible()
    assert plain.cookies() == {}


def test_a_foreign_page_cannot_sign_out_by_the_route_handler(site: Site, email: str) -> None:
    site.use("hybrid")
    laptop = site.device()
    sign_up(laptop, email)
    for origin in ({"origin": "https://evil.example"}, {"origin": "null"}, {}):
        with bare(laptop, **origin) as client:
            assert client.post("/sign-out").status_code == 403
    laptop.page.reload()
    expect_name(laptop)


def test_a_route_handler_reads_for_the_visitor(site: Site, email: str) -> None:
    site.use("jwt", LIMEN_ACCESS_LIFETIME="1")
    laptop = site.device()
    sign_up(laptop, email)
    laptop.page.goto("/account")
    with laptop.page.expect_download() as download:
        laptop.page.get_by_role("link", name="Download this list").click()
    assert len(json.loads(download.value.path().read_text())) == 1
    with bare(site.device()) as nobody:
        assert nobody.get("/export").status_code == 401


@pytest.mark.proves("asvs:14.2.2")
def test_every_page_is_private_and_states_its_policy(site: Site, email: str) -> None:
    site.use("hybrid")
    laptop = site.device()
    sign_up(laptop, email)
    with bare(laptop) as client:
        for page in ("/", "/account", "/admin", "/sign-in", "/sign-up", "/forgot", "/nowhere"):
            headers = client.get(page).headers
            assert "no-store" in headers["cache-control"], page
            assert "default-src 'none'; script-src 'nonce-" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert "x-powered-by" not in headers


def test_the_pages_are_for_everybody(site: Site, email: str) -> None:
    site.use("session")
    phone = site.device(viewport={"width": 320, "height": 640})
    phone.context.add_init_script(path=AXE)
    for_all = ("/sign-in", "/sign-up", "/forgot", "/new-password?token=one", "/")
    found = {page: looked_at(phone, page) for page in for_all}
    sign_up(phone, email)
    grant(site, email, "admin")
    found |= {page: looked_at(phone, page) for page in ("/", "/account", "/admin", "/nowhere")}
    assert {page: each for page, each in found.items() if each} == {}
