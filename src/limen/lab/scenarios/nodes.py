"""Several server processes, of which one dies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.lab.run import Plot, Step
from limen.lab.scenarios.scenario import Scenario
from limen.lab.scenarios.steps import LOGIN, READ, READING, SIGNING_IN, signed_in
from limen.lab.servers.cluster import NODE_A, NODE_B
from limen.lab.servers.site import PROTECTED
from limen.lab.setups import IN_MEMORY

if TYPE_CHECKING:
    from limen.lab.playing.stage import Stage

ANOTHER_NODE: Final = Step(
    "read on node B", "Read: the balancer sends her next request to node B", READING
)
NODE_KILLED: Final = Step(
    "read after the kill", "Node A is killed: her browser asks again", READING
)
LOGIN_AGAIN: Final = Step(
    "login after the kill", "Login: somebody signs in while node A is gone", SIGNING_IN
)


def _node_fault(stage: Stage) -> None:
    alice = signed_in(stage, stage.owner())
    with stage.step(READ):
        alice.ask(PROTECTED)
    stage.nodes.prefer(NODE_B)
    with stage.step(ANOTHER_NODE):
        alice.ask(PROTECTED)
    stage.nodes.prefer(NODE_A)
    stage.nodes.kill(NODE_A)
    with stage.step(NODE_KILLED):
        alice.ask(PROTECTED)
    signed_in(stage, stage.owner("phone"), LOGIN_AGAIN)


NODE_FAULT: Final = Scenario(
    Plot(
        "node-fault",
        "a server process is killed",
        "Two server processes stand behind one address. Alice signs in on the first, which is "
        "then killed. Whoever kept her sign-in in its memory has lost it.",
        (LOGIN, READ, ANOTHER_NODE, NODE_KILLED, LOGIN_AGAIN),
    ),
    _node_fault,
    nodes=2,
    besides=(IN_MEMORY,),
)
