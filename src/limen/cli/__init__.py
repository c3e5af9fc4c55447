"""The command line: `limen`. The only place for Typer, Rich, pydantic-settings and uvicorn."""
