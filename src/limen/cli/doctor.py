"""`limen doctor`: what is wrong, unwise or worth knowing, each with its remedy."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from limen.cli import cookie_checks, mail, redis_checks
from limen.cli.configuration import Configuration, Overrides, gather, stray_variables
from limen.cli.examples import example
from limen.cli.faults import UNAVAILABLE_REMEDY, ExitCode
from limen.cli.findings import Finding, Severity, Unchecked, found_wrong
from limen.cli.opening import ConfigOption, DatabaseOption, JsonOption, overrides_of
from limen.cli.output import emit, say
from limen.cli.provider_checks import look_at_providers
from limen.cli.settings_checks import SETTINGS_CHECKS
from limen.cli.store_checks import STORE_CHECKS, look
from limen.cli.variables import NEVER_SHOWN
from limen.errors import ConfigurationError, StoreUnavailable
from limen.sealing import Secrets
from limen.transports.origin import OriginRule

if TYPE_CHECKING:
    from limen.settings import Settings

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


@dataclass(slots=True)
class Diagnosis:
    """What was found, and what could not be looked at."""

    findings: list[Finding] = field(default_factory=list)
    unchecked: list[Unchecked] = field(default_factory=list)

    def count(self, severity: Severity) -> int:
        """Return how many findings have a severity."""
        return sum(one.severity is severity for one in self.findings)


def register(app: typer.Typer) -> None:
    """Add the command."""
    epilog = example(
        "limen doctor",
        "limen doctor --json",
        "limen doctor --origin https://app.example --api https://api.example",
    )
    app.command("doctor", epilog=epilog)(doctor)


def doctor(
    ctx: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    origin: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Where the page is whose cookie is missing.", show_default=False
        ),
    ] = None,
    api: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where the browser asks the service.", show_default=False),
    ] = None,
) -> None:
    """Check settings, secret, database, Redis, keys, clock and the mail server.

    Each finding is one sentence with its remedy. Nothing is changed. Exits with 1 if
    there is an error; warnings and notes are for you to weigh.

    With --origin and --api it answers one question instead: why is the cookie missing? The
    service at --api is asked as a browser would ask it, and signs nobody in.
    """
    if (origin is None) is not (api is None):
        raise typer.BadParameter("--origin and --api belong together.")
    overrides = overrides_of(ctx, config, database)
    diagnosis = Diagnosis()
    if origin is not None and api is not None:
        _look_for_cookie(overrides, origin, api, diagnosis)
    else:
        diagnosis = diagnose(overrides)
    if as_json:
        emit(
            {
                "errors": diagnosis.count(Severity.ERROR),
                "findings": [asdict(finding) for finding in diagnosis.findings],
                "unchecked": [asdict(one) for one in diagnosis.unchecked],
            }
        )
    else:
        _show(diagnosis)
    if diagnosis.count(Severity.ERROR):
        raise typer.Exit(ExitCode.FAILED)


def _look_for_cookie(overrides: Overrides, origin: str, api: str, diagnosis: Diagnosis) -> None:
    configuration, faults = gather(overrides)
    settings = None
    if faults:
        reason = "those found here are not valid; `limen doctor` alone says what is wrong."
        diagnosis.unchecked.append(Unchecked("settings", reason))
    elif not configuration.values:
        reason = "no LIMEN_… and no limen.toml found here."
        diagnosis.unchecked.append(Unchecked("settings", reason))
    else:
        settings = _settings(configuration, diagnosis)
    for one in cookie_checks.look(origin, api, settings):
        if isinstance(one, Finding):
            diagnosis.findings.append(one)
        else:
            diagnosis.unchecked.append(one)


def diagnose(overrides: Overrides) -> Diagnosis:
    """Run every check; what keeps one from running is in `unchecked`."""
    diagnosis = Diagnosis()
    configuration, faults = gather(overrides)
    diagnosis.findings += map(found_wrong, faults)
    diagnosis.findings += _surroundings(configuration)
    settings = _settings(configuration, diagnosis)
    secrets = _secrets(configuration, diagnosis)
    if settings is None:
        diagnosis.unchecked.append(
            Unchecked("settings", "what they mean together is unknown until they are valid.")
        )
    else:
        for settings_check in SETTINGS_CHECKS:
            diagnosis.findings += settings_check(settings)
        _look_at_mail(settings, diagnosis)
        for seen in look_at_providers(settings):
            kept = diagnosis.findings if isinstance(seen, Finding) else diagnosis.unchecked
            kept.append(seen)  # type: ignore[arg-type]  # each list has its own kind
    _look_at_database(configuration, secrets, diagnosis)
    _look_at_redis(configuration, diagnosis)
    diagnosis.unchecked.append(
        Unchecked("proxy", "whether TLS ends in front of the service cannot be seen from here.")
    )
    order = list(Severity)
    diagnosis.findings.sort(key=lambda finding: order.index(finding.severity))
    return diagnosis


def _surroundings(configuration: Configuration) -> Iterator[Finding]:
    for name, meant in stray_variables(os.environ):
        remedy = f"Did you mean {meant}?" if meant else "See `limen settings` for the names."
        yield Finding(Severity.WARNING, name, "is set and means nothing to Limen.", remedy)
    file = configuration.file
    from_file = {
        name for name, origin in configuration.origins.items() if origin.startswith("file")
    }
    if file is not None and from_file & {*NEVER_SHOWN, "providers"} and os.name == "posix":
        mode = file.stat().st_mode
        if mode & (stat.S_IRGRP | stat.S_IROTH):
            yield Finding(
                Severity.WARNING,
                str(file),
                "holds secrets, and other users of this machine can read it.",
                f"Run: chmod 600 {file}",
            )


def _settings(configuration: Configuration, diagnosis: Diagnosis) -> Settings | None:
    try:
        settings = configuration.settings()
        OriginRule(settings.base_url, settings.trusted_origins)
        settings.token_policy()
    except ConfigurationError as fault:
        diagnosis.findings.append(found_wrong(fault))
        return None
    return settings


def _secrets(configuration: Configuration, diagnosis: Diagnosis) -> Secrets | None:
    values = configuration.values
    try:
        return Secrets.of(values.get("secrets", values.get("secret")))
    except ConfigurationError as fault:
        diagnosis.findings.append(found_wrong(fault))
        return None


def _look_at_database(
    configuration: Configuration, secrets: Secrets | None, diagnosis: Diagnosis
) -> None:
    url = configuration.database
    if url is None:
        diagnosis.unchecked.append(Unchecked("database", "none is set."))
        return
    try:
        seen = look(url, secrets)
    except ConfigurationError as fault:
        diagnosis.findings.append(found_wrong(fault))
        diagnosis.unchecked.append(Unchecked("database", "its URL cannot be used."))
        return
    except StoreUnavailable as fault:
        diagnosis.findings.append(
            Finding(Severity.ERROR, "database", f"cannot be used: {fault}.", UNAVAILABLE_REMEDY)
        )
        diagnosis.unchecked.append(Unchecked("keys", "the database did not answer."))
        return
    for store_check in STORE_CHECKS:
        diagnosis.findings += store_check(seen)
    if seen.keys is None:
        diagnosis.unchecked.append(Unchecked("keys", "the database has not the right tables."))
    elif seen.keys and secrets is None:
        diagnosis.unchecked.append(Unchecked("keys", "without the secret they stay closed."))
    if seen.condition.time is None:
        diagnosis.unchecked.append(
            Unchecked("clock", "SQLite has no clock of its own to compare with.")
        )


def _look_at_redis(configuration: Configuration, diagnosis: Diagnosis) -> None:
    url = configuration.values.get("redis")
    if url is None:
        return
    try:
        seen = redis_checks.look(url)
    except ConfigurationError as fault:
        diagnosis.findings.append(found_wrong(fault))
        diagnosis.unchecked.append(Unchecked("redis", "its URL cannot be used."))
        return
    except StoreUnavailable as fault:
        remedy = "Check that the server in LIMEN_REDIS runs and lets this user in."
        finding = Finding(Severity.ERROR, "redis", f"cannot be used: {fault}.", remedy)
        diagnosis.findings.append(finding)
        return
    for redis_check in redis_checks.REDIS_CHECKS:
        diagnosis.findings += redis_check(seen)


def _look_at_mail(settings: Settings, diagnosis: Diagnosis) -> None:
    if settings.smtp is None:
        return
    try:
        fault = mail.fault_of(settings)
    except ConfigurationError as wrong:
        diagnosis.findings.append(found_wrong(wrong))
        return
    if fault is not None:
        remedy = "Check that the server in LIMEN_SMTP runs, and its port, TLS and password."
        sentence = f"cannot be used: {fault}."
        diagnosis.findings.append(Finding(Severity.ERROR, "smtp", sentence, remedy))
        return
    diagnosis.unchecked.append(
        Unchecked(
            "mail",
            "whether letters arrive, and not as spam (SPF, DKIM, DMARC), is seen only by sending "
            "one: limen mail test ADDRESS.",
        )
    )


def _show(diagnosis: Diagnosis) -> None:
    for finding in diagnosis.findings:
        say(
            f"{finding.severity:<8} {finding.subject}: {finding.sentence}",
            style=STYLES[finding.severity],
        )
        say(f"{'':8} {finding.remedy}")
    for one in diagnosis.unchecked:
        say(f"not checked: {one.subject}: {one.reason}", style="dim")
    counts = ", ".join(f"{severity}s: {diagnosis.count(severity)}" for severity in Severity)
    say(f"{counts}.", style="bold")
