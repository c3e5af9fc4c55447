"""Each wrong setting is named at start, with what to do about it, and never with a secret."""

from dataclasses import fields

import pytest
from limens import QUICK, SECRET

from limen import BlockingLimen, Budget, ConfigurationError, Settings
from limen.guarantees import RevocationCheck
from limen.settings import RECORDS, Options

GOOD = {"secret": SECRET, "database": "sqlite+aiosqlite:///x.db"}


@pytest.mark.parametrize(
    ("wrong", "setting", "remedy"),
    [
        ({"strategy": "sessions"}, "strategy", "'session'"),
        ({"accept": ("jwt", "cookie")}, "accept", "'jwt', 'session' or 'hybrid'"),
        ({"strategy": "jwt", "check": "feed"}, "check", "'expiry'"),
        ({"strategy": "session", "check": "expiry"}, "check", "'store'"),
        ({"strategy": "hybrid", "check": "expiry"}, "check", "'feed' or 'store'"),
        ({"refresh": "always"}, "refresh", "'rotate'"),
        ({"refresh": None}, "refresh", "strategy='jwt'"),
        ({"strategy": "session", "refresh": None}, "refresh", "strategy='jwt'"),
        ({"database": None}, "database", "sqlite+aiosqlite"),
        ({"strategy": "jwt", "database": None}, "database", "refresh=None"),
        (
            {"strategy": "jwt", "refresh": None, "accept": ("session",), "database": None},
            "database",
            "sqlite+aiosqlite",
        ),
        ({"access_lifetime": 0}, "access_lifetime", "seconds"),
        ({"idle": -1}, "idle", "seconds"),
        ({"absolute": 0}, "absolute", "seconds"),
        ({"fresh": float("inf")}, "fresh", "seconds"),
        ({"max_lag": float("inf")}, "max_lag", "seconds"),
        ({"max_lag": 0}, "max_lag", "seconds"),
        ({"feed_interval": 0}, "feed_interval", "seconds"),
        ({"access_lifetime": float("nan")}, "access_lifetime", "seconds"),
        ({"grace": -1}, "grace", "seconds"),
        ({"absolute": 401 * 86_400}, "absolute", "at most 34560000 s"),
        ({"idle": 3_600, "absolute": 1_800}, "idle", "shorter"),
        ({"idle": 60, "access_lifetime": 61}, "access_lifetime", "shorter"),
        ({"max_lag": 1, "feed_interval": 0.6}, "feed_interval", "half of `max_lag`"),
        ({"base_path": "api/auth"}, "base_path", "/api/auth"),
        ({"base_url": "app.example"}, "base_url", "https://app.example"),
        ({"trusted_origins": ["app.example"]}, "trusted_origins", "https://app.example"),
        ({"trusted_origins": "https://app.example"}, "trusted_origins", "list"),
        ({"accept": "session"}, "accept", "list"),
        ({"base_path": "/api/auth/"}, "base_path", "/api/auth"),
        ({"algorithm": "none"}, "algorithm", "EdDSA"),
        ({"algorithm": "RS512"}, "algorithm", "EdDSA"),
    ],
)
def test_a_wrong_setting_is_named_with_its_remedy(wrong, setting, remedy):
    with pytest.raises(ConfigurationError) as caught:
        BlockingLimen(settings=Settings(**(GOOD | wrong)))
    assert caught.value.setting == setting
    assert remedy in caught.value.remedy
    assert str(caught.value).startswith(f"{setting}: ")
    assert SECRET not in str(caught.value)


@pytest.mark.proves("attack:56")
@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        (None, "missing"),
        ([], "missing"),
        ("", "empty"),
        ("   ", "empty"),
        ("short", "5 characters; at least 32"),
        (SECRET[:31], "31 characters"),
        ("a" * 40, "repeats itself"),
        ("0123456789" * 4, "repeats itself"),
        ([SECRET, "short"], "5 characters"),
        ([SECRET, SECRET], "twice"),
        ("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==", "PEM"),
    ],
)
def test_a_bad_secret_is_refused_at_start_and_not_repeated(secret, problem):
    with pytest.raises(ConfigurationError) as caught:
        BlockingLimen("jwt", refresh=None, secret=secret)
    assert caught.value.setting == "secret"
    assert problem in caught.value.problem
    assert caught.value.remedy
    if isinstance(secret, str) and len(secret) > 4:
        assert secret not in str(caught.value)


@pytest.mark.proves("asvs:13.3.1", "attack:56")
def test_a_placeholder_from_an_example_is_no_secret():
    with pytest.raises(ConfigurationError, match="secret"):
        BlockingLimen("jwt", refresh=None, secret="change-me-please-your-secret-key-here!!")


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "RS256"])
def test_keys_that_cannot_be_derived_need_a_store(algorithm):
    with pytest.raises(ConfigurationError) as caught:
        BlockingLimen("jwt", refresh=None, secret=SECRET, algorithm=algorithm)
    assert caught.value.setting == "algorithm"
    assert "HS256" in caught.value.remedy


