"""The application that is attacked: something to read, to write, and for administrators."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from limen import Limen
from limen.revocation import Target
from limen.web.fastapi import CurrentPrincipal, OptionalPrincipal, install, requires

# What an administrator may do to somebody.
_VERBS: dict[str, Callable[[Limen, str], Awaitable[object]]] = {
    "disable": lambda auth, subject: auth.disable(subject),
    "enable": lambda auth, subject: auth.enable(subject),
    "delete": lambda auth, subject: auth.delete_account(subject),
    "demote": lambda auth, subject: auth.set_roles(subject, []),
    "end": lambda auth, subject: auth.revoke(Target.user(subject)),
}


def build(auth: Limen) -> FastAPI:
    app = FastAPI()
    install(app, auth)
    notes: list[str] = []

    @app.get("/notes")
    async def read(principal: CurrentPrincipal) -> dict[str, Any]:
        return {"who": principal.subject, "session": principal.session_id, "notes": len(notes)}

    @app.post("/notes")
    async def write(principal: CurrentPrincipal) -> dict[str, Any]:
        notes.append(principal.subject)
        return {"who": principal.subject, "notes": len(notes)}

    @app.get("/open")
    async def open_to_all(principal: OptionalPrincipal) -> dict[str, Any]:
        return {"who": principal.subject if principal else None}

    @app.get("/admin", dependencies=[requires("admin")])
    async def admin() -> dict[str, bool]:
        return {"admin": True}

    @app.post("/admin/{verb}/{subject}", dependencies=[requires("admin")])
    async def rule(verb: str, subject: str) -> dict[str, bool]:
        await _VERBS[verb](auth, subject)
        return {"done": True}

    @app.websocket("/socket")
    async def socket(socket: WebSocket, principal: CurrentPrincipal) -> None:
        await socket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                said = await socket.receive_text()
                await socket.send_json({"who": principal.subject, "said": said})

    return app
