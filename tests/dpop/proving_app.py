"""An application that says whom it sees and by which key, on a route and a socket."""

from __future__ import annotations

from fastapi import FastAPI, WebSocket

from limen import Limen
from limen.web.fastapi import CurrentPrincipal, install, requires_fresh


def application(auth: Limen) -> FastAPI:
    app = FastAPI()
    install(app, auth)

    @app.get("/me")
    @app.post("/me")
    async def me(principal: CurrentPrincipal) -> dict[str, str | None]:
        return {"subject": principal.subject, "bound_to": principal.bound_to}

    @app.get("/vault", dependencies=[requires_fresh(acr="aal2")])
    async def vault() -> str:
        return "open"

    @app.websocket("/socket")
    async def socket(websocket: WebSocket, principal: CurrentPrincipal) -> None:
        await websocket.accept()
        await websocket.send_text(principal.subject)
        await websocket.close()

    return app
