"""The ready-made HTTP service: two wire protocols as ASGI applications."""
