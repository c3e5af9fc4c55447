"""Every target by its name."""

from fuzz import requests, tokens

TARGETS = {one.name: one for one in (*tokens.TARGETS, *requests.TARGETS)}
