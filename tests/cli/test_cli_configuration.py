"""From text to `Settings`: which source wins, and what is said of a mistake."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from limens import SECRET
from terminal import Terminal

from limen import (
    AuditPolicy,
    AuthjsSettings,
    BetterAuthSettings,
    BrowserSettings,
    Budget,
    ConfigurationError,
    CookieSettings,
    EmailPolicy,
    PasswordPolicy,
    Settings,
    UsernamePolicy,
)
from limen.cli.configuration import Overrides, read, shown_database, stray_variables
from limen.cli.variables import ALIASES, NAMES, NOT_TEXT, in_written_unit, variable_of
from limen.dpop import ProofPolicy
from limen.passwords import Argon2Parameters
from limen.provider import LinkPolicy, google
from limen.setting_names import NESTED

OLDER = "Zq8vN2xLr5tWc7yBf0hJm3kPd6sGa9eU"
RECORDS = {
    "passwords": PasswordPolicy,
    "argon2": Argon2Parameters,
    "cookies": CookieSettings,
    "browser": BrowserSettings,
    "linking": LinkPolicy,
    "better_auth": BetterAuthSettings,
    "authjs": AuthjsSettings,
    "account_budget": Budget,
    "address_budget": Budget,
    "audit": AuditPolicy,
    "proofs": ProofPolicy,
    "email": EmailPolicy,
    "device_budget": Budget,
    "global_budget": Budget,
    "spraying_budget": Budget,
    "request_budget": Budget,
    "letter_budget": Budget,
    "letter_address_budget": Budget,
    "usernames": UsernamePolicy,
}
# A text for each setting that is not its default, and what it must become.
SAMPLES: dict[str, tuple[str, Any]] = {
    "strategy": ("session", "session"),
    "secret": (SECRET, SECRET),
    "secrets": (f'["{SECRET}", "{OLDER}"]', (SECRET, OLDER)),
    "database": ("sqlite+aiosqlite:///x.db", "sqlite+aiosqlite:///x.db"),
    "accept": ("jwt, session", ("jwt", "session")),
    "check": ("store", "store"),
    "refresh": ("none", None),
    "base_url": ("https://app.example", "https://app.example"),
    "base_path": ("/auth", "/auth"),
    "trusted_origins": ("https://a.example,https://b.example", None),
    "issuer": ("me", "me"),
    "audience": ("you", "you"),
    "redis": ("redis://cache.internal:6379/0", "redis://cache.internal:6379/0"),
    "algorithm": ("ES256", "ES256"),
    "access_lifetime": ("60", 60),
    "idle": ("3600", 3600),
    "absolute": ("700000", 700_000),
    "grace": ("0", 0),
    "max_lag": ("5.5", 5.5),
    "feed_interval": ("0.5", 0.5),
    "remembered": ("100", 100),
    "password_minimum": ("15", 15),
    "password_maximum": ("200", 200),
    "password_blocklist": ("false", False),
    "password_context_words": ("acme, umbrella", ("acme", "umbrella")),
    "argon2_memory": ("65536", 65_536),
    "argon2_passes": ("3", 3),
    "argon2_lanes": ("4", 4),
    "hashing_workers": ("2", 2),
    "hsts": ("600", 600),
    "hsts_subdomains": ("true", True),
    "clear_site_data": ("cache, storage", ("cache", "storage")),
    "cookie_prefix": ("shop", "shop"),
    "cookie_domain": ("app.example", "app.example"),
    "cookie_same_site": ("strict", "strict"),
    "cookie_host_prefix": ("no", False),
    "providers": (
        '{"google": {"client_id": "x", "client_secret": "y", "trusted": "yes"}}',
        (google("x", "y", trusted=True),),
    ),
    "linking_by_email": ("no", False),
    "linking_different_emails": ("yes", True),
    "cookie_cache": ("60", 60),
    "cookie_cache_format": ("jwt", "jwt"),
    "multi_session": ("5", 5),
    "session_jwt": ("yes", True),
    "openapi": ("yes", True),
    "authjs_version": ("4", 4),
    "authjs_path": ("/auth", "/auth"),
    "authjs_session_token": ("jwe", "jwe"),
    "authjs_secret": (f'["{SECRET}", "{OLDER}"]', (SECRET, OLDER)),
    "authjs_token_lifetime": ("60", 60),
    "authjs_sign_in_page": ("/login", "/login"),
    "authjs_sign_out_page": ("/bye", "/bye"),
    "authjs_error_page": ("/oops", "/oops"),
    "authjs_verify_page": ("/sent", "/sent"),
    "account_attempts": ("5", 5),
    "account_window": ("0.5", 0.5),
    "address_attempts": ("0", 0),
    "address_window": ("60", 60),
    "device_attempts": ("3", 3),
    "device_window": ("60", 60),
    "device_lifetime": ("60", 60),
    "global_failures": ("0", 0),
    "global_window": ("90", 90),
    "spraying_accounts": ("0", 0),
    "spraying_window": ("60", 60),
    "consecutive_failures": ("50", 50),
    "request_limit": ("0", 0),
    "request_window": ("90", 90),
    "email_new_device": ("true", True),
    "smtp": ("smtp://127.0.0.1:1025", "smtp://127.0.0.1:1025"),
    "mail_from": ("App <a@app.example>", "App <a@app.example>"),
    "email_required": ("true", True),
    "email_on_sign_up": ("true", True),
    "email_on_sign_in": ("true", True),
    "email_signs_in": ("true", True),
    "email_changes": ("false", False),
    "email_deletes": ("false", False),
    "email_deletes_by_link": ("true", True),
    "email_notices": ("false", False),
    "email_reset_lifetime": ("600", 600),
    "email_verification_lifetime": ("600", 600),
    "email_deletion_lifetime": ("600", 600),
    "letter_limit": ("5", 5),
    "letter_window": ("60", 60),
    "letter_address_limit": ("0", 0),
    "letter_address_window": ("60", 60),
    "fresh": ("600", 600),
    "username_enabled": ("yes", True),
    "username_minimum": ("4", 4),
    "username_maximum": ("20", 20),
    "max_sessions": ("7", 7),
    "on_limit": ("refuse", "refuse"),
    "fresh_to_revoke": ("yes", True),
    "assurance": ("aal1", "aal1"),
    "audit_retention": ("600", 600),
    "audit_per_minute": ("5", 5),
    "audit_log": ("yes", True),
    "dpop": ("accept", "accept"),
    "proof_age": ("30", 30),
    "proof_ahead": ("1", 1),
    "proof_nonce": ("yes", True),
    "proof_nonce_lifetime": ("60", 60),
    "session_fields": ("theme: string, beta:boolean", {"theme": "string", "beta": "boolean"}),
}
SAMPLES["trusted_origins"] = (
    SAMPLES["trusted_origins"][0],
    ("https://a.example", "https://b.example"),
)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        monkeypatch.delenv(f"LIMEN_{name.upper()}", raising=False)
    monkeypatch.setenv("LIMEN_DATABASE", "sqlite+aiosqlite:///app.db")


def value_in(settings: Settings, name: str) -> Any:
    field, part = NESTED.get(name, (ALIASES.get(name, name), None))
    value = getattr(settings, field)
    return value if part is None else in_written_unit(name, getattr(value, part))


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_reaches_its_place_from_the_environment(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, expected = SAMPLES[name]
    if name == "refresh":
        monkeypatch.setenv("LIMEN_STRATEGY", "jwt")
    if name == "smtp":
        monkeypatch.setenv("LIMEN_BASE_URL", "https://app.example")
    if name == "authjs_session_token":
        monkeypatch.setenv("LIMEN_AUTHJS_VERSION", "5")
        monkeypatch.setenv("LIMEN_AUTHJS_SECRET", OLDER)
    before = read(Overrides()).settings()
    monkeypatch.setenv(f"LIMEN_{name.upper()}", text)
    configuration = read(Overrides())
    assert value_in(configuration.settings(), name) == expected
    assert value_in(before, name) != expected
    assert configuration.origins[name] == "environment"


def test_a_token_for_next_js_needs_a_client_that_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMEN_AUTHJS_SESSION_TOKEN", "jwe")
    monkeypatch.setenv("LIMEN_AUTHJS_SECRET", OLDER)
    with pytest.raises(ConfigurationError, match="LIMEN_AUTHJS_VERSION") as caught:
        read(Overrides()).settings()
    assert variable_of(caught.value.setting) == "LIMEN_AUTHJS_SESSION_TOKEN"


def test_every_field_of_settings_can_be_written_or_is_listed_with_a_reason() -> None:
    reached = {".".join(NESTED.get(name, (ALIASES.get(name, name),))) for name in NAMES}
    wanted = set()
    for one in fields(Settings):
        parts = RECORDS.get(one.name)
        wanted |= {f"{one.name}.{p.name}" for p in fields(parts)} if parts else {one.name}
    assert wanted == reached | NOT_TEXT.keys()
    assert not reached & NOT_TEXT.keys()
    assert all(NOT_TEXT.values())


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("limen.toml").write_text('[limen]\nidle = 1\ngrace = 2\ndatabase = "a"\n')
    monkeypatch.setenv("LIMEN_GRACE", "3")
    configuration = read(Overrides(database="sqlite+aiosqlite:///c.db"))
    assert configuration.values["idle"] == 1
    assert configuration.values["grace"] == 3
    assert configuration.database == "sqlite+aiosqlite:///c.db"
    assert configuration.origins == {
        "idle": "file limen.toml",
        "grace": "environment",
        "database": "command line",
    }


def test_the_named_file_wins_over_the_variable_and_that_over_the_one_in_the_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number, name in enumerate(("limen.toml", "variable.toml", "named.toml")):
        Path(name).write_text(f"[limen]\ngrace = {number}\n")
    assert read(Overrides()).values["grace"] == 0
    monkeypatch.setenv("LIMEN_CONFIG", "variable.toml")
    assert read(Overrides()).values["grace"] == 1
    assert read(Overrides(config=Path("named.toml"))).values["grace"] == 2


def test_secrets_in_the_environment_replace_a_secret_in_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("limen.toml").write_text(f'[limen]\nsecret = "{OLDER}"\n')
    monkeypatch.setenv("LIMEN_SECRETS", f'["{SECRET}"]')
    configuration = read(Overrides())
    assert configuration.settings().secret == (SECRET,)
    assert "secret" not in configuration.values


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMEN_BASE_URL", "")
    assert read(Overrides()).settings().base_url is None


@pytest.mark.parametrize(
    ("text", "setting", "said"),
    [
        ("[limen]\npasword_minimum = 9\n", "limen.toml", "password_minimum"),
        ("[limen]\nzzz = 9\n", "limen.toml", "limen settings"),
        ("[limen\n", "limen.toml", "is not TOML"),
        ("secret = 'x'\n", "limen.toml", "no [limen] table"),
        ("limen = 3\n", "limen.toml", "no [limen] table"),
        ("[limen]\nidle = 'soon'\n", "idle", "is not a number. Correct it in the file"),
        ("[limen]\nargon2_memory = 1.5\n", "argon2_memory", "is not a whole number"),
        ("[limen]\npassword_blocklist = 'perhaps'\n", "password_blocklist", "true nor false"),
        ("[limen]\nissuer = 3\n", "issuer", "is not a text"),
        ("[limen]\naccept = 3\n", "accept", "is not a list of texts"),
        ("[limen]\nsecret = 'a'\nsecrets = ['b']\n", "secret", "sets both"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_remedy(text: str, setting: str, said: str) -> None:
    Path("limen.toml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        read(Overrides())
    assert caught.value.setting == setting
    assert said in str(caught.value)


def test_a_file_that_is_not_there_or_not_text_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml: cannot be read"):
        read(Overrides(config=Path("nowhere.toml")))
    Path("binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"binary\.toml: is not TOML: not UTF-8"):
        read(Overrides(config=Path("binary.toml")))


@pytest.mark.parametrize("text", [SECRET, f'["{SECRET}"', f'{{"a": "{SECRET}"}}', "[1, 2]"])
def test_a_wrong_list_of_secrets_is_an_error_that_does_not_show_it(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMEN_SECRETS", text)
    with pytest.raises(ConfigurationError) as caught:
        read(Overrides())
    assert caught.value.setting == "secrets"
    assert SECRET not in str(caught.value)


def test_the_configuration_shows_no_value_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMEN_SECRET", SECRET)
    assert SECRET not in repr(read(Overrides()))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite+aiosqlite:///app.db", "sqlite+aiosqlite:///app.db"),
        ("sqlite+aiosqlite:////srv/app.db", "sqlite+aiosqlite:////srv/app.db"),
        ("postgresql://u:hunter2@db:5432/app", "postgresql://***@db:5432/app"),
        ("postgresql://db/app?password=hunter2", "postgresql://db/app"),
        ("postgresql://u:hunter2@[::1]:5432/app", "postgresql://***@[::1]:5432/app"),
        ("postgresql://db/app?password=a@hunter2", "postgresql://db/app"),
        ("postgresql://u:p/hunter2@db/app", "(hidden)"),
        ("postgresql://u:p?hunter2@db/app", "(hidden)"),
        ("postgresql://u:p@hunter2@db/app", "(hidden)"),
        ("postgresql://u:hunter2#@db/app", "(hidden)"),
        ("hunter2", "(hidden)"),
    ],
)
def test_a_database_is_shown_without_its_password(url: str, shown: str) -> None:
    assert shown_database(url) == shown


def test_a_variable_that_means_nothing_is_found_with_what_was_meant() -> None:
    environment = {"LIMEN_DATABSE": "x", "LIMEN_IDLE": "1", "LIMEN_CONFIG": "y", "PATH": "z"}
    assert stray_variables(environment) == [("LIMEN_DATABSE", "LIMEN_DATABASE")]


def test_settings_shows_value_and_source_and_no_secret(terminal: Terminal) -> None:
    (terminal.home / "limen.toml").write_text("[limen]\npassword_minimum = 15\n")
    url = "postgresql+asyncpg://u:hunter2@db/app"
    shown = terminal.json("settings", "--database", url, LIMEN_IDLE="3600")
    assert shown["password_minimum"] == {"value": "15", "source": "file limen.toml"}
    assert shown["idle"] == {"value": "3600", "source": "environment"}
    assert shown["grace"] == {"value": "10", "source": "default"}
    assert shown["secret"] == {"value": "(hidden)", "source": "environment"}
    assert shown["database"] == {
        "value": "postgresql+asyncpg://***@db/app",
        "source": "command line",
    }
    assert shown.keys() == set(NAMES) - {"secrets"}


def test_settings_prints_one_line_each_into_a_pipe(terminal: Terminal) -> None:
    lines = terminal.ok("settings").splitlines()
    assert lines[0].split() == ["setting", "value", "source"]
    assert [line.split()[0] for line in lines[1:]] == [n for n in NAMES if n != "secrets"]


def test_options_before_the_command_count_and_the_later_ones_win(terminal: Terminal) -> None:
    first, second = "sqlite+aiosqlite:///1.db", "sqlite+aiosqlite:///2.db"
    before = terminal.json("--database", first, "settings")
    both = terminal.json("--database", first, "settings", "--database", second)
    assert before["database"]["value"] == first
    assert both["database"]["value"] == second
