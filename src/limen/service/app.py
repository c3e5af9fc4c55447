"""The ready-made ASGI service: the wire protocols of Limen under one path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.service.better_auth.dispatch import BetterAuthApp
from limen.web.asgi import AuthMiddleware

if TYPE_CHECKING:
    from limen.authority import Limen
    from limen.web.asgi import ASGIApp, Receive, Scope, Send


def endpoints(auth: Limen) -> ASGIApp:
    """Return the endpoints under `base_path`, for mounting into an application.

    The application must have `AuthMiddleware`; `install` of an adapter adds both.
    """
    return BetterAuthApp(auth)


def create_app(auth: Limen) -> ASGIApp:
    """Return the whole service: the endpoints under `base_path` and nothing else."""
    return AuthMiddleware(_Mounted(endpoints(auth), auth.settings.base_path), auth)


class _Mounted:
    """Serves one application under one path and answers 404 elsewhere."""

    def __init__(self, app: ASGIApp, base_path: str) -> None:
        self._app = app
        self._base_path = base_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        root: str = scope.get("root_path", "")
        path: str = scope["path"]
        within = path[len(root) :] if root and path.startswith(f"{root}/") else path
        if within.startswith(f"{self._base_path}/"):
            mounted = {**scope, "root_path": root + self._base_path, "path": root + within}
            await self._app(mounted, receive, send)
        elif scope["type"] == "http":
            headers = [(b"content-length", b"0"), (b"cache-control", b"no-store")]
            await send({"type": "http.response.start", "status": 404, "headers": headers})
            await send({"type": "http.response.body"})
        else:
            await send({"type": "websocket.close", "code": 1003})


async def _live(receive: Receive, send: Send) -> None:
    """Go along with the server's start and stop; the middleware does the work."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
