"""The ways to sign in that this mount offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from limen.service.answer import Answer, json_answer
from limen.service.authjs.signing import CREDENTIALS

if TYPE_CHECKING:
    from limen.authority import Limen
    from limen.service.authjs.call import Call


@dataclass(frozen=True, slots=True)
class Door:
    """One way to sign in, as the client's list of providers names it."""

    id: str
    name: str
    type: str


def doors_of(auth: Limen) -> tuple[Door, ...]:
    """Return the ways that the settings open; without a store there is no account to sign in to."""
    if not auth.assembly.parts.keeps:
        return ()
    return (
        Door(CREDENTIALS, "Credentials", "credentials"),
        *(
            Door(one.id, one.name or one.id, "oauth" if one.issuer is None else "oidc")
            for one in auth.settings.providers
        ),
    )


def listed(call: Call, doors: tuple[Door, ...]) -> Answer:
    """List the providers by id, with where to begin and where to come back."""
    return json_answer(
        {
            door.id: {
                "id": door.id,
                "name": door.name,
                "type": door.type,
                "signinUrl": f"{call.base}/signin/{door.id}",
                "callbackUrl": f"{call.base}/callback/{door.id}",
            }
            for door in doors
        }
    )
