"""What a feed says to the questions of a flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.revocation import Coverage

if TYPE_CHECKING:
    from limen.effects import AskFeed
    from limen.ports import View
    from limen.revocation import Position


def coverage(feed: View | None, question: AskFeed) -> Coverage:
    """Say whether the log refuses a credential, or that the view is too old to know.

    A revocation that is known is final, however old the view.
    """
    if feed is None:
        return Coverage.STALE
    fresh = feed.is_fresh()
    if feed.view.covers(question.session_id, question.subject, question.key_id, question.issued_at):
        return Coverage.COVERED
    return Coverage.CLEAR if fresh else Coverage.STALE


def position(feed: View | None) -> Position | None:
    """Say how far the view has read; `None` if it is not fresh."""
    return feed.view.position if feed is not None and feed.is_fresh() else None
