"""A Redis beside the database, as the command line and the settings see it."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from limens import QUICK, SECRET
from servers import RedisServer
from sink import Sink
from terminal import Terminal

from limen import BlockingLimen, Limen, Settings
from limen.cli.findings import Severity
from limen.cli.redis_checks import REDIS_CHECKS
from limen.errors import ConfigurationError
from limen.stores.redis import BlockingRedisStore, RedisStore
from limen.stores.redis.condition import Condition, examine

HEALTHY = Condition((7, 2, 4), master=True, appends=True, policy="noeviction")
DATABASE = "sqlite+aiosqlite:///app.db"


def findings(seen: Condition) -> list:
    return [finding for check in REDIS_CHECKS for finding in check(seen)]


def test_a_healthy_redis_has_no_findings() -> None:
    assert findings(HEALTHY) == []


@pytest.mark.parametrize(
    ("seen", "severity", "said"),
    [
        (Condition((6, 0, 16), True, True, "noeviction"), Severity.ERROR, "too old"),
        (Condition((7, 2), False, True, "noeviction"), Severity.ERROR, "is a replica"),
        (Condition((7, 2), True, False, "noeviction"), Severity.WARNING, "no append-only file"),
        (Condition((7, 2), True, True, "allkeys-lru"), Severity.ERROR, "makes room by allkeys-lru"),
        (Condition((7, 2), True, True, "volatile-ttl"), Severity.ERROR, "volatile-ttl"),
    ],
)
def test_what_is_unwise_is_the_only_finding(seen, severity, said) -> None:
    (finding,) = findings(seen)
    assert (finding.severity, finding.subject) == (severity, "redis")
    assert said in finding.sentence
    assert finding.remedy


@pytest.fixture
def own() -> Iterator[RedisServer]:
    made = RedisServer(appendonly=True)
    yield made
    made.remove()


def test_a_real_server_is_seen_as_it_is(own) -> None:
    seen = examine(own.url)
    assert findings(seen) == []
    with own.client() as client:
        client.config_set("appendonly", "no")
        client.config_set("maxmemory-policy", "allkeys-lfu")
    assert {one.severity for one in findings(examine(own.url))} == {
        Severity.WARNING,
        Severity.ERROR,
    }
    replica = RedisServer(master=own)
    try:
        assert not examine(replica.url).master
    finally:
        replica.remove()


def test_the_doctor_looks_at_redis(ready: Terminal, own) -> None:
    sound = {"LIMEN_BASE_URL": "https://app.example", "LIMEN_PASSWORD_MINIMUM": "15"}
    with Sink() as sink:
        sound |= {"LIMEN_SMTP": sink.url, "LIMEN_MAIL_FROM": "no-reply@app.example"}
        assert ready.json("doctor", LIMEN_REDIS=own.url, **sound)["findings"] == []
        with own.client() as client:
            client.config_set("appendonly", "no")
        (finding,) = ready.json("doctor", LIMEN_REDIS=own.url, **sound)["findings"]
    assert finding["subject"] == "redis"
    own.kill()
    done = ready.run("doctor", LIMEN_REDIS=own.url.replace("//", "//ada:hunter2@"))
    assert done.returncode == 1
    assert "error    redis: cannot be used" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr
    done = ready.run("doctor", LIMEN_REDIS="http://ada:hunter2@db")
    assert "redis (LIMEN_REDIS): is not the URL" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_settings_show_no_password_of_redis(ready: Terminal) -> None:
    shown = ready.ok("settings", LIMEN_REDIS="redis://ada:hunter2@cache.internal:6379/0")
    assert "cache.internal" in shown
    assert "hunter2" not in shown
    settings = Settings(database=DATABASE, redis="redis://ada:hunter2@x")
    assert "hunter2" not in repr(settings)


def test_redis_needs_a_database_beside_it() -> None:
    with pytest.raises(ConfigurationError, match="Give a database as well"):
        Settings(redis="redis://x")


def test_the_setting_makes_the_stores(tmp_path) -> None:
    given = QUICK | {"database": f"sqlite+aiosqlite:///{tmp_path}/app.db", "redis": "redis://x"}
    assert isinstance(Limen("hybrid", **given)._store, RedisStore)
    assert isinstance(BlockingLimen("hybrid", **given)._store, BlockingRedisStore)


def test_commands_work_over_redis(ready: Terminal, own) -> None:
    known, typed = "eve@example.org", "correct horse battery"
    ready.ok("users", "add", known, "--password-stdin", typed=typed, LIMEN_REDIS=own.url)
    assert known in ready.ok("users", "list", LIMEN_REDIS=own.url)
    ready.ok("users", "disable", known, LIMEN_REDIS=own.url)
    with own.client() as client:
        assert client.xlen("{limen}:log") == 1


def test_a_missing_client_is_said_in_a_sentence(tmp_path) -> None:
    code = (
        "import sys; sys.modules['redis'] = None\n"
        "from limen import Limen\n"
        f"Limen(database='sqlite+aiosqlite:///{tmp_path}/x.db', secret={SECRET!r}, redis='redis://x')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "redis: the client redis is missing. Install limen[redis]." in done.stderr
