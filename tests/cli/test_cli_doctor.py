"""`limen doctor`: each check finds its fault, and says nothing where there is none."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from typing import Any

import pytest
from limens import SECRET
from sink import Sink
from terminal import Terminal

from limen import BetterAuthSettings, CookieSettings, EmailPolicy, PasswordPolicy, Settings
from limen.cli.findings import Finding, Severity
from limen.cli.settings_checks import SETTINGS_CHECKS
from limen.cli.store_checks import STORE_CHECKS, Observed
from limen.entropy import SystemEntropy
from limen.keyring import Algorithm, KeyState, generate
from limen.sealing import Secrets
from limen.stores.sql.condition import Condition
from limen.transports.origin import is_loopback

NOW = 1_800_000_000_000
DAY = 86_400_000
SECRETS = Secrets.of(SECRET)
# A configuration about which there is nothing to say.
SOUND = Settings(
    strategy="hybrid",
    database="sqlite+aiosqlite:///app.db",
    base_url="https://app.example",
    passwords=PasswordPolicy(minimum=15),
    smtp="smtps://mail.app.example",
    mail_from="no-reply@app.example",
)
KEYS = tuple(
    generate(Algorithm.EDDSA, state, NOW - DAY, SECRETS, SystemEntropy())
    for state in (KeyState.SIGNING, KeyState.NEXT)
)
HEALTHY = Observed(
    condition=Condition("sqlite", "0001", journal_mode="wal"),
    needed="0001",
    before=NOW,
    after=NOW + 20,
    elapsed=20,
    keys=KEYS,
    secrets=SECRETS,
)


def of_settings(settings: Settings) -> list[Finding]:
    return [finding for check in SETTINGS_CHECKS for finding in check(settings)]


def of_store(seen: Observed) -> list[Finding]:
    return [finding for check in STORE_CHECKS for finding in check(seen)]


def test_sound_settings_and_a_healthy_store_have_no_findings() -> None:
    assert of_settings(SOUND) == []
    assert of_store(HEALTHY) == []


@pytest.mark.parametrize(
    ("changes", "severity", "subject", "said"),
    [
        ({"base_url": None, "smtp": None}, Severity.WARNING, "base_url", "is not set"),
        ({"base_url": "http://app.example"}, Severity.ERROR, "base_url", "in the clear"),
        (
            {"base_url": "http://localhost", "cookies": CookieSettings(same_site="none")},
            *(Severity.ERROR, "cookie_same_site", "browsers drop"),
        ),
        ({"trusted_origins": ["*"]}, Severity.ERROR, "trusted_origins", "any page on the web"),
        ({"trusted_origins": ["https://*"]}, Severity.ERROR, "trusted_origins", "any page"),
        ({"trusted_origins": ["*.*"]}, Severity.ERROR, "trusted_origins", "any page"),
        ({"trusted_origins": ["https://*:*"]}, Severity.ERROR, "trusted_origins", "any page"),
        ({"strategy": "jwt"}, Severity.NOTE, "strategy", "up to 5 min after a revoke"),
        (
            {"strategy": "jwt", "refresh": None},
            *(Severity.WARNING, "refresh", "nothing can be revoked"),
        ),
        ({"access_lifetime": 901}, Severity.WARNING, "access_lifetime", "accept a stolen one"),
        (
            {"idle": 31 * 86_400, "absolute": 31 * 86_400},
            *(Severity.WARNING, "absolute", "is 31 d"),
        ),
        (
            {"better_auth": BetterAuthSettings(cookie_cache=60)},
            *(Severity.NOTE, "cookie_cache", "up to 1 min after a revoke"),
        ),
        ({"passwords": PasswordPolicy(14)}, Severity.NOTE, "password_minimum", "is 14"),
        ({"smtp": None}, Severity.WARNING, "smtp", "a forgotten password stays forgotten"),
        (
            {"smtp": None, "email": EmailPolicy(required=True)},
            *(Severity.ERROR, "smtp", "nobody new can ever sign in"),
        ),
    ],
)
def test_an_unwise_setting_is_the_only_finding(
    changes: dict[str, Any], severity: Severity, subject: str, said: str
) -> None:
    (finding,) = of_settings(replace(SOUND, **changes))
    assert (finding.severity, finding.subject) == (severity, subject)
    assert said in finding.sentence
    assert finding.remedy


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": "http://localhost:3000"},
        {"trusted_origins": ["https://*.app.example", "*.app.example"]},
        {"access_lifetime": 900},
        {"strategy": "session", "access_lifetime": 9_000},
        {"idle": 30 * 86_400},
        {"cookies": CookieSettings(same_site="none")},
    ],
)
def test_what_is_allowed_is_no_finding(changes: dict[str, Any]) -> None:
    assert of_settings(replace(SOUND, **changes)) == []


@pytest.mark.parametrize(
    ("changes", "severity", "subject", "said"),
    [
        (
            {"condition": Condition("sqlite", None), "keys": None},
            "error",
            "database",
            "no Limen tables",
        ),
        (
            {"condition": Condition("sqlite", "0000"), "keys": None},
            "error",
            "database",
            "revision 0000",
        ),
        (
            {"condition": Condition("sqlite", "0001", journal_mode="delete")},
            *("warning", "database", "'delete'"),
        ),
        ({"keys": ()}, "note", "keys", "do not exist yet"),
        ({"keys": KEYS[1:]}, "warning", "keys", "none that signs"),
        ({"keys": KEYS[:1]}, "warning", "keys", "none that is published"),
        (
            {"secrets": Secrets.of("Zq8vN2xLr5tWc7yBf0hJm3kPd6sGa9eU")},
            *("error", "secret (LIMEN_SECRET)", "under another secret"),
        ),
        (
            {"keys": (replace(KEYS[0], moved_at=NOW - 366 * DAY), KEYS[1])},
            *("warning", "keys", "for 366 d"),
        ),
        (
            {"keys": (KEYS[0], replace(KEYS[1], moved_at=NOW + 60_000))},
            *("error", "clock", "is behind"),
        ),
        (
            {"condition": Condition("postgresql", "0001", time=NOW - 6_000)},
            *("error", "clock", "6.0 s apart"),
        ),
        (
            {"condition": Condition("postgresql", "0001", time=NOW + 7_020)},
            *("error", "clock", "7.0 s apart"),
        ),
        ({"elapsed": 2_000}, "warning", "clock", "jumped by 2.0 s"),
    ],
)
def test_an_ailing_store_is_the_only_finding(
    changes: dict[str, Any], severity: str, subject: str, said: str
) -> None:
    (finding,) = of_store(replace(HEALTHY, **changes))
    assert (finding.severity, finding.subject) == (severity, subject)
    assert said in finding.sentence
    assert finding.remedy


@pytest.mark.parametrize("time", [NOW - 5_000, NOW + 10, NOW + 5_020])
def test_a_clock_within_the_tolerance_is_no_finding(time: int) -> None:
    condition = Condition("postgresql", "0001", time=time)
    assert of_store(replace(HEALTHY, condition=condition)) == []


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost", True),
        ("http://app.localhost:80", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:8000", True),
        ("http://localhost.example", False),
        ("http://127.0.0.1.example", False),
        ("http://192.168.0.1", False),
        ("http://[", False),
    ],
)
def test_only_this_machine_is_the_loopback(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback


def test_a_healthy_system_exits_with_0(ready: Terminal) -> None:
    sound = {"LIMEN_BASE_URL": "https://app.example", "LIMEN_PASSWORD_MINIMUM": "15"}
    with Sink() as sink:
        mail = {"LIMEN_SMTP": sink.url, "LIMEN_MAIL_FROM": "no-reply@app.example"}
        report = ready.json("doctor", **sound, **mail)
    assert report["errors"] == 0
    assert report["findings"] == []
    assert {one["subject"] for one in report["unchecked"]} == {"clock", "proxy", "mail"}


def test_findings_are_printed_with_the_worst_first(terminal: Terminal) -> None:
    done = terminal.run("doctor", LIMEN_BASE_URL="http://app.example", LIMEN_DATABSE="x")
    assert done.returncode == 1
    heads = [line.split()[0] for line in done.stdout.splitlines() if line[:1].strip()]
    assert heads[:4] == ["error", "error", "warning", "note"]
    assert "Run: limen migrate" in done.stdout
    assert "Did you mean LIMEN_DATABASE?" in done.stdout
    assert "errors: 2, warnings: 1, notes: 1." in done.stdout
    assert not (terminal.home / "app.db").exists()


@pytest.mark.parametrize(
    ("env", "subject"),
    [
        ({"LIMEN_SECRET": None}, "secret (LIMEN_SECRET)"),
        ({"LIMEN_SECRET": "changeme-changeme-changeme-changeme"}, "secret (LIMEN_SECRET)"),
        ({"LIMEN_IDLE": "soon"}, "idle (LIMEN_IDLE)"),
        ({"LIMEN_STRATEGY": "magic"}, "strategy (LIMEN_STRATEGY)"),
        ({"LIMEN_TRUSTED_ORIGINS": "example"}, "trusted_origins (LIMEN_TRUSTED_ORIGINS)"),
        ({"LIMEN_BASE_URL": "example"}, "base_url (LIMEN_BASE_URL)"),
        ({"LIMEN_COOKIE_PREFIX": "a b"}, "cookies.prefix (LIMEN_COOKIE_PREFIX)"),
        ({"LIMEN_DATABASE": "mysql://u:hunter2@db/app"}, "database (LIMEN_DATABASE)"),
    ],
)
def test_a_configuration_error_is_a_finding(
    ready: Terminal, env: dict[str, str | None], subject: str
) -> None:
    done = ready.run("doctor", "--json", **env)
    assert done.returncode == 1
    errors = [one for one in json.loads(done.stdout)["findings"] if one["severity"] == "error"]
    assert [one["subject"] for one in errors] == [subject]
    assert all(one["sentence"] and one["remedy"] for one in errors)
    assert "hunter2" not in done.stdout + done.stderr


def test_every_wrong_value_is_found_at_once(ready: Terminal) -> None:
    done = ready.run("doctor", "--json", LIMEN_IDLE="soon", LIMEN_GRACE="x", LIMEN_SECRET=None)
    subjects = {one["subject"] for one in json.loads(done.stdout)["findings"]}
    assert {"idle (LIMEN_IDLE)", "grace (LIMEN_GRACE)", "secret (LIMEN_SECRET)"} <= subjects


def test_a_database_that_does_not_answer_is_a_finding(terminal: Terminal) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql+asyncpg://limen:hunter2@127.0.0.1:{taken.getsockname()[1]}/limen"
        done = terminal.run("doctor", "--database", url)
    assert done.returncode == 1
    assert "error    database: cannot be used" in done.stdout
    assert "not checked: keys: the database did not answer." in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_a_secret_in_a_file_that_others_can_read_is_a_finding(ready: Terminal) -> None:
    file = ready.home / "limen.toml"
    file.write_text(f'[limen]\nsecret = "{SECRET}"\n')
    file.chmod(0o644)
    assert "chmod 600" in ready.run("doctor", LIMEN_SECRET=None).stdout
    file.chmod(0o600)
    assert "chmod 600" not in ready.run("doctor", LIMEN_SECRET=None).stdout


def test_looking_makes_no_keys(ready: Terminal) -> None:
    fresh = f"sqlite:///{ready.home / 'fresh.db'}"
    ready.ok("migrate", "--database", fresh)
    for _ in range(2):
        assert "keys: do not exist yet." in ready.ok("doctor", "--database", fresh)
