"""The ready-made HTTP service: the better-auth wire protocol as an ASGI application."""
