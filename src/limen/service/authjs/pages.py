"""Plain pages for people: they work without a script, and a page of your own replaces each."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from limen.service.answer import Answer
from limen.service.authjs.call import NO_CACHE
from limen.service.plain_page import alert, page
from limen.transports.origin import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limen.service.authjs.call import Call
    from limen.service.authjs.providers import Door

# What the sign-in page says of each code; anything else gets the last one.
_REASONS: Final = {
    "CredentialsSignin": "The e-mail address or the password is not right.",
    "SessionRequired": "Please sign in to see this page.",
    "OAuthAccountNotLinked": "This address belongs to an account that you sign in to in "
    "another way. Sign in that way first.",
    "AccountNotLinked": "This address belongs to an account that you sign in to in another way.",
    "MissingCSRF": "This page was open for too long, or cookies are blocked. Please try again.",
    "OAuthCallbackError": "The sign-in was not completed. Please try again.",
    "OAuthSignin": "The sign-in could not be started. Please try again.",
    "OAuthCallback": "The sign-in was not completed. Please try again.",
}
_TRY_AGAIN: Final = "The sign-in did not work. Please try again."
# What the second word of a failure adds.
_DETAILS: Final = {
    "too_many_requests": "There were too many tries. Please wait a little.",
    "email_unverified": "Please open the link that was mailed to you first.",
}
_OTHER_CODES: Final = frozenset(
    {"Signin", "OAuthCreateAccount", "EmailCreateAccount", "Callback", "EmailSignin"}
)
# Codes that version 4 shows on the sign-in page rather than on the error page.
_SIGN_IN_CODES: Final = _OTHER_CODES | _REASONS.keys()
_FAULTS: Final = {
    "configuration": (500, "Sign-in is not set up as it should be."),
    "accessdenied": (403, "You may not sign in here."),
    "verification": (403, "This link was used already or is too old."),
}
_CREDENTIALS_FORM: Final = """<form method="post" action="{action}">
{hidden}
<label for="email">Email</label>
<input id="email" name="email" type="email" autocomplete="username" required>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button type="submit">Sign in with {name}</button>
</form>"""
_BUTTON_FORM: Final = """<form method="post" action="{action}">
{hidden}
<button type="submit">{label}</button>
</form>"""


def sign_in(call: Call, doors: Iterable[Door]) -> Answer:
    """Show every way to sign in, or lead to the application's own page."""
    error, target = call.asked("error"), call.target()
    own = call.settings.sign_in_page
    if own is not None:
        named = {"callbackUrl": target, **({"error": error} if error else {})}
        return _leads(call.page("signin", own, **named))
    hidden, forms, elsewhere = _hidden(call, target), [], False
    for door in doors:
        name = html.escape(door.name)
        if door.type == "credentials":
            action = html.escape(f"{call.base}/callback/{door.id}")
            forms.append(_CREDENTIALS_FORM.format(action=action, hidden=hidden, name=name))
        else:
            elsewhere = True
            action = html.escape(f"{call.base}/signin/{door.id}")
            label = f"Sign in with {name}"
            forms.append(_BUTTON_FORM.format(action=action, hidden=hidden, label=label))
    content = alert(_reason(error, call.asked("code"))) if error else ""
    content += "\n".join(forms) or "<p>There is no way to sign in here.</p>"
    return _page(call, "Sign in", content, target=target, elsewhere=elsewhere)


def sign_out(call: Call) -> Answer:
    """Ask whether to sign out: a link alone must not do it."""
    target = call.target()
    if call.settings.sign_out_page is not None:
        return _leads(call.page("signout", call.settings.sign_out_page))
    action = html.escape(f"{call.base}/signout")
    form = _BUTTON_FORM.format(action=action, hidden=_hidden(call, target), label="Sign out")
    content = f"<p>Do you want to sign out?</p>{form}"
    return _page(call, "Sign out", content, target=target)


def error(call: Call) -> Answer:
    """Show that something failed, or lead to the page that says so."""
    code = call.asked("error")
    if call.is_next_auth and code in _SIGN_IN_CODES:
        return _leads(call.page("signin", None, error=code))
    own = call.settings.error_page
    if own is not None:
        return _leads(call.page("error", own, **({"error": code} if code else {})))
    status, words = _FAULTS.get(code.lower(), (200, _TRY_AGAIN))
    again = html.escape(call.page("signin", call.settings.sign_in_page))
    content = f'{alert(words)}<p><a href="{again}">Sign in</a></p>'
    return _page(call, "Sign-in error", content, status=status)


def verify_request(call: Call) -> Answer:
    """Say that a letter is on its way."""
    own = call.settings.verify_page
    if own is not None:
        query = {name: value for name, value in call.query.items() if isinstance(value, str)}
        return _leads(call.page("verify-request", own, **query))
    return _page(call, "Check your e-mail", "<p>A link to sign in is on its way to you.</p>")


def _reason(code: str, detail: str) -> str:
    return _DETAILS.get(detail) or _REASONS.get(code, _TRY_AGAIN)


def _hidden(call: Call, target: str) -> str:
    fields = {"csrfToken": call.csrf_token(), "callbackUrl": target}
    return "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
        for name, value in fields.items()
    )


def _leads(url: str) -> Answer:
    return Answer(302, headers=(("Location", url), *NO_CACHE))


def _page(
    call: Call,
    title: str,
    content: str,
    *,
    status: int = 200,
    target: str | None = None,
    elsewhere: bool = False,
) -> Answer:
    forms = _form_targets(call, target, elsewhere=elsewhere)
    return page(title, content, status=status, forms=forms, headers=NO_CACHE)


def _form_targets(call: Call, target: str | None, *, elsewhere: bool) -> str:
    """Return where a form may lead: browsers hold its redirects to this as well."""
    places = ["'self'"]
    goal = origin_of(target) if target else None
    if goal is not None and goal != call.origin:
        places.append(goal)
    if elsewhere:  # a provider's address is known only when its form is sent
        places += ["https:"] if call.secure else ["https:", "http:"]
    return " ".join(places)
