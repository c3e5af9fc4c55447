"""What the letters say. Nothing in them was written by whoever asked for them but the address.

A name or a text of somebody's choice would let anybody send theirs in this service's name.
"""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from limen.letter import Errand, Letter

if TYPE_CHECKING:
    from limen.principal import Client

EXISTS: Final = "account-exists"
PASSWORD_CHANGED: Final = "password-changed"  # noqa: S105 - a name
EMAIL_CHANGED: Final = "email-changed"
IDENTITY_ADDED: Final = "identity-added"
PASSWORD_LOCKED: Final = "password-locked"  # noqa: S105 - a name
NEW_DEVICE: Final = "new-device"

_LINKS: Final = {
    Errand.RESET_PASSWORD: (
        "Choose a new password",
        "Somebody asked for a new password for your account. To choose one, open",
        "If that was not you, you need not do anything: your password stays as it is.",
    ),
    Errand.VERIFY_EMAIL: (
        "Confirm your e-mail address",
        "An account was opened with this e-mail address. To confirm that it is yours, open",
        "If you opened no account, do not open the link; nobody can use it without you.",
    ),
    Errand.CONFIRM_CHANGE: (
        "Confirm your new e-mail address",
        (
            "Somebody who is signed in to your account wants another e-mail address for it. "
            "To allow that, open"
        ),
        (
            "If that was not you, do not open the link, change your password and end the sessions "
            "that you do not know."
        ),
    ),
    Errand.VERIFY_NEW: (
        "Confirm your new e-mail address",
        "An account is to have this e-mail address from now on. To confirm that it is yours, open",
        "If you know nothing of it, do not open the link; then nothing changes.",
    ),
    Errand.DELETE_ACCOUNT: (
        "Delete your account",
        (
            "Somebody who is signed in to your account wants to delete it. To delete it for good, "
            "open, in the browser that is signed in,"
        ),
        (
            "If that was not you, do not open the link, change your password and end the sessions "
            "that you do not know."
        ),
    ),
}
_NOTICES: Final = {
    EXISTS: (
        "You have an account already",
        (
            "Somebody wanted to open an account with your e-mail address, and there is one. If it "
            "was you, sign in; if you do not know the password, ask for a new one there.\n\n"
            "If it was not you, you need not do anything."
        ),
    ),
    PASSWORD_CHANGED: (
        "Your password was changed",
        (
            "The password of your account was changed just now.\n\n"
            "If that was not you, ask for a new one on the sign-in page at once."
        ),
    ),
    PASSWORD_LOCKED: (
        "Your password was tried too often",
        (
            "Somebody tried a wrong password for your account so many times in a row that it "
            "cannot be used from a new device any more. Where you have signed in before, you can "
            "go on.\n\n"
            "Anywhere else, ask for a new password on the sign-in page."
        ),
    ),
    EMAIL_CHANGED: (
        "Your e-mail address was changed",
        (
            "Your account has another e-mail address from now on, and letters go there.\n\n"
            "If that was not you, get in touch with whoever runs the service."
        ),
    ),
    IDENTITY_ADDED: (
        "Another way to sign in to your account",
        (
            "From now on an account at another service signs in to yours.\n\n"
            "If that was not you, sign in, remove it, change your password and end the sessions "
            "that you do not know."
        ),
    ),
}

# In this order: a browser names those that it is like, and names itself first or last.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
_SYSTEMS: Final = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def letter_with_link(errand: Errand, to: str, link: str, lifetime: int) -> Letter:
    """Return the letter with a link that works once for `lifetime` milliseconds."""
    subject, beginning, end = _LINKS[errand]
    text = f"{beginning}\n\n{link}\n\nThe link works once and for {_spoken(lifetime)}.\n\n{end}\n"
    return Letter(to, errand.value, subject, text, link)


def notice(purpose: str, to: str) -> Letter:
    """Return a letter that only tells something."""
    subject, text = _NOTICES[purpose]
    return Letter(to, purpose, subject, f"{text}\n")


def new_device(to: str, at: int, client: Client) -> Letter:
    """Return the letter about a sign-in from a browser that was not seen before.

    Of what the client says of itself only known words are repeated.
    """
    when = f"{datetime.fromtimestamp(at // 1000, UTC):%Y-%m-%d %H:%M} UTC"
    text = (
        "Somebody signed in to your account from a device that was not used for it before.\n\n"
        f"    when   {when}\n    where  {_place(client.address)}\n"
        f"    with   {_program(client.user_agent)}\n\n"
        "If that was you, you need not do anything. If it was not, choose another password and "
        "end the sessions that you do not know.\n"
    )
    return Letter(to, NEW_DEVICE, "A new sign-in to your account", text)


def _place(address: str) -> str:
    try:
        return f"address {ip_address(address)}"
    except ValueError:
        return "an unknown address"


def _program(user_agent: str) -> str:
    browser = next((name for word, name in _BROWSERS if word in user_agent), None)
    system = next((name for word, name in _SYSTEMS if word in user_agent), None)
    if browser is None:
        return "an unknown program" if system is None else f"a program on {system}"
    return browser if system is None else f"{browser} on {system}"


def _spoken(milliseconds: int) -> str:
    minutes = max(1, milliseconds // 60_000)
    for size, unit in ((1_440, "day"), (60, "hour")):
        if minutes % size == 0:
            count = minutes // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"
