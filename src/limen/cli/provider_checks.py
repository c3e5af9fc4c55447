"""What `limen doctor` looks at of identity providers: do they answer, and where do they lead."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from limen.cli.findings import Finding, Severity, Unchecked
from limen.clock import SystemClock
from limen.errors import ConfigurationError
from limen.provider import checked_providers
from limen.transports.origin import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limen.provider import Provider
    from limen.settings import Settings

TIMEOUT_S = 5.0  # for each provider


def look_at_providers(settings: Settings) -> Iterator[Finding | Unchecked]:
    """Ask every provider for its metadata, and say what is to be registered there."""
    providers = checked_providers(settings.providers)
    origin = None if settings.base_url is None else origin_of(settings.base_url)
    for provider in providers:
        subject = f"providers.{provider.id}"
        path = f"{settings.base_path}/callback/{provider.id}"
        if origin is None:
            yield Finding(
                Severity.WARNING,
                subject,
                f"its redirect URI is whatever host a request names, with {path}.",
                "Set base_url, and register that address with this path at the provider.",
            )
        else:
            yield Finding(
                Severity.NOTE,
                subject,
                f"its redirect URI is {origin}{path}",
                "Register it at the provider, to the letter.",
            )
        yield from _answers(subject, provider)


def _answers(subject: str, provider: Provider) -> Iterator[Finding | Unchecked]:
    if provider.metadata_url is None:
        yield Unchecked(subject, "it publishes no metadata that could be read.")
        return
    try:
        problem = _problem_of(provider)
    except ImportError:
        yield Finding(
            Severity.ERROR, subject, "needs packages that are missing.", "Install limen[social]."
        )
        return
    except ConfigurationError as fault:
        yield Finding(Severity.ERROR, subject, fault.problem, fault.remedy)
        return
    if problem is not None:
        yield Finding(
            Severity.ERROR,
            subject,
            f"cannot be used: {problem}.",
            "Check its issuer, and whether this machine reaches it.",
        )


def _problem_of(provider: Provider) -> str | None:
    """Return why a provider cannot be used, `None` if its metadata and keys are in order."""
    # Imported here: whoever has no provider needs no extra.
    from limen.social.apple import signing_key  # noqa: PLC0415
    from limen.social.discovery import Directory  # noqa: PLC0415
    from limen.social.failure import SocialFailure  # noqa: PLC0415
    from limen.social.outbound import outbound  # noqa: PLC0415

    if provider.apple_key is not None:
        signing_key(provider, provider.apple_key)

    async def ask() -> None:
        directory = Directory(SystemClock())
        async with outbound(TIMEOUT_S) as out:
            metadata = await directory.metadata(provider, out)
            await directory.keys(provider, metadata, out)

    try:
        asyncio.run(ask())
    except SocialFailure as failure:
        return failure.cause
    return None
