"""The vocabulary of steps, shared by traces, documentation, audit and the Lab."""

from __future__ import annotations

from enum import StrEnum, unique


@unique
class Phase(StrEnum):
    """The 21 steps from a login to the replay of a stolen credential, in order."""

    LOGIN_RECEIVE = "login.receive"
    LOGIN_RATE_LIMIT = "login.rate_limit"
    USER_LOOKUP = "user.lookup"
    PASSWORD_VERIFY = "password.verify"
    PRELOGIN_DISCARD = "prelogin.discard"
    CREDENTIAL_ISSUE = "credential.issue"
    LOGIN_RESPOND = "login.respond"
    CLIENT_STORE = "client.store"
    CLIENT_ATTACH = "client.attach"
    CSRF_CHECK = "csrf.check"
    CREDENTIAL_EXTRACT = "credential.extract"
    CREDENTIAL_VALIDATE = "credential.validate"
    REVOCATION_CHECK = "revocation.check"
    PRINCIPAL_LOAD = "principal.load"
    AUTHZ_DECIDE = "authz.decide"
    RESOURCE_RESPOND = "resource.respond"
    REFRESH = "refresh"
    LOGOUT_REQUEST = "logout.request"
    CREDENTIAL_REVOKE = "credential.revoke"
    CLIENT_FORGET = "client.forget"
    REPLAY_BY_THIEF = "replay.by_thief"
