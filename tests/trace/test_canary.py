"""Nothing secret is ever seen: planted values are looked for wherever they could turn up."""

import base64
import json
import logging

import pytest
from limens import SECRET, STRATEGIES, blocking
from spelled import spellings

from limen import Refused, Settings
from limen.effects import HashPassword, LoadKeys, VerifyPassword
from limen.stores.memory import BlockingMemoryStore
from limen.trace import RingSink
from limen.transports import BearerTransport, CookieSettings, CookieTransport

PASSWORD = "Canary+Pässword/7 wholly"
NEW_PASSWORD = "Another+Canary/8 wholly"
WRONG = "Wrong+Canary/9 wholly"


def private_octets(limen):
    key = limen.assembly.keys.keyring.signing
    return base64.urlsafe_b64decode(key.jose.as_dict(private=True)["d"] + "==")


@pytest.mark.proves("asvs:16.2.5", "attack:91")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_event_log_line_or_repr_shows_a_secret(strategy, caplog):
    sink, planted, shown = RingSink(), [PASSWORD, NEW_PASSWORD, WRONG, SECRET], []
    with caplog.at_level(logging.DEBUG), blocking(strategy, sink=sink) as limen:
        signed_up = limen.sign_up("ada@example.org", PASSWORD)
        refused = limen.sign_in("ada@example.org", WRONG)
        assert isinstance(refused, Refused)
        first = limen.sign_in("ada@example.org", PASSWORD).issued
        held = first.refresh or first.access
        renewed = [limen.refresh(held.reveal()) for _ in range(3)]
        verdict = limen.authenticate(first.access.reveal())
        changed = limen.change_password(verdict.principal, PASSWORD, NEW_PASSWORD)
        limen.sign_out(first.access.reveal())
        limen.authenticate(first.access.reveal() + "x")
        service = limen.service_token(changed.issued.principal)
        cookies = CookieTransport(CookieSettings(), secure=True)
        lines = cookies.deliver(changed.issued, 0)
        jar = b"; ".join(value.split(b";")[0] for _, value in lines)
        shown += [
            cookies.read([(b"cookie", jar)]),
            BearerTransport().read([(b"authorization", b"Bearer " + jar.split(b"=")[1][:9])]),
        ]
        found = [first, signed_up.issued, changed.issued, *renewed]
        for issued in found:
            planted += [issued.access.reveal(), (issued.refresh or issued.access).reveal()]
        planted += [service.reveal(), private_octets(limen)]
        assembly = limen.assembly
        shown += [found, verdict, changed, service, assembly, assembly.parts, limen, limen.settings]
        shown += [assembly.keys.keyring, assembly.keys.keyring.signing, assembly.secrets]
        shown += [limen.run(asking_for_keys()), limen.jwks(), HashPassword(first.access)]
        shown += [VerifyPassword(first.access, None), Settings(secret=SECRET, database="")]
    seen = json.dumps([event.as_json() for event in sink.events])
    seen += json.dumps([event.as_json() for event in sink.events], ensure_ascii=False)
    seen += repr(sink.events) + caplog.text + repr(shown) + str(shown)
    assert len(sink.events) > 20
    for value in planted:
        for form in spellings(value):
            assert form not in seen, (value, form)


def asking_for_keys():
    return (yield LoadKeys())


def test_the_search_finds_what_is_there():
    """A canary that nobody could hear would be worth nothing."""
    for form in spellings(PASSWORD):
        assert form in f"before {form} after"
    assert base64.b64encode(PASSWORD.encode()).decode().rstrip("=") in spellings(PASSWORD)
    assert len(spellings(PASSWORD)) > 12


def test_a_store_keeps_digests_only():
    store = BlockingMemoryStore()
    with blocking("hybrid", store=store) as limen:
        issued = limen.sign_up("ada@example.org", PASSWORD).issued
        renewed = limen.refresh(issued.refresh.reveal())
        private = private_octets(limen)
    kept = repr(vars(store._records))
    for key in store._records.keys.values():
        kept += key.sealed_private.hex() + key.public
    for value in (PASSWORD, issued.access.reveal(), issued.refresh.reveal(), private):
        for form in spellings(value) - {value.hex() if isinstance(value, bytes) else ""}:
            assert form not in kept
    assert renewed.refresh.reveal() not in kept
    assert private.hex() not in kept
