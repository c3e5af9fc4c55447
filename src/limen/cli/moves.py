"""How a system moves from one strategy to another: the steps, and what they do not do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from limen.cli.leftovers import SIGNED
from limen.cli.output import span
from limen.guarantees import RevocationCheck
from limen.settings import CHECKS

if TYPE_CHECKING:
    from limen.settings import Settings

COMMAND: Final = "limen migrate-strategy"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a move. `strategy` is `None` where the settings stay as they are."""

    text: str
    strategy: str | None = None
    accept: tuple[str, ...] = ()
    without: tuple[str, ...] = ()  # settings that are to be left out from now on

    @property
    def environment(self) -> tuple[str, ...]:
        """The lines of the environment; an empty value counts as not set."""
        if self.strategy is None:
            return ()
        lines = [f"LIMEN_STRATEGY={self.strategy}", f"LIMEN_ACCEPT={','.join(self.accept)}"]
        return (*lines, *(f"LIMEN_{name.upper()}=" for name in self.without))

    @property
    def python(self) -> str | None:
        """The same for code."""
        if self.strategy is None:
            return None
        accept = "".join(f'"{name}", ' for name in self.accept).rstrip()
        given = f", accept=({accept})" if accept else ""
        left_out = f"  # without {' and '.join(self.without)}" if self.without else ""
        return f'Limen("{self.strategy}"{given}, ...){left_out}'


@dataclass(frozen=True, slots=True)
class Move:
    """A move from the configured strategy to another one."""

    settings: Settings
    to: str

    @property
    def is_none(self) -> bool:
        """Whether there is nothing to do."""
        return self.settings.strategy == self.to and not self.from_nothing

    @property
    def from_nothing(self) -> bool:
        """Whether what is configured keeps nothing (`refresh=None`)."""
        return self.settings.refresh is None

    @property
    def _outdated_check(self) -> bool:
        """Whether the check of now is a preset, or one that the new strategy has not."""
        check = self.settings.check
        return check is None or check not in {one.value for one in CHECKS[self.to]}

    def steps(self) -> tuple[Step, ...]:
        """Return the steps in their order; each is deployed everywhere before the next."""
        before, to = self.settings.strategy, self.to
        without = ("check",) if self.settings.check and self._outdated_check else ()
        if self.from_nothing:
            text = (
                "Give it a database (`limen migrate` makes the tables), keep the secret and the "
                "algorithm, and replace all processes together: an old one refuses what a new "
                "one issues."
            )
            changed = Step(text, to, ("jwt",), ("refresh", *without))
        elif {before, to} <= SIGNED:
            text = "Deploy. Tokens, refresh tokens and sessions are the same for both."
            return (Step(text, to, (), without),)
        else:
            changed = Step("Issue the new kind, and take the old one too.", to, (before,), without)
        last = Step("Take the old kind no more. The move is finished.", to, ())
        if self.from_nothing:
            wait = f"Wait {self._token_life()}: until then tokens of the old processes may be used."
            return (changed, Step(wait), last)
        wait = f"Wait until `{COMMAND} --watch` ends: nothing of the old kind is left then."
        first = Step(
            "Let every process take the new kind before one issues it. Leave this step out if "
            "there is one process only, or if all are replaced together.",
            before,
            (to,),
        )
        return (first, changed, Step(wait), last)

    def notices(self) -> str:
        """Say what the users of the application notice."""
        if self.from_nothing:
            return (
                "Browsers: nothing, each token is exchanged once for a session. Clients that "
                "keep their token themselves sign in again when it ends."
            )
        return (
            "Nothing. Nobody is signed out; the time of the sign-in, its absolute end and its "
            "place in the device list stay."
        )

    def not_carried_over(self) -> tuple[str, ...]:
        """Say what is different afterwards, or does not come along."""
        settings, to = self.settings, self.to
        life = span(settings.token_policy().lifetime)
        before, after = self._ends(settings.revocation_check), self._ends(self._check_after())
        said = [] if before == after else [f"What is revoked ends {after}, no longer {before}."]
        if to == "session":
            if self._check_after() is RevocationCheck.STORE:
                said.append("Each request asks the store.")
            said.append(
                "Services that verify access tokens themselves cannot verify a session id; give "
                "them tokens of `/token`."
            )
        if self.from_nothing:
            said.append("There are sessions: device lists, sign-out and revocation work.")
        elif to == "session":
            said.append(
                "Whoever holds an access token without its refresh token is not moved, and is "
                f"signed out when it expires, within {life}."
            )
        elif settings.strategy == "session":
            said.append(
                "Clients that keep their credential themselves get the new kind when they "
                f"refresh, and must then refresh every {life}; one that never does is signed "
                "out by the last step."
            )
        return tuple(said)

    def _check_after(self) -> RevocationCheck:
        preset, *_ = CHECKS[self.to]
        return preset if self._outdated_check else self.settings.revocation_check

    def _ends(self, check: RevocationCheck) -> str:
        """Say when what is revoked ends."""
        if check is RevocationCheck.STORE:
            return "at once"
        if check is RevocationCheck.FEED:
            return f"within {span(round(self.settings.max_lag * 1000))} (max_lag)"
        return f"when its token expires, within {span(self.settings.token_policy().lifetime)}"

    def finished(self) -> str:
        """Say when the move can be finished."""
        if self.from_nothing:
            return f"{self._token_life()} after the last process with the old settings has stopped."
        if {self.settings.strategy, self.to} <= SIGNED:
            return "With that step: there is nothing to wait for."
        absolute = span(round(self.settings.absolute * 1000))
        return (
            f"When `{COMMAND}` exits with 0; at the latest {absolute} (absolute) after the last "
            "process that issues the old kind has stopped."
        )

    def _token_life(self) -> str:
        policy = self.settings.token_policy()
        return span(policy.lifetime + policy.leeway)

    def text(self) -> list[str]:
        """Return the lines that a person reads."""
        if self.is_none:
            return [f"The strategy is {self.to} already. `{COMMAND}` shows what is left to move."]
        origin = f"{self.settings.strategy}{' with refresh=None' if self.from_nothing else ''}"
        lines = [f"From {origin} to {self.to}:", ""]
        for number, step in enumerate(self.steps(), start=1):
            lines.append(f"{number}. {step.text}")
            lines += [f"     {line}" for line in step.environment]
            lines += [f"     in Python: {step.python}"] if step.python else []
        lines += ["", f"What users notice: {self.notices()}", "", "Different afterwards:"]
        lines += [f"- {one}" for one in self.not_carried_over()]
        return [*lines, "", f"Finished: {self.finished()}"]

    def as_json(self) -> dict[str, Any]:
        """Return the same for scripts."""
        steps = () if self.is_none else self.steps()
        return {
            "from": self.settings.strategy,
            "to": self.to,
            "steps": [
                {"text": one.text, "environment": list(one.environment), "python": one.python}
                for one in steps
            ],
            "notices": self.notices() if steps else None,
            "not_carried_over": list(self.not_carried_over()) if steps else [],
            "finished": self.finished() if steps else None,
        }
