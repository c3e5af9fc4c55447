"""Never run: what a type checker must see in the public interface."""

from typing import assert_type

from limen import Issued, Limen, Principal, Receipt, Refused, Session, Target
from limen.operations import SignedIn
from limen.verdict import Absent, Authenticated


async def an_application(auth: Limen) -> None:
    signed_in = await auth.sign_in("a@example.org", "a long password")
    assert_type(signed_in, SignedIn | Refused)
    if isinstance(signed_in, SignedIn):
        assert_type(signed_in.issued, Issued)
        assert_type(signed_in.issued.principal, Principal)
    verdict = await auth.authenticate("credential")
    assert_type(verdict, Absent | Refused | Authenticated)
    assert_type(await auth.revoke(Target.user("usr_1")), Receipt)
    assert_type(await auth.sessions("usr_1"), tuple[Session, ...])
    Limen("sessions")  # type: ignore[arg-type]  # no such strategy
    await auth.revoke("usr_1")  # type: ignore[arg-type]  # a target says what it is aimed at
