"""The checker finds what is wrong in histories that were made by hand, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from checker import Promise, Report, Rule, check
from operations import Credential, History, Loss, Outcome, Read, Refresh, Revoke, SignIn

ACCEPTED, REFUSED, UNAVAILABLE, LOST, FAULT = (
    Outcome.ACCEPTED,
    Outcome.REFUSED,
    Outcome.UNAVAILABLE,
    Outcome.LOST,
    Outcome.FAULT,
)
WINDOW, GRACE, SPREAD = 500, 1_000, 10
AT_ONCE = Promise(window=0, grace=GRACE, spread=SPREAD)
SOON = Promise(window=WINDOW, grace=GRACE, spread=SPREAD)


def sign_in(name: str = "one", at: tuple[int, int] = (0, 10), user: str = "ada", **more) -> SignIn:
    access = Credential(name=name, session=f"ses_{name}", **more)
    return SignIn(
        process="a",
        call=at[0],
        returned=at[1],
        outcome=ACCEPTED,
        user=user,
        access=access,
        refresh=f"{name}.0",
    )


def refresh(
    presented: str, successor: str | None, at: tuple[int, int | None], outcome=ACCEPTED, reason=""
) -> Refresh:
    return Refresh(
        process="b",
        call=at[0],
        returned=at[1],
        outcome=outcome,
        reason=reason,
        session="ses_one",
        presented=presented,
        access=Credential(name=f"by {successor}", session="ses_one") if successor else None,
        refresh=successor,
    )


def revoke(
    kind: str, subject: str, at: tuple[int, int | None], outcome=ACCEPTED, keep: str | None = None
) -> Revoke:
    return Revoke(
        process="b",
        call=at[0],
        returned=at[1],
        outcome=outcome,
        kind=kind,
        subject=subject,
        keep=keep,
    )


def read(
    at: int, outcome: Outcome = ACCEPTED, credential: str = "one", process="a", reason=""
) -> Read:
    reason = "revoked" if outcome is REFUSED and not reason else reason
    return Read(process, at, at + 5, credential, outcome, reason)


def history(*operations) -> History:
    def of(kind: type) -> tuple:
        return tuple(one for one in operations if isinstance(one, kind))

    return History(of(SignIn), of(Refresh), of(Revoke), of(Loss), of(Read))


def judged(*operations, promise: Promise = AT_ONCE) -> Report:
    return check(history(sign_in(), *operations), promise)


def broken(*operations, promise: Promise = AT_ONCE) -> set[Rule]:
    report = judged(*operations, promise=promise)
    assert {violation.rule for violation in report.violations} == set(report.broken)
    return set(report.broken)


ENDED = revoke("session", "ses_one", (100, 200))


# -- accepted too late


def test_what_is_accepted_before_and_refused_after_is_right() -> None:
    during = [read(150), read(160, REFUSED, process="b")]
    report = judged(read(50), *during[:1], ENDED, read(201, REFUSED))
    assert (report.violations, report.worst_lag) == ([], 0)
    assert report.counts["read after its revocation"] == 1
    assert report.operations == 5


def test_a_request_that_began_before_the_revoke_returned_may_still_be_accepted() -> None:
    assert broken(ENDED, read(200)) == set()


def test_a_request_that_began_after_the_revoke_returned_may_not() -> None:
    report = judged(ENDED, read(201))
    assert set(report.broken) == {Rule.ACCEPTED_LATE}
    assert report.worst_lag == 1


def test_with_a_window_it_may_until_the_window_is_over() -> None:
    assert judged(ENDED, read(200 + WINDOW), promise=SOON).worst_lag == WINDOW
    assert broken(ENDED, read(200 + WINDOW), promise=SOON) == set()
    assert broken(ENDED, read(201 + WINDOW), promise=SOON) == {Rule.ACCEPTED_LATE}


@pytest.mark.parametrize(
    ("target", "covers"),
    [
        (revoke("session", "ses_other", (100, 200)), False),
        (revoke("user", "ada", (100, 200)), True),
        (revoke("user", "bob", (100, 200)), False),
        (revoke("user", "ada", (100, 200), keep="ses_other"), True),
        (revoke("user", "ada", (100, 200), keep="ses_one"), False),
        (revoke("all", "", (100, 200)), True),
        (revoke("key", "k1", (100, 200)), True),
        (revoke("key", "k2", (100, 200)), False),
    ],
)
def test_every_kind_of_target_covers_what_it_names_and_no_more(target, covers) -> None:
    signed = sign_in(key="k1")

    def rules(outcome: Outcome) -> set[Rule]:
        return set(check(history(signed, target, read(300, outcome)), AT_ONCE).broken)

    assert rules(ACCEPTED) == ({Rule.ACCEPTED_LATE} if covers else set())
    assert rules(REFUSED) == (set() if covers else {Rule.REFUSED_UNEXPLAINED})


@pytest.mark.parametrize("kind", ["user", "all"])
def test_a_sign_in_after_the_call_need_not_be_covered_and_one_before_must(kind: str) -> None:
    everywhere = revoke(kind, "ada" if kind == "user" else "", (100, 200))
    for began, ended, allowed in [
        (90, 99, {REFUSED}),
        (90, 101, {ACCEPTED, REFUSED}),
        (150, 160, {ACCEPTED, REFUSED}),
        (190, 250, {ACCEPTED, REFUSED}),
        (201, 250, {ACCEPTED}),
    ]:
        for outcome in (ACCEPTED, REFUSED):
            late = sign_in("late", at=(began, ended))
            report = check(history(late, everywhere, read(300, outcome, "late")), AT_ONCE)
            assert (not report.broken) is (outcome in allowed), (began, ended, outcome)


def test_of_several_revocations_the_first_that_covers_counts() -> None:
    later = revoke("user", "ada", (600, 700))
    earlier = revoke("user", "ada", (300, 400))
    assert judged(later, earlier, read(450)).worst_lag == 50


@pytest.mark.parametrize("outcome", [UNAVAILABLE, LOST])
def test_a_revoke_that_nobody_saw_return_demands_nothing_and_explains_everything(outcome) -> None:
    returned = 200 if outcome is UNAVAILABLE else None
    unknown = revoke("session", "ses_one", (100, returned), outcome)
    assert broken(unknown, read(300)) == set()
    assert broken(unknown, read(300), read(400, REFUSED)) == set()
    assert broken(replace(unknown, kind="user", subject="ada"), read(400, REFUSED)) == set()
    assert broken(unknown, read(50, REFUSED)) == {Rule.REFUSED_UNEXPLAINED}


def test_a_503_is_neither_accepted_nor_refused() -> None:
    assert broken(read(50, UNAVAILABLE), ENDED, read(300, UNAVAILABLE)) == set()


def test_any_other_fault_is_a_violation() -> None:
    assert broken(read(50, FAULT)) == {Rule.FAULTED}
    assert broken(replace(ENDED, outcome=FAULT)) == {Rule.FAULTED}


# -- accepted again


def test_what_was_refused_is_not_accepted_again_even_if_nobody_knows_why() -> None:
    unknown = revoke("session", "ses_one", (100, None), LOST)
    assert broken(unknown, read(300, REFUSED), read(306, process="b")) == {Rule.ACCEPTED_AGAIN}
    # It began before the refusal returned.
    assert broken(unknown, read(300, REFUSED), read(305, process="b")) == set()


@pytest.mark.parametrize("process", ["a", "b"])
def test_with_a_window_it_may_until_the_window_after_the_refusal_is_over(process: str) -> None:
    unknown = revoke("session", "ses_one", (100, None), LOST)
    refused = read(300, REFUSED)
    assert broken(unknown, refused, read(305 + WINDOW, process=process), promise=SOON) == set()
    late = read(306 + WINDOW, process=process)
    assert broken(unknown, refused, late, promise=SOON) == {Rule.ACCEPTED_AGAIN}


# -- refused without a reason; the credential's own end


def test_a_refusal_needs_a_revocation_that_had_begun() -> None:
    assert broken(read(50, REFUSED)) == {Rule.REFUSED_UNEXPLAINED}
    assert broken(read(90, REFUSED), ENDED) == {Rule.REFUSED_UNEXPLAINED}
    assert broken(read(95, REFUSED), ENDED) == set()


@pytest.mark.parametrize(
    ("at", "outcome", "rules"),
    [
        (900, REFUSED, {Rule.REFUSED_UNEXPLAINED}),
        (985, REFUSED, set()),
        (1_100, ACCEPTED, set()),
        (1_111, ACCEPTED, {Rule.ACCEPTED_EXPIRED}),
    ],
)
def test_a_signed_credential_ends_by_itself_and_not_before(at, outcome, rules) -> None:
    signed = sign_in(key="k1", ends_from=1_000, ends_by=1_100)
    one = read(at, outcome, reason="expired" if outcome is REFUSED else "")
    assert set(check(history(signed, one), AT_ONCE).broken) == rules


def test_a_sign_in_is_never_refused() -> None:
    refused = replace(sign_in(), outcome=REFUSED, access=None, refresh=None)
    assert set(check(history(refused), AT_ONCE).broken) == {Rule.REFUSED_UNEXPLAINED}


# -- refresh families


def test_a_chain_of_refreshes_is_right_and_so_is_a_retry() -> None:
    chain = [refresh("one.0", "one.1", (20, 30)), refresh("one.1", "one.2", (100, 110))]
    retry = refresh("one.0", "one.1", (40, 50))
    assert broken(*chain, retry) == set()


def test_two_successors_of_one_token_are_a_fork() -> None:
    first, second = refresh("one.0", "one.1", (20, 30)), refresh("one.0", "one.x", (25, 35))
    assert broken(first, second) == {Rule.FORKED}


def test_one_successor_of_two_tokens_is_a_fork() -> None:
    first, second = refresh("one.0", "one.1", (20, 30)), refresh("one.y", "one.1", (40, 50))
    assert broken(first, second) == {Rule.FORKED}


def test_a_token_whose_successor_was_used_is_over() -> None:
    chain = [refresh("one.0", "one.1", (20, 30)), refresh("one.1", "one.2", (40, 50))]
    assert broken(*chain, refresh("one.0", "one.1", (51, 60))) == {Rule.REVIVED_TOKEN}
    assert broken(*chain, refresh("one.0", "one.1", (49, 60))) == set()


def test_nothing_is_renewed_after_its_revocation_whatever_the_window() -> None:
    late = refresh("one.0", "one.1", (201, 210))
    assert broken(ENDED, late, promise=SOON) == {Rule.RENEWED_LATE}
    assert broken(ENDED, refresh("one.0", "one.1", (199, 210)), promise=SOON) == set()


def test_a_refresh_is_refused_for_a_reason() -> None:
    used, newer = refresh("one.0", "one.1", (20, 30)), refresh("one.1", "one.2", (40, 50))

    def refused(presented: str, at: tuple[int, int], reason: str) -> Refresh:
        return refresh(presented, None, at, REFUSED, reason)

    unexplained = {Rule.REFUSED_UNEXPLAINED}
    assert broken(refused("one.0", (60, 70), "unknown_session")) == unexplained
    assert broken(ENDED, refused("one.0", (150, 160), "unknown_session")) == set()
    assert broken(refused("one.0", (60, 70), "superseded")) == unexplained
    assert broken(used, refused("one.0", (60, 70), "superseded")) == unexplained
    assert broken(used, newer, refused("one.0", (60, 70), "superseded")) == set()
    assert broken(refused("one.0", (2_000, 2_010), "replayed")) == unexplained
    assert broken(used, refused("one.0", (60, 70), "replayed")) == unexplained
    assert broken(used, refused("one.0", (1_020, 1_030), "replayed")) == set()


def test_a_replay_ends_the_session() -> None:
    used = refresh("one.0", "one.1", (20, 30))
    replay = refresh("one.0", None, (2_000, 2_010), REFUSED, "replayed")
    assert broken(used, replay, read(2_005), read(2_011, REFUSED)) == set()
    assert broken(used, replay, read(2_011)) == {Rule.ACCEPTED_LATE}
    assert broken(used, replay, read(1_900, REFUSED)) == {Rule.REFUSED_UNEXPLAINED}


def test_a_replay_that_nobody_saw_return_explains_a_refusal() -> None:
    used = refresh("one.0", "one.1", (20, 30))
    lost = refresh("one.0", None, (2_000, None), LOST)
    assert broken(used, lost, read(3_000, REFUSED)) == set()
    assert broken(lost, read(3_000, REFUSED)) == {Rule.REFUSED_UNEXPLAINED}


# -- a store that forgets


def test_what_was_lost_may_be_refused_and_need_not_be() -> None:
    lost = Loss(300, 400)
    assert broken(lost, read(350, REFUSED, reason="unknown_session")) == set()
    assert broken(lost, read(450)) == set()
    assert broken(lost, read(250, REFUSED)) == {Rule.REFUSED_UNEXPLAINED}
    late = history(sign_in("late", at=(401, 410)), lost, read(450, REFUSED, "late"))
    assert set(check(late, AT_ONCE).broken) == {Rule.REFUSED_UNEXPLAINED}


def test_what_was_revoked_does_not_come_back_with_a_loss() -> None:
    assert broken(ENDED, Loss(300, 400), read(500)) == {Rule.ACCEPTED_LATE}


@pytest.mark.parametrize(
    ("target", "covers"),
    [
        (revoke("session", "ses_one", (500, 600)), True),
        (revoke("user", "ada", (500, 600)), True),
        (revoke("all", "", (500, 600)), True),
        (revoke("user", "ada", (500, 600), keep="ses_other"), False),
        (revoke("user", "ada", (200, 299), keep="ses_other"), True),
    ],
)
def test_what_was_lost_can_be_revoked_but_by_everywhere_else(target, covers) -> None:
    rules = {Rule.ACCEPTED_LATE} if covers else set()
    assert broken(Loss(300, 400), target, read(700)) == rules
    assert broken(Loss(300, 400), target, read(700, REFUSED)) == set()


def test_a_token_that_was_used_works_again_only_after_a_loss() -> None:
    chain = [refresh("one.0", "one.1", (20, 30)), refresh("one.1", "one.2", (40, 50))]
    again = refresh("one.0", "one.x", (500, 510))
    assert broken(*chain, again) == {Rule.FORKED, Rule.REVIVED_TOKEN}
    assert broken(*chain, Loss(300, 400), again) == set()


def test_only_the_first_of_many_violations_are_kept() -> None:
    report = judged(ENDED, *(read(300 + number) for number in range(100)))
    assert report.broken == {Rule.ACCEPTED_LATE: 100}
    assert len(report.violations) < 100
    assert str(report.violations[0]).startswith("accepted later")
