"""The ready-made ASGI service: the wire protocols of Limen under one path."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limen.authority import Limen
    from limen.web.asgi import ASGIApp


def endpoints(auth: Limen) -> ASGIApp:
    """Return the endpoints under `base_path`, for mounting into an application."""
    raise NotImplementedError
