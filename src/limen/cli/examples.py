"""How the help of a command ends."""

from __future__ import annotations


def example(*lines: str) -> str:
    """Return the lines of an example as the end of a help text, not wrapped."""
    heading = "Example:" if len(lines) == 1 else "Examples:"
    return "\n".join(["\b", heading, *(f"  {line}" for line in lines)])
