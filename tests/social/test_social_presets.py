"""The presets: what they ask for, and how they read a provider that is made like theirs.

GitHub, Microsoft, Apple and Google themselves cannot be reached from a test.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from html import unescape

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from live import Live
from walks import begin, error_of, landed, query_of, returned, running, user_of, walk

from limen import ConfigurationError, Limen, Settings
from limen.provider import PERSONAL_TENANT
from limen.service.app import create_app
from limen.social import Provider, apple, github, google, microsoft, oidc
from limen.social.discovery import read_metadata
from limen.social.failure import SocialFailure
from limen.stores.memory import MemoryStore

SECRET = "a secret of the provider"
GOOD = "k3yHfdjw9Qe-27ncAKp0xzLmVbTtRuYiOq"
TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"


def pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def test_github_is_asked_for_the_address_that_is_somebodys_own(start: Callable[..., Live]) -> None:
    with running(githubLike=True) as hub:
        preset = github("posted", SECRET, host=hub.origin, api=f"{hub.origin}/api")
        live = start(providers=[preset])
        browser = live.client()
        url = begin(browser, "github")
        assert url.startswith(f"{hub.origin}/login/oauth/authorize?")
        asked = query_of(url)
        assert asked["scope"] == "read:user user:email"
        assert asked["code_challenge_method"] == "S256"
        assert "nonce" not in asked
        back = returned(browser, url, "octocat")
        assert landed(browser.get(back)) == "/"
        user = user_of(browser)
        assert user is not None
        assert (user["email"], user["emailVerified"]) == ("octocat@example.org", True)
        assert (user["name"], user["image"]) == ("octocat", "https://example.org/a.png")
        (one,) = browser.get("/list-accounts").json()
        assert one["issuer"] == "local:oauth:github"
        assert one["accountId"].isdigit()

        stranger = live.client()
        back = returned(stranger, begin(stranger, "github"), "unverified-cat")
        assert error_of(stranger.get(back)) == "email_not_verified"
        body = {"provider": "github", "idToken": {"token": "x"}}
        assert live.client().post("/sign-in/social", json=body).json()["code"] == (
            "ID_TOKEN_NOT_SUPPORTED"
        )


def test_microsoft_speaks_for_one_tenant(start: Callable[..., Live]) -> None:
    with running(path=f"/{TENANT}/v2.0") as entra:
        preset = microsoft("limen", "secret-of-limen", TENANT, authority=entra.origin)
        assert preset.issuer == entra.issuer
        live = start(providers=[preset])
        browser = live.client()
        back = returned(browser, begin(browser, "microsoft"), "unverified-clerk")
        assert landed(browser.get(back)) == "/"
        user = user_of(browser)
        assert user is not None
        assert user["emailVerified"] is False


def test_apple_posts_a_form_and_takes_a_signed_client_secret(start: Callable[..., Live]) -> None:
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with running(appleKey=public.decode()) as orchard:
        for private, outcome in ((key, "/"), (other, "/api/auth/error?error=invalid_code")):
            preset = apple(
                "posted",
                team_id="TEAM123456",
                key_id="KEY1234567",
                private_key=pem(private),
                issuer=orchard.issuer,
                scopes=("openid", "email"),
            )
            live = start(providers=[preset])
            browser = live.client(origin=False)
            url = begin(browser, "apple")
            assert query_of(url)["response_mode"] == "form_post"
            page = walk(browser, url, "johnny")
            action = re.search(r'action="([^"]+)"', page.text)
            assert action is not None
            fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page.text))
            form = {name: unescape(value) for name, value in fields.items()}
            form["user"] = '{"name": {"firstName": "Johnny", "lastName": "Apple"}}'
            # As a browser posts it from there: of another origin, and without our cookie.
            posted = httpx.post(
                unescape(action[1]),
                data=form,
                headers={"Origin": orchard.origin, "Cookie": "of=another application"},
            )
            assert posted.status_code == 302
            assert "set-cookie" not in posted.headers
            answer = browser.get(live.url + posted.headers["location"])
            assert answer.headers["location"] == outcome
            user = user_of(browser)
            assert (user and user["name"]) == ("Johnny Apple" if private is key else None)


def test_a_form_that_anybody_may_post_changes_and_tells_nothing(
    start: Callable[..., Live],
) -> None:
    live = start(providers=[google("id", "secret")])
    browser = live.browser("posted@example.org")
    form = {"state": "x", "code": "y", "next": "https://evil.example", "error_description": "z"}
    answer = browser.post("/callback/google", data=form, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 302
    assert answer.headers["location"] == "/api/auth/callback/google?code=y&state=x"
    assert "set-cookie" not in answer.headers
    assert user_of(browser) is not None


def test_the_addresses_of_the_presets_are_their_own() -> None:
    assert google("id", SECRET).metadata_url == (
        "https://accounts.google.com/.well-known/openid-configuration"
    )
    assert microsoft("id", SECRET).metadata_url == (
        "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration"
    )
    endpoints = github("id", SECRET).endpoints
    assert endpoints is not None
    assert endpoints.authorize == "https://github.com/login/oauth/authorize"
    assert endpoints.token == "https://github.com/login/oauth/access_token"
    assert endpoints.userinfo == "https://api.github.com/user"
    assert endpoints.emails == "https://api.github.com/user/emails"


@pytest.mark.parametrize(
    ("tenant", "stated", "accepted"),
    [
        ("common", TENANT, True),
        ("common", PERSONAL_TENANT, True),
        ("organizations", TENANT, True),
        ("organizations", PERSONAL_TENANT, False),
        ("consumers", PERSONAL_TENANT, True),
        ("consumers", TENANT, False),
        ("common", "evil", False),
        ("common", None, False),
        (TENANT, TENANT, True),
        (TENANT, PERSONAL_TENANT, False),
    ],
)
def test_an_issuer_of_many_tenants_must_be_the_tokens_own(
    tenant: str, stated: str | None, accepted: bool
) -> None:
    preset = microsoft("id", SECRET, tenant)
    issuer = f"https://login.microsoftonline.com/{stated}/v2.0"
    assert preset.is_issuer(issuer, stated) is accepted
    assert not preset.is_issuer(issuer.replace("https", "http"), stated)
    assert not preset.is_issuer("https://evil.example/v2.0", stated)


def test_the_metadata_of_many_tenants_are_read_as_microsoft_writes_them() -> None:
    said = {
        "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0",
        "authorization_endpoint": "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
        "token_endpoint": "https://login.microsoftonline.com/common/oauth2/v2.0/token",
        "jwks_uri": "https://login.microsoftonline.com/common/discovery/v2.0/keys",
        "id_token_signing_alg_values_supported": ["RS256"],
    }
    assert read_metadata(microsoft("id", SECRET), said).algorithms == ("RS256",)
    with pytest.raises(SocialFailure, match="another issuer"):
        read_metadata(microsoft("id", SECRET, TENANT), said)


@pytest.mark.proves("asvs:12.2.1")
@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: google("", SECRET), "client_id"),
        (lambda: oidc("credential", "https://a.example", "id"), "cannot name a provider"),
        (lambda: oidc("a/b", "https://a.example", "id"), "cannot name a provider"),
        (lambda: oidc("a", "http://a.example", "id"), "not https"),
        (lambda: oidc("a", "https://u:p@a.example", "id"), "not https"),
        (lambda: oidc("a", "https://a.example#b", "id"), "not https"),
        (lambda: oidc("a", "https://a.example", "id", scopes=("email",)), "openid"),
        (
            lambda: oidc(
                "a", "https://a.example", "id", client_authentication="client_secret_post"
            ),
            "client_secret",
        ),
        (lambda: microsoft("id", SECRET, "contoso.example"), "no tenant"),
        (lambda: microsoft("id", SECRET, trusted=True), "cannot be trusted"),
        (lambda: Provider("a", "id"), "neither issuer nor endpoints"),
        (lambda: Settings(secret=GOOD, database="x", providers=["google"]), "something else"),  # type: ignore[list-item]
    ],
)
def test_a_record_that_could_not_work_is_refused_at_start(
    make: Callable[[], object], problem: str
) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        make()


def test_a_key_of_apple_that_is_none_is_noticed_at_start() -> None:
    for private_key in ("no key", pem(ec.generate_private_key(ec.SECP384R1()))):
        preset = apple("id", team_id="t", key_id="k", private_key=private_key)
        auth = Limen("session", secret=GOOD, store=MemoryStore(), providers=[preset])
        with pytest.raises(ConfigurationError, match="P-256"):
            create_app(auth)
        assert private_key not in repr(preset)


def test_without_the_extra_presets_work_and_the_rest_says_what_to_install() -> None:
    script = """
import sys
sys.modules["authlib"] = None
from limen import ConfigurationError
from limen.social import google
google("id", "secret")
try:
    from limen.social import SocialSignIn
except ConfigurationError as fault:
    print(fault)
"""
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert said.stdout.startswith("providers: need the package authlib")
    assert "Install limen[social]." in said.stdout
