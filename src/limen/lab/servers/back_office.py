"""What the staff of the shop may do: real requests of an administrator who is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.responses import JSONResponse

from limen import Target
from limen.errors import ConfigurationError
from limen.web.starlette import request_auth_of, requires

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request

ADMIN: Final = "admin"
SET_ROLES: Final = "/staff/roles"
DISABLE: Final = "/staff/disable"
END_SIGN_INS: Final = "/staff/end-sign-ins"
KEYS: Final = "/staff/keys"
ROTATE_KEYS: Final = "/staff/keys/rotate"
WITHDRAW_KEY: Final = "/staff/keys/withdraw"


def open_back_office(shop: Starlette) -> None:
    """Add the addresses of the staff to an application that has Limen installed."""
    shop.add_route(SET_ROLES, _set_roles, methods=["POST"])
    shop.add_route(DISABLE, _disable, methods=["POST"])
    shop.add_route(END_SIGN_INS, _end_sign_ins, methods=["POST"])
    shop.add_route(KEYS, _keys, methods=["GET"])
    shop.add_route(ROTATE_KEYS, _rotate_keys, methods=["POST"])
    shop.add_route(WITHDRAW_KEY, _withdraw_key, methods=["POST"])


@requires(ADMIN)
async def _set_roles(request: Request) -> JSONResponse:
    stated = await _stated(request)
    auth = request_auth_of(request).auth
    try:
        found = await auth.set_roles(_text(stated, "account"), _texts(stated, "roles"))
    except ConfigurationError:  # more than fits into a token
        return JSONResponse({"success": False}, 422)
    return _done(found is not None)


@requires(ADMIN)
async def _disable(request: Request) -> JSONResponse:
    stated = await _stated(request)
    receipt = await request_auth_of(request).auth.disable(_text(stated, "account"))
    return _done(receipt is not None)


@requires(ADMIN)
async def _end_sign_ins(request: Request) -> JSONResponse:
    stated = await _stated(request)
    await request_auth_of(request).auth.revoke(Target.user(_text(stated, "account")))
    return _done(True)


@requires(ADMIN)
async def _keys(request: Request) -> JSONResponse:
    keys = await request_auth_of(request).auth.keys()
    return JSONResponse({"keys": [{"id": one.id, "status": one.state.value} for one in keys]})


@requires(ADMIN)
async def _rotate_keys(request: Request) -> JSONResponse:
    # At once: nobody else verifies the tokens of this shop, so nobody needs to hear of the key.
    await request_auth_of(request).auth.rotate_keys(at_once=True)
    return _done(True)


@requires(ADMIN)
async def _withdraw_key(request: Request) -> JSONResponse:
    stated = await _stated(request)
    try:
        await request_auth_of(request).auth.revoke(Target.key(_text(stated, "id")))
    except ConfigurationError:  # there is no such key
        return _done(False)
    return _done(True)


def _done(success: bool) -> JSONResponse:
    return JSONResponse({"success": success}, 200 if success else 404)


async def _stated(request: Request) -> dict[str, Any]:
    stated = await request.json()
    return stated if isinstance(stated, dict) else {}


def _text(stated: dict[str, Any], name: str) -> str:
    value = stated.get(name)
    return value if isinstance(value, str) else ""


def _texts(stated: dict[str, Any], name: str) -> list[str]:
    value = stated.get(name)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
