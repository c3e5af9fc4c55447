"""How a framework meets Limen: a shared ASGI middleware, and one thin file for each."""
