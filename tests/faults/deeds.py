"""Every operation that asks a store, by name: what precedes it, and the flow itself.

`unlike` are the reasons for which it may be refused when it is tried again although it was
done: a link that was used, a password that is new already. `None` stands for "there is none".
`together` names facts that change in one step or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from people import DUE, EMAIL, ISSUER, LINK, NEW, OPENED, OTHER, PASSWORD, People, proven

from limen import (
    Authentication,
    BlockingLimen,
    Freshness,
    Issued,
    Principal,
    Reason,
    Refused,
    Target,
)
from limen.operations import Operations
from limen.testing import SeededEntropy

if TYPE_CHECKING:
    from limen.effects import Flow

Act = Callable[[Operations, People], "Flow[Any]"]


def nothing(people: People) -> None:
    """Precede nothing."""


@dataclass(frozen=True)
class Deed:
    """One operation on these people."""

    act: Act
    before: Callable[[People], None] = nothing
    unlike: tuple[Reason | None, ...] = ()
    # Tried again it does its work again, such as by another letter.
    again: Callable[[People], None] = nothing
    together: tuple[str, ...] = ()


def phone(people: People) -> Principal:
    return people.held["phone"].principal


def due(people: People) -> None:
    """Let time pass until a use is written down."""
    people.clock.advance(DUE)
    verdict = people.limen.refresh(people.renewing("phone"))
    if isinstance(verdict, Issued):  # a token of the phone that has not expired
        people.held["phone"] = verdict
    people.clock.advance(DUE)


def foreign(people: People) -> None:
    """Let Ada hold a credential of the other strategy that is accepted."""
    other = BlockingLimen(
        OTHER[people.strategy],  # type: ignore[arg-type]  # one of three names
        store=people.store,
        clock=people.clock,
        entropy=SeededEntropy("other"),
        secret=people.limen.settings.secret,
        argon2=people.limen.settings.argon2,
    )
    other.open()
    OPENED.append(other)
    people.held["foreign"] = people.sign_in(other)


def exchange(ops: Operations, people: People) -> Flow[Any]:
    issued = people.held["foreign"]
    return ops.exchange(issued.principal, issued.refresh and issued.refresh.reveal())


def mailed(name: str, make: Act) -> Callable[[People], None]:
    """Return what has a link mailed and keeps its token."""

    def before(people: People) -> None:
        people.mail(name, make(people.limen.assembly.operations, people))

    return before


RESET = mailed("reset", lambda ops, _: ops.request_password_reset(EMAIL, link=LINK))
VERIFY = mailed("verify", lambda ops, _: ops.send_verification(EMAIL, link=LINK))
DELETE = mailed("delete", lambda ops, p: ops.request_deletion(phone(p), link=LINK))


def linked(people: People) -> None:
    """Let Ada sign in by an identity as well."""
    people.limen.set_email(people.ada.id, EMAIL, verified=True)
    people.limen.sign_in_by_identity(proven("ada"))


def squatted(people: People) -> None:
    """Let the account be one that somebody else opened: unverified, with a way in besides."""
    linked(people)
    people.limen.set_email(people.ada.id, "ada@elsewhere.example", verified=False)
    people.limen.set_email(people.ada.id, EMAIL, verified=False)
    RESET(people)


def verified(people: People) -> None:
    people.limen.set_email(people.ada.id, EMAIL, verified=True)


def disabled(people: People) -> None:
    people.limen.disable(people.ada.id)


def unlink(ops: Operations, people: People) -> Flow[Any]:
    def flow() -> Flow[Any]:
        found = yield from ops.identities(people.ada.id)
        for one in found:
            if one.issuer == ISSUER:
                return (yield from ops.unlink_identity(phone(people), one.id))
        return Refused(Reason.UNKNOWN_IDENTITY)

    return flow()


def keep_tokens(ops: Operations, people: People) -> Flow[Any]:
    def flow() -> Flow[Any]:
        found = yield from ops.identities(people.ada.id)
        (one,) = [identity for identity in found if identity.issuer == ISSUER]
        return (yield from ops.keep_provider_tokens(one, b"newer"))

    return flow()


def signing(people: People) -> str:
    return people.limen.assembly.keys.keyring.signing.id


def withdraw(ops: Operations, people: People) -> Flow[Any]:
    return ops.revoke(Target.key(people.tokens["key"]))


def note_key(people: People) -> None:
    people.tokens["key"] = signing(people)


ENDS = ("live", "renewable")
PASSWORD_FACTS = ("old password", "new password", *ENDS)
DEEDS: dict[str, Deed] = {
    # -- proving
    "sign_up": Deed(
        lambda ops, _: ops.sign_up("new@example.org", PASSWORD), unlike=(Reason.EMAIL_TAKEN,)
    ),
    "add_account": Deed(
        lambda ops, _: ops.add_account("new@example.org", PASSWORD, username="new"),
        unlike=(Reason.EMAIL_TAKEN, Reason.USERNAME_TAKEN),
    ),
    "sign_in": Deed(lambda ops, _: ops.sign_in(EMAIL, PASSWORD)),
    "sign_in over another": Deed(
        lambda ops, p: ops.sign_in(
            EMAIL, PASSWORD, presented=(p.access("phone"), p.renewing("phone"))
        )
    ),
    "sign_in_with_username": Deed(lambda ops, _: ops.sign_in_with_username("ada", PASSWORD)),
    "change_password": Deed(
        lambda ops, p: ops.change_password(phone(p), PASSWORD, NEW),
        unlike=(Reason.BAD_CREDENTIALS,),
        together=PASSWORD_FACTS,
    ),
    "change_password and spare others": Deed(
        lambda ops, p: ops.change_password(phone(p), PASSWORD, NEW, revoke_others=False),
        unlike=(Reason.BAD_CREDENTIALS,),
        together=("old password", "new password"),
    ),
    "verify_password": Deed(lambda ops, p: ops.verify_password(phone(p), PASSWORD)),
    "sign_in_by_identity": Deed(lambda ops, _: ops.sign_in_by_identity(proven("ada")), linked),
    "sign_in_by_identity, linking": Deed(
        lambda ops, _: ops.sign_in_by_identity(proven("ada")), verified
    ),
    "sign_in_by_identity, signing up": Deed(
        lambda ops, _: ops.sign_in_by_identity(proven("new", "new@example.org"))
    ),
    "link_identity": Deed(lambda ops, p: ops.link_identity(phone(p), proven("ada"))),
    "unlink_identity": Deed(unlink, linked, unlike=(Reason.UNKNOWN_IDENTITY,)),
    "keep_provider_tokens": Deed(keep_tokens, linked),
    "reauthenticate": Deed(
        lambda ops, p: ops.reauthenticate(phone(p), PASSWORD),
        unlike=(Reason.UNKNOWN_SESSION,),
        together=ENDS,
    ),
    "renew": Deed(
        lambda ops, p: ops.renew(phone(p), Authentication(p.ada.id, p.clock.now(), ("otp",))),
        unlike=(Reason.UNKNOWN_SESSION,),
        together=ENDS,
    ),
    "require_fresh": Deed(lambda ops, p: ops.require_fresh(phone(p), Freshness(max_age=600.0))),
    # -- what a credential is good for
    "authenticate": Deed(lambda ops, p: ops.authenticate(p.access("phone")), due),
    "recall": Deed(lambda ops, p: ops.recall(p.renewing("phone"))),
    "reissue": Deed(lambda ops, p: ops.reissue(p.renewing("phone"))),
    "refresh": Deed(lambda ops, p: ops.refresh(p.renewing("phone"))),
    "exchange": Deed(exchange, foreign),
    "service_token": Deed(lambda ops, p: ops.service_token(phone(p))),
    "set_session_fields": Deed(
        lambda ops, p: ops.set_session_fields(phone(p).session_id, {"team": "red"})
    ),
    # -- endings
    "sign_out": Deed(
        lambda ops, p: ops.sign_out(p.access("phone"), p.renewing("phone")), unlike=(None,)
    ),
    "revoke one": Deed(
        lambda ops, p: ops.revoke(Target.session(phone(p).session_id)), together=ENDS
    ),
    "revoke user": Deed(lambda ops, p: ops.revoke(Target.user(p.ada.id)), together=ENDS),
    "revoke others": Deed(
        lambda ops, p: ops.revoke(Target.user(p.ada.id, keep=phone(p).session_id)), together=ENDS
    ),
    "revoke everybody": Deed(lambda ops, _: ops.revoke(Target.everybody()), together=ENDS),
    "revoke key": Deed(withdraw, note_key),
    # -- the account
    "set_roles": Deed(
        lambda ops, p: ops.set_roles(p.ada.id, ["admin"]), together=("roles", "accepted")
    ),
    "set_email": Deed(
        lambda ops, p: ops.set_email(p.ada.id, "ada@elsewhere.example", verified=True)
    ),
    "update_account": Deed(lambda ops, p: ops.update_account(p.ada.id, name="Ada")),
    "set_username": Deed(lambda ops, p: ops.set_username(p.ada.id, "countess")),
    "disable": Deed(lambda ops, p: ops.disable(p.ada.id), together=("disabled", *ENDS)),
    "enable": Deed(lambda ops, p: ops.enable(p.ada.id), disabled),
    "unlock": Deed(lambda ops, p: ops.unlock(p.ada.id)),
    "know_device": Deed(lambda ops, p: ops.know_device(p.ada)),
    "delete_account": Deed(
        lambda ops, p: ops.delete_account(p.ada.id), unlike=(None,), together=("exists", *ENDS)
    ),
    "delete_own_account": Deed(
        lambda ops, p: ops.delete_own_account(phone(p), PASSWORD),
        unlike=(Reason.BAD_CREDENTIALS, Reason.NO_PASSWORD, Reason.ACCOUNT_CHANGED),
        together=("exists", *ENDS),
    ),
    # -- letters
    "request_password_reset": Deed(lambda ops, _: ops.request_password_reset(EMAIL, link=LINK)),
    "is_reset_link": Deed(lambda ops, p: ops.is_reset_link(p.tokens["reset"]), RESET),
    "reset_password": Deed(
        lambda ops, p: ops.reset_password(p.tokens["reset"], NEW),
        lambda p: (verified(p), RESET(p))[0],  # type: ignore[func-returns-value]
        again=RESET,
        together=PASSWORD_FACTS,
    ),
    "reset_password of a squatter": Deed(
        lambda ops, p: ops.reset_password(p.tokens["reset"], NEW),
        squatted,
        again=RESET,
        together=(*PASSWORD_FACTS, "identities", "verified"),
    ),
    "send_verification": Deed(lambda ops, _: ops.send_verification(EMAIL, link=LINK)),
    "verify_email": Deed(
        lambda ops, p: ops.verify_email(p.tokens["verify"], link=LINK),
        VERIFY,
        unlike=(Reason.INVALID_LINK,),
        again=VERIFY,
    ),
    "change_email": Deed(
        lambda ops, p: ops.change_email(phone(p), "ada@elsewhere.example", link=LINK)
    ),
    "request_deletion": Deed(lambda ops, p: ops.request_deletion(phone(p), link=LINK)),
    "delete_by_link": Deed(
        lambda ops, p: ops.delete_by_link(phone(p), p.tokens["delete"]),
        DELETE,
        unlike=(Reason.INVALID_LINK,),
        again=DELETE,
        together=("exists", *ENDS),
    ),
    # -- keys and housekeeping
    "rotate_keys": Deed(lambda ops, _: ops.rotate_keys(at_once=True)),
    "load_keys": Deed(lambda ops, _: ops.load_keys()),
    "purge": Deed(lambda ops, _: ops.purge()),
}
# Reads of one effect or none of their own; whatever else asks a store must be a deed.
ONLY_LOOK = frozenset(
    {
        "account",
        "account_by_email",
        "accounts",
        "audit",
        "credential_counts",
        "identities",
        "is_username_available",
        "keys",
        "session",
        "sessions",
    }
)
# Each is made of deeds that stand above, or has one question and tests of its own.
COVERED_BY = {
    "remember": "sign_in",
    "import_account": "add_account",
    "admit": "sign_in",
    "adopt": "exchange",
    "dismiss": "revoke one",
    "prove": "tests/dpop",
    "remove_key": "rotate_keys",
    "spend": "sign_in",
}


def names() -> Iterator[str]:
    """Yield the verbs of an application that are no deed and stand on neither list."""
    done = {name.split(" ")[0].rstrip(",") for name in DEEDS}
    for name, member in vars(BlockingLimen).items():
        # Only operations carry the docstring and the name of `Operations`.
        wrapped = getattr(member, "__wrapped__", None)
        is_one = wrapped is not None and wrapped is getattr(Operations, name, None)
        if is_one and name not in done | ONLY_LOOK | COVERED_BY.keys():
            yield name
