"""Every limit on attempts that can be written as text; see docs/throttling.md."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, Field


class WrittenLimits(BaseModel):
    """The limits as people write them. `None` is "not written"; `Settings` has the defaults."""

    account_attempts: int | None = Field(
        None, description="Sign-in attempts on one account in each window; 0 is no limit."
    )
    account_window: float | None = Field(None, description="That window, in seconds.")
    address_attempts: int | None = Field(
        None, description="Sign-in attempts from one address in each window; 0 is no limit."
    )
    address_window: float | None = Field(None, description="That window, in seconds.")
    device_attempts: int | None = Field(
        None,
        description="Sign-in attempts of one browser that has signed in to the account before, "
        "in each window; 0 is no limit.",
    )
    device_window: float | None = Field(None, description="That window, in seconds.")
    device_lifetime: float | None = Field(
        None,
        description="Seconds for which a browser that signed in counts as known; 0 knows none.",
    )
    global_failures: int | None = Field(
        None,
        description="Sign-ins of the whole service that fail in each window, above which only "
        "known browsers are judged; 0 is no limit.",
    )
    global_window: float | None = Field(None, description="That window, in seconds.")
    spraying_accounts: int | None = Field(
        None,
        description="Accounts on which one password may fail in each window, before it is "
        "refused from unknown browsers; 0 is no limit.",
    )
    spraying_window: float | None = Field(None, description="That window, in seconds.")
    consecutive_failures: int | None = Field(
        None,
        description="Failures in a row after which strangers cannot sign in to an account with "
        "its password until it is replaced; 0 is no limit.",
    )
    request_limit: int | None = Field(
        None,
        description="Requests of one address to one other endpoint that costs work, in each "
        "window; 0 is no limit.",
    )
    request_window: float | None = Field(None, description="That window, in seconds.")
    letter_limit: int | None = Field(
        None, description="Letters of one kind to one address in each window; 0 is no limit."
    )
    letter_window: float | None = Field(None, description="That window, in seconds.")
    letter_address_limit: int | None = Field(
        None,
        description="Letters that clients of one network address may cause in each window; "
        "0 is no limit.",
    )
    letter_address_window: float | None = Field(None, description="That window, in seconds.")


# Written in seconds, kept in milliseconds by a record that is not `Settings` itself.
WINDOWS: Final = frozenset(name for name in WrittenLimits.model_fields if name.endswith("_window"))
