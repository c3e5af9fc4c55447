"""The oracle: what each card promises of each column; and cards that notice what is broken."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import pytest
from joserfc.jwk import OKPKey
from oracle import (
    ALL,
    answers_as_promised,
    has_every_request_in_its_table,
    keeps_its_secrets,
    tried,
)

from limen import claims
from limen.effects import Ended, Revoke
from limen.lab.admission import Admission
from limen.lab.attacks import CARDS, forge, forged
from limen.lab.attacks.attempt import judged
from limen.lab.attacks.card import Card
from limen.lab.desk import Desk
from limen.lab.views.attack import AttackView
from limen.stores.sql import SqlStore

every_card = pytest.mark.parametrize("name", [name for name, one in ALL.items() if not one.nodes])


@every_card
def test_each_column_answers_as_promised(name: str) -> None:
    answers_as_promised(name)


@every_card
def test_every_request_is_in_the_table_of_its_run(name: str) -> None:
    has_every_request_in_its_table(name)


@every_card
def test_no_secret_leaves_a_card(name: str) -> None:
    keeps_its_secrets(name)


class _KeepsEverything(SqlStore):
    """A store with the guard taken out: it says that it ended sessions and ends none."""

    async def perform(self, effect: Any) -> Any:
        if isinstance(effect, Revoke):
            return Ended(1)
        return await super().perform(effect)


def test_a_server_that_does_not_look_at_the_audience_turns_a_card_red(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = tuple(rule for rule in claims._RULES if rule.name != "aud")
    assert len(kept) == len(claims._RULES) - 1
    monkeypatch.setattr(claims, "_RULES", kept)
    card = CARDS["A10"]
    run = card()
    differing = {(tried.column, tried.measured) for _, tried in judged(card, run, {}).differing}
    assert differing == {("jwt-only", "200"), ("jwt", "200"), ("hybrid", "200")}
    page = page_of(card, run)
    assert "Not as expected" in page
    assert "<code>hybrid</code> answered <code>200</code>, and <code>401</code> was" in page


def test_a_forged_token_is_one_that_a_believing_library_would_take() -> None:
    """Each forgery fails by its own fault alone: what is not changed in it is right."""
    key = OKPKey.generate_key("Ed25519")
    draft = forge.Draft({"alg": "EdDSA", "kid": "k", "typ": "at+jwt"}, {"sub": "alice"})
    made = forge.forgeries(draft, key.as_dict(private=False))
    assert set(made) == set(forged.MADE)
    by_hmac = made["HS256 with the public key"]
    signed, _, _ = by_hmac.rpartition(".")
    public = base64.urlsafe_b64decode(str(key.as_dict()["x"]) + "=")
    mac = hmac.digest(public, signed.encode(), "sha256")
    assert forge.signature_of(by_hmac) == mac
    assert made["alg none"].endswith(".")
    for token in made.values():
        assert forge.Draft.of(token).claims == draft.claims


@pytest.mark.parametrize("name", ["A18", "A18-jar", "A19", "A19-header"])
def test_storage_and_carrier_decide_and_the_format_does_not(name: str) -> None:
    card, run = ALL[name], tried(name).run
    assert len({card.outcome(run, one) for one in run.columns}) == 1


@pytest.mark.parametrize("name", ["A3", "A4", "A5", "A6", "A7"])
def test_what_is_asked_goes_with_the_outcome_and_no_other_switch_does(name: str) -> None:
    attempt = judged(ALL[name], tried(name).run, {})
    assert attempt.deciding == ("What is asked on each request",)


@pytest.mark.parametrize("name", ["A1", "A2", "A18", "A19"])
def test_where_all_columns_answer_alike_no_switch_decides(name: str) -> None:
    attempt = judged(ALL[name], tried(name).run, {})
    assert len(set(attempt.switches["What the credential is"])) == 2
    assert attempt.deciding == ()


def test_the_fix_of_a_card_changes_its_outcome() -> None:
    for base in CARDS.values():
        for fixed in base.fixed[:1]:
            assert any(
                fixed.expected[name] != base.expected.get(name) for name in fixed.expected
            ), fixed.id


def page_of(card: Card, run: Any) -> str:
    """Return the page with the result of a run of a card."""
    attempt = judged(card, run, {})
    view = AttackView(Desk(Admission(1), {}), CARDS)
    return view.result_page(attempt)


def test_a_store_that_keeps_what_it_should_delete_turns_a_card_red() -> None:
    card = CARDS["A4"]
    run = card(store_for=_KeepsEverything)
    differing = {tried.column for _, tried in judged(card, run, {}).differing}
    assert differing >= {"session", "hybrid"}
    page = page_of(card, run)
    assert "Not as expected" in page
    assert "<code>session</code> answered <code>200</code>, and <code>401</code> was" in page
