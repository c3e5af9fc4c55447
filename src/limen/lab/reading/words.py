"""The authored text of the Lab: names and explanations. No value that could be measured."""

from __future__ import annotations

from collections.abc import Mapping

from limen.guarantees import Format, RevocationCheck
from limen.phase import Phase

# What happens, and why it is done or what it means.
PHASES: Mapping[Phase, tuple[str, str]] = {
    Phase.LOGIN_RECEIVE: (
        "Receive the sign-in request",
        "Neither the passphrase nor its length is recorded.",
    ),
    Phase.LOGIN_RATE_LIMIT: (
        "Spend one attempt of the account's budget",
        "Counted before the password is looked at, so guessing is slow for everybody.",
    ),
    Phase.USER_LOOKUP: (
        "Look the account up",
        "An unknown address goes on to the next step as well, so that both look alike.",
    ),
    Phase.PASSWORD_VERIFY: (
        "Verify the password against its hash",
        "Slow on purpose. It has nothing to do with the strategy.",
    ),
    Phase.PRELOGIN_DISCARD: (
        "End what the browser held before",
        "A credential that was planted before the login must not become Alice's.",
    ),
    Phase.CREDENTIAL_ISSUE: (
        "Make the credential",
        "A signed token can be read by anyone and changed by no one; a session id says nothing.",
    ),
    Phase.LOGIN_RESPOND: (
        "Answer the sign-in",
        "HttpOnly keeps the cookie from scripts. The values are not recorded.",
    ),
    Phase.CLIENT_STORE: (
        "Keep the credential in the client",
        "Where it is kept decides what a malicious script could take.",
    ),
    Phase.CLIENT_ATTACH: (
        "Attach the credential to the request",
        "A browser attaches cookies by rule, whoever caused the request.",
    ),
    Phase.CSRF_CHECK: (
        "Check which page the request came from",
        "Because cookies attach themselves, an unsafe request must name a trusted origin.",
    ),
    Phase.CREDENTIAL_EXTRACT: (
        "Extract the credential from the request",
        "Extracted, not yet believed.",
    ),
    Phase.CREDENTIAL_VALIDATE: (
        "Validate the credential",
        "A signature proves that we issued it, not that we still mean it. A row is there or not.",
    ),
    Phase.REVOCATION_CHECK: (
        "Ask whether it was revoked",
        "This is the second choice: nothing, this process's copy of the log, or the store.",
    ),
    Phase.PRINCIPAL_LOAD: (
        "Load who the request acts for",
        "Claims are as old as the token; a row is as new as the read.",
    ),
    Phase.AUTHZ_DECIDE: (
        "Decide whether they may",
        "A valid credential is not a permission. The same code for every strategy.",
    ),
    Phase.RESOURCE_RESPOND: (
        "Answer the request",
        "The client learns the status; the reason stays on the server.",
    ),
    Phase.REFRESH: (
        "Renew the credential",
        "A refresh token is looked up, so ending its family ends it at once.",
    ),
    Phase.LOGOUT_REQUEST: (
        "Receive the sign-out request",
        "Deleting a cookie in the browser alone would tell the server nothing.",
    ),
    Phase.CREDENTIAL_REVOKE: (
        "Revoke on the server",
        "Rows can be deleted; a signed token that is out there cannot.",
    ),
    Phase.CLIENT_FORGET: (
        "Forget the credential in the client",
        "This drops one copy. Other copies are not affected.",
    ),
    Phase.REPLAY_BY_THIEF: (
        "Replay the copy",
        "The test of every ending: does a copy that was made before it still work?",
    ),
}

FORMATS: Mapping[Format, str] = {
    Format.SIGNED: "a signed token, self-contained",
    Format.REFERENCE: "a random id, looked up",
}
CHECKS: Mapping[RevocationCheck, str] = {
    RevocationCheck.EXPIRY: "nothing, until it expires",
    RevocationCheck.FEED: "the feed, this process's copy of the revocation log",
    RevocationCheck.STORE: "the store",
}
