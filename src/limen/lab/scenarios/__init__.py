"""The scenarios: what clients do, alike under every strategy and over real HTTP."""

from typing import Final

from limen.lab.scenarios.endings import ELSEWHERE, LOGOUT_REPLAY
from limen.lab.scenarios.expiry import EXPIRY
from limen.lab.scenarios.keys import KEY_ROTATION
from limen.lab.scenarios.nodes import NODE_FAULT
from limen.lab.scenarios.proving import WRONG_PASSWORD
from limen.lab.scenarios.refresh import REFRESHED
from limen.lab.scenarios.roles import ROLE_CHANGE
from limen.lab.scenarios.scenario import Scenario
from limen.lab.scenarios.steps import (
    COPY_LATER,
    END_OTHERS,
    EVERYWHERE,
    IDLE,
    LOGIN,
    LOGOUT,
    NOBODY,
    OWN_LATER,
    PAST_ACCESS,
    PAST_IDLE,
    PHONE,
    PHONE_READS,
    READ,
    REPLAY,
    REPLAY_REFRESH,
    SIGN_IN,
    SIGN_OUT,
    THEFT,
    UNKNOWN,
    WRONG,
)
from limen.lab.scenarios.store import STORE_FAULT

__all__ = [
    "COPY_LATER",
    "END_OTHERS",
    "EVERYWHERE",
    "IDLE",
    "LOGIN",
    "LOGOUT",
    "LOGOUT_REPLAY",
    "NOBODY",
    "OWN_LATER",
    "PAST_ACCESS",
    "PAST_IDLE",
    "PHONE",
    "PHONE_READS",
    "READ",
    "REPLAY",
    "REPLAY_REFRESH",
    "SCENARIOS",
    "SIGN_IN",
    "SIGN_OUT",
    "THEFT",
    "UNKNOWN",
    "WRONG",
    "Scenario",
]

SCENARIOS: Final = {
    one.plot.id: one
    for one in (
        LOGOUT_REPLAY,
        ELSEWHERE,
        EXPIRY,
        REFRESHED,
        ROLE_CHANGE,
        KEY_ROTATION,
        NODE_FAULT,
        STORE_FAULT,
        WRONG_PASSWORD,
    )
}
