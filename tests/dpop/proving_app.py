"""An application with one route and one socket, which says whom it sees and by which key."""

from __future__ import annotations

from fastapi import FastAPI, WebSocket

from limen import Limen
from limen.web.fastapi import CurrentPrincipal, install


def application(auth: Limen) -> FastAPI:
    app = FastAPI()
    install(app, auth)

    @app.get("/me")
    @app.post("/me")
    async def me(principal: CurrentPrincipal) -> dict[str, str | None]:
        return {"subject": principal.subject, "bound_to": principal.bound_to}

    @app.websocket("/socket")
    async def socket(websocket: WebSocket, principal: CurrentPrincipal) -> None:
        await websocket.accept()
        await websocket.send_text(principal.subject)
        await websocket.close()

    return app
