"""Signing in with a username, and asking whether one is free."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.service import known_devices
from limen.service.better_auth import names, schemas, wire
from limen.service.better_auth.accounts import (
    CHALLENGE,
    SIGN_IN_PROBLEMS,
    received,
    signed_in,
    verification_link,
)
from limen.service.better_auth.bodies import Body, Field
from limen.service.better_auth.endpoint import CARRIERS, Endpoint
from limen.service.better_auth.wire import Answer, json_answer
from limen.usernames import ANY_USERNAME

if TYPE_CHECKING:
    from limen.service.better_auth.endpoint import Call


async def sign_in(call: Call) -> Answer:
    """Judge a username and a password, as `accounts.sign_in` an e-mail."""
    username, password = call.body["username"], call.body["password"]
    received(call, "username", username, password)
    if not username or not password:
        return wire.WRONG_USERNAME.answer(CHALLENGE)
    # An imported name may be shorter or longer than one that is chosen here.
    malformed = names.form_of(username, ANY_USERNAME)
    if malformed is not None:
        return malformed
    outcome = await call.auth.sign_in_with_username(
        username,
        password,
        client=call.client,
        remembered=call.body.get("rememberMe", True),
        presented=call.credentials(),
        link=verification_link(call),
        device=known_devices.kept_by(call),
    )
    return await signed_in(call, outcome, wire.WRONG_USERNAME)


async def is_available(call: Call) -> Answer:
    """Say whether a username is free."""
    username = call.body["username"]
    malformed = names.form_of(username, call.auth.settings.usernames)
    if malformed is not None:
        return malformed
    return json_answer({"available": await call.auth.is_username_available(username) is True})


ENDPOINTS: Final = (
    Endpoint(
        "POST",
        "/sign-in/username",
        sign_in,
        "Sign in with username and password",
        schemas.SIGNED_IN,
        body=Body(
            (
                Field("username", required=True),
                Field("password", required=True),
                Field("callbackURL"),
                Field("rememberMe", "boolean"),
            )
        ),
        problems=(*SIGN_IN_PROBLEMS, wire.WRONG_USERNAME, *names.FORM_PROBLEMS),
        limited=True,
        opens=True,
        headers=CARRIERS,
    ),
    Endpoint(
        "POST",
        "/is-username-available",
        is_available,
        "Say whether a username is free",
        schemas.AVAILABLE,
        body=Body((Field("username", required=True),)),
        problems=names.FORM_PROBLEMS,
        limited=True,
    ),
)