@pytest.mark.proves("asvs:13.3.1")
def test_the_repr_shows_neither_secret_nor_database():
    settings = Settings(secret=SECRET, database="postgresql://ada:hunter2@db/x")
    assert SECRET not in repr(settings)
    assert "hunter2" not in repr(settings)


@pytest.mark.proves("asvs:11.3.1")
def test_the_defaults_are_what_the_documentation_says():
    settings = Settings(**GOOD)
    assert settings.strategy == "hybrid"
    assert settings.revocation_check is RevocationCheck.FEED
    lifetimes, policy = settings.lifetimes(), settings.token_policy()
    assert (lifetimes.idle, lifetimes.absolute) == (7 * 86_400_000, 30 * 86_400_000)
    assert lifetimes.forgotten == 86_400_000
    assert (policy.lifetime, policy.issuer, policy.audience) == (300_000, "limen", "limen")


def test_being_forgotten_is_never_longer_than_being_remembered():
    settings = Settings(**(GOOD | {"idle": 1_000, "absolute": 3_600}))
    assert settings.lifetimes().forgotten == 3_600_000


@pytest.mark.proves("at:5")
@pytest.mark.parametrize(
    ("given_", "issuer", "audience"),
    [
        ({"base_url": "https://a.example"}, "https://a.example", "https://a.example"),
        ({"issuer": "me"}, "me", "me"),
        ({"issuer": "me", "audience": "shop"}, "me", "shop"),
    ],
)
def test_tokens_are_bound_to_who_issued_them_for_whom(given_, issuer, audience):
    policy = Settings(**(GOOD | given_)).token_policy()
    assert (policy.issuer, policy.audience) == (issuer, audience)


def test_every_setting_can_be_given_by_keyword():
    assert {one.name for one in fields(Settings)} == set(Options.__annotations__) | {"strategy"}


@pytest.mark.parametrize(
    ("given_", "needs"),
    [
        ({"strategy": "jwt", "refresh": None}, False),
        ({"strategy": "jwt", "refresh": None, "accept": ("jwt",)}, False),
        ({"strategy": "jwt", "refresh": None, "accept": ("session",)}, True),
        ({"strategy": "jwt"}, True),
        ({"strategy": "session"}, True),
    ],
)
def test_a_store_is_needed_unless_nothing_is_kept(given_, needs):
    assert Settings(**(GOOD | given_)).needs_store is needs


def test_without_a_store_what_needs_one_says_so():
    with BlockingLimen("jwt", refresh=None, **QUICK) as limen:
        asked = [
            lambda: limen.sessions("usr_ada"),
            lambda: limen.account("usr_ada"),
            limen.keys,
            limen.purge,
            limen.rotate_keys,
            lambda: limen.sign_up("ada@example.org", "correct horse battery"),
        ]
        for ask in asked:
            with pytest.raises(ConfigurationError) as caught:
                ask()
            assert caught.value.setting == "database"
        assert limen.session("ses_1") is None
        assert limen.spend(Budget("a", 1, 1), "x") is None


def test_settings_that_are_given_twice_are_refused_not_ignored():
    with pytest.raises(ConfigurationError, match="max_lag") as caught:
        BlockingLimen(settings=Settings(**GOOD), max_lag=5)
    assert caught.value.setting == "settings"
    with pytest.raises(ConfigurationError, match="strategy"):
        BlockingLimen("jwt", settings=Settings(**(GOOD | {"strategy": "session"})))


def test_a_misspelt_argument_is_named_with_what_was_meant() -> None:
    with pytest.raises(
        ConfigurationError, match=r"databse: is no setting\. Did you mean database\?"
    ):
        BlockingLimen("hybrid", databse="sqlite+aiosqlite:///app.db", secret="x" * 40)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("cookie_cache", "better_auth=BetterAuthSettings(cookie_cache=...)"),
        ("multi_session", "better_auth=BetterAuthSettings(multi_session=...)"),
        ("password_minimum", "passwords=PasswordPolicy(minimum=...)"),
        ("email_required", "email=EmailPolicy(required=...)"),
    ],
)
def test_the_spelling_of_text_is_answered_with_that_of_python(name: str, meant: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        BlockingLimen("hybrid", **{**GOOD, name: 60})  # type: ignore[arg-type]
    assert caught.value.remedy == f"In Python: {meant}."


@pytest.mark.parametrize("wrong", [True, 5, "x", None])
@pytest.mark.parametrize("name", RECORDS)
def test_a_record_is_written_as_one(name: str, wrong: object) -> None:
    kind = RECORDS[name].__name__
    with pytest.raises(ConfigurationError) as caught:
        BlockingLimen("hybrid", **{**GOOD, name: wrong})  # type: ignore[arg-type]
    assert str(caught.value) == f"{name}: is no {kind}. Write {name}={kind}(...)."


@pytest.mark.parametrize("rest", ["/path", "/?a=1", "/#a", "#a", "?a", "//"])
def test_the_base_url_is_an_origin(rest: str) -> None:
    with pytest.raises(ConfigurationError, match="base_path") as caught:
        Settings(**GOOD, base_url=f"https://app.example{rest}")
    assert caught.value.setting == "base_url"
    assert Settings(**GOOD, base_url="https://app.example/").base_url == "https://app.example/"
