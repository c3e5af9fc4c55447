"""Answers that say one thing: what is missing, closed or broken; and the way in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, RedirectResponse, Response

from limen.lab.pages import notice_page

if TYPE_CHECKING:
    from limen.lab.admission import Admission


def notice(title: str, text: str, status: int) -> Response:
    """Return a page that says one thing."""
    return HTMLResponse(notice_page(title, text), status)


def launched(admission: Admission, code: str) -> Response:
    """Exchange the launch code, once, and take it off the address."""
    session = admission.launch(code)
    if session is None:
        return closed()
    response = RedirectResponse("/", 303)
    # Plain http on the loopback, so not Secure; gone when the browser closes.
    response.set_cookie(admission.cookie, session, path="/", httponly=True, samesite="strict")
    return response


def closed() -> Response:
    """Return what whoever has no session is told."""
    text = "Open the address that the Lab printed. It works once; start the Lab again for more."
    return notice("The Lab is closed to you", text, 403)


def failed() -> Response:
    """Return what is told of a fault of the Lab: nothing of it."""
    return notice("That did not work", "The reason is where the Lab was started.", 500)


def missing() -> Response:
    """Return what is told of a run that there is none of."""
    return notice(
        "Not here", "There is no such run or scenario, or the run was forgotten since.", 404
    )
