"""Feeds what strangers send to what reads it: coverage-guided, for as long as one likes.

`make fuzz` runs every target; `tests/fuzz` runs each for a moment in every `make test`.
"""
