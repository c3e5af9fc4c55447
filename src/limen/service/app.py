"""The ready-made ASGI service: the wire protocols of Limen under one path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.service.answer import Answer, send_answer
from limen.service.better_auth.dispatch import BetterAuthApp
from limen.web.asgi import SCOPE_KEY, AuthMiddleware
from limen.web.safeguards import always_secure

if TYPE_CHECKING:
    from limen.authority import Limen
    from limen.web.asgi import ASGIApp, Receive, Scope, Send


def endpoints(auth: Limen) -> ASGIApp:
    """Return the endpoints under `base_path`, for mounting into an application.

    The application must have `AuthMiddleware`; `install` of an adapter adds both.
    """
    return BetterAuthApp(auth)


def mounts(auth: Limen) -> tuple[tuple[str, ASGIApp], ...]:
    """Return every wire that the settings name, each with the path under which it answers."""
    served: list[tuple[str, ASGIApp]] = [(auth.settings.base_path, endpoints(auth))]
    if auth.settings.authjs.version is not None:
        from limen.service.authjs.dispatch import AuthjsApp  # noqa: PLC0415 - only where it is set

        served.append((auth.settings.authjs.path, AuthjsApp(auth)))
    return tuple(served)


def create_app(auth: Limen) -> ASGIApp:
    """Return the whole service: the wires under their paths and nothing else."""
    return AuthMiddleware(_Mounted(mounts(auth)), auth)


class _Mounted:
    """Serves each application under its path and answers 404 elsewhere."""

    def __init__(self, served: tuple[tuple[str, ASGIApp], ...]) -> None:
        self._served = served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        root: str = scope.get("root_path", "")
        path: str = scope["path"]
        within = path[len(root) :] if root and path.startswith(f"{root}/") else path
        for base_path, app in self._served:
            if within.startswith(f"{base_path}/"):
                mounted = {**scope, "root_path": root + base_path, "path": root + within}
                await app(mounted, receive, send)
                return
        if scope["type"] == "http":
            await send_answer(Answer(404), send, always_secure(scope[SCOPE_KEY]))
        else:
            await send({"type": "websocket.close", "code": 1003})


async def _live(receive: Receive, send: Send) -> None:
    """Go along with the server's start and stop; the middleware does the work."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
