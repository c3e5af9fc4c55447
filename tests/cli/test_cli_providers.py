"""Identity providers from a file and the environment, and what the doctor says of them."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from terminal import Terminal

from limen import ConfigurationError
from limen.cli.configuration import Overrides, gather, read, shown, stray_variables
from limen.cli.variables import NAMES
from limen.provider import Provider
from limen.social import apple, github, google, microsoft, oidc

FILE = """
[limen.providers.google]
client_id = "g"
client_secret = "s1"
scopes = "openid email"
[limen.providers.github]
client_id = "h"
client_secret = "s2"
keep_tokens = true
[limen.providers.microsoft]
client_id = "m"
client_secret = "s3"
tenant = "organizations"
[limen.providers.work]
issuer = "https://id.work.example"
client_id = "w"
client_secret = "s4"
parameters = { prompt = "login" }
[limen.providers.forge]
preset = "github"
client_id = "f"
client_secret = "s5"
host = "https://git.work.example"
api = "https://git.work.example/api/v3"
"""


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        monkeypatch.delenv(f"LIMEN_{name.upper()}", raising=False)
    monkeypatch.setenv("LIMEN_SECRET", "k3yHfdjw9Qe-27ncAKp0xzLmVbTtRuYiOq")
    monkeypatch.setenv("LIMEN_DATABASE", "sqlite+aiosqlite:///app.db")


def written(text: str) -> tuple[Provider, ...]:
    Path("limen.toml").write_text("[limen]\n" + text)
    return tuple(read(Overrides()).settings().providers)


def test_a_file_has_a_table_for_each_provider() -> None:
    assert written(FILE) == (
        google("g", "s1", scopes=("openid", "email")),
        github("h", "s2", keep_tokens=True),
        microsoft("m", "s3", "organizations"),
        oidc("work", "https://id.work.example", "w", "s4", parameters={"prompt": "login"}),
        github(
            "f",
            "s5",
            host="https://git.work.example",
            api="https://git.work.example/api/v3",
            id="forge",
        ),
    )
    tables = read(Overrides()).values["providers"]
    assert shown("providers", tables) == "google, github, microsoft, work, forge"
    assert "s1" not in repr(tables) + str(tables) + f"{tables}"


def test_the_secret_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMEN_PROVIDERS__GOOGLE__CLIENT_SECRET", "from outside")
    (one,) = written('[limen.providers.google]\nclient_id = "g"\nclient_secret = "inside"')
    assert one == google("g", "from outside")
    monkeypatch.setenv("LIMEN_PROVIDERS__GITHUB__CLIENT_ID", "h")
    monkeypatch.setenv("LIMEN_PROVIDERS__GITHUB__CLIENT_SECRET", "t")
    assert [one.id for one in written('[limen.providers.google]\nclient_id = "g"')] == [
        "google",
        "github",
    ]
    assert stray_variables({"LIMEN_PROVIDERS__GOOGLE__CLIENT_ID": "g"}) == []


def test_the_key_of_apple_is_a_file_or_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    table = '[limen.providers.apple]\nclient_id = "a"\nteam_id = "t"\nkey_id = "k"\n'
    Path("key.p8").write_text("-----BEGIN\nx\n")
    wanted = apple("a", team_id="t", key_id="k", private_key="-----BEGIN\nx\n")
    assert written(table + 'private_key_file = "key.p8"') == (wanted,)
    monkeypatch.setenv("LIMEN_PROVIDERS__APPLE__PRIVATE_KEY", "-----BEGIN\\nx\\n")
    assert written(table) == (wanted,)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("[limen.providers.google]\nclient_id = 'g'", "no client_secret"),
        ("[limen.providers.google]\nclientid = 'g'", "did you mean client_id? Correct"),
        (
            "[limen.providers.gogle]\nclient_id = 'g'",
            "no preset is called 'gogle'. Did you mean google?",
        ),
        ("[limen.providers.work]\nclient_id = 'g'\nissuer = 'foo'", "is not a URL"),
        ("[limen.providers.google]\nissuer = 'https://x.example'", "nothing that google has"),
        ("[limen.providers.work]\nclient_id = 'g'", "no issuer"),
        ("[limen.providers.x]\npreset = 'facebook'", "no preset"),
        ("[limen.providers.google]\ntrusted = 'perhaps'", "google.trusted cannot be used"),
        ("[limen.providers]\ngoogle = 'x'", "google is no table"),
        ("[limen.providers.apple]\nclient_id = 'g'", "no private_key_file"),
        ("[limen.providers.apple]\nprivate_key_file = 'none.p8'", "cannot be read"),
    ],
)
def test_a_mistake_is_named_without_its_value(table: str, problem: str) -> None:
    Path("limen.toml").write_text(f"[limen]\n{table}\n")
    configuration, faults = gather(Overrides())
    if not faults:
        with pytest.raises(ConfigurationError) as caught:
            configuration.settings()
        faults = [caught.value]
    assert problem in str(faults[0])
    assert "perhaps" not in str(faults[0])


@pytest.fixture
def issuer() -> Iterator[str]:
    """Give an address where something answers, and is no provider."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(20)
    server.server_close()


def test_the_doctor_asks_each_provider_and_says_what_to_register(
    terminal: Terminal, issuer: str
) -> None:
    (terminal.home / "limen.toml").write_text(
        f"""
[limen]
base_url = "https://app.example"
[limen.providers.github]
client_id = "h"
client_secret = "a word of the provider"
[limen.providers.work]
issuer = "{issuer}"
client_id = "w"
"""
    )
    ran: subprocess.CompletedProcess[str] = terminal.run("doctor", "--json")
    assert ran.returncode == 1
    assert "its redirect URI is https://app.example/api/auth/callback/github" in ran.stdout
    assert "its metadata name another issuer" in ran.stdout
    assert "it publishes no metadata" in ran.stdout
    assert "other users of this machine can read it" in ran.stdout
    assert "a word of the provider" not in ran.stdout + ran.stderr
