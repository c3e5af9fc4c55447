"""What a feed says to the questions of a flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.errors import StoreUnavailable
from limen.revocation import Coverage

if TYPE_CHECKING:
    from limen.effects import AskFeed
    from limen.ports import View
    from limen.revocation import Position


def coverage(feed: View | None, question: AskFeed) -> Coverage:
    """Say whether the log refuses a credential, or that the view is too old to know.

    A revocation that is known is final, however old the view. Raises `StoreUnavailable` for
    a log that went back: the store has forgotten as well, so nobody can say.
    """
    if feed is None:
        return Coverage.STALE
    fresh = feed.is_fresh()
    if feed.view.covers(question.session_id, question.subject, question.key_id, question.issued_at):
        return Coverage.COVERED
    if feed.went_back:
        raise _went_back()
    return Coverage.CLEAR if fresh else Coverage.STALE


def position(feed: View | None) -> Position | None:
    """Say how far the view has read; `None` if it is not fresh. Raises as `coverage` does."""
    if feed is None or not feed.is_fresh():
        return None
    if feed.went_back:
        raise _went_back()
    return feed.view.position


def _went_back() -> StoreUnavailable:
    return StoreUnavailable("the revocation log went back; run: limen restored")
