"""The attack matrix: what is tried, and what each strategy is expected to answer.

Numbers are those of the threat model. What a credential does after it was ended is the only
thing in which the strategies differ by design; everything else is refused at once by all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

from limen.audit import AuditKind

STRATEGIES = ("jwt", "session", "hybrid")
STORES = ("sqlite", "postgresql", "redis")


@unique
class Outcome(Enum):
    """What becomes of an attack; the bound is the window that `Guarantees` states."""

    AT_ONCE = "refused from the first request on"
    WITHIN = "refused at once where it was ended, and everywhere from the bound on"
    UNTIL = "accepted until the bound, by design, and refused from there on"


@dataclass(frozen=True, slots=True)
class Without:
    """A strategy that has nothing which could be attacked like this, and why."""

    reason: str


Expected = Outcome | Without
AT_ONCE, WITHIN, UNTIL = Outcome


@dataclass(frozen=True, slots=True)
class Row:
    """One attack in our own words, and what each strategy answers."""

    number: int
    title: str
    jwt: Expected = AT_ONCE
    session: Expected = AT_ONCE
    hybrid: Expected = AT_ONCE
    told: AuditKind | None = None  # what the audit log must say afterwards
    tests: tuple[str, ...] = ()  # what proves it instead, where it is not tried cell by cell

    def of(self, strategy: str) -> Expected:
        """Return what one strategy is expected to answer."""
        found: Expected = getattr(self, strategy)
        return found


def _ended(number: int, title: str, told: AuditKind, without: str | None = None) -> Row:
    """Return the row of an attack with a copy of what was ended; `session` may be `without`."""
    session = AT_ONCE if without is None else Without(without)
    return Row(number, title, jwt=UNTIL, session=session, hybrid=WITHIN, told=told)


def _signed(number: int, title: str, reason: str, told: AuditKind | None = None) -> Row:
    """Return the row of an attack on something that only signed strategies have."""
    return Row(number, title, session=Without(reason), told=told)


def _alike(number: int, title: str, *tests: str) -> Row:
    """Return the row of an attack that tests elsewhere try, alike for every cell."""
    return Row(number, title, tests=tests)


def _nobody(reason: str) -> tuple[Without, Without, Without]:
    return (Without(reason),) * 3


_NO_KEY = "no key signs a session id, so none can be changed, lost or named by it"
_FORGED = (
    "test_forged_doors.py::test_authenticate_refuses_every_case_as_a_value",
    "test_forged_doors.py::test_http_answers_every_case_alike",
)
_ORDERS = ("test_interleavings.py::test_every_order_ends_as_one_after_the_other",)
_HISTORIES = tuple(
    f"test_history_{store}.py::test_nothing_revoked_is_accepted_over_{store}" for store in STORES
)
_NO_REFRESH = "a session id is renewed as it is; there is no refresh token"

ROWS = (
    # -- theft and ending
    _ended(1, "A copy is used after its owner signed out", AuditKind.SIGN_OUT),
    _ended(2, "A copy is used after everything was ended from another device", AuditKind.REVOKED),
    _ended(3, "A copy is used after the password was changed or reset", AuditKind.PASSWORD_CHANGED),
    _ended(
        4, "A copy is used after the account was disabled or deleted", AuditKind.ACCOUNT_DISABLED
    ),
    _ended(5, "A copy made before a role was taken away still claims it", AuditKind.ROLES_CHANGED),
    Row(6, "A bearer copy comes from another address", UNTIL, UNTIL, UNTIL),
    Row(7, "A bound credential is used without its key"),
    Row(8, "A session that nobody uses is kept alive by what only stays open"),
    Row(9, "A session is used without a pause beyond its absolute end"),
    Row(10, "A client keeps a cookie longer than it was told to"),
    Row(11, "Signing out with a wrong cookie, twice, or after the end", told=AuditKind.SIGN_OUT),
    Row(12, "The page of somebody who signed out is brought back from a cache"),
    Row(13, "What the database holds is presented"),
    Row(14, "A backup brings ended sessions back"),
    # -- fixation and binding
    Row(15, "A credential is planted before its victim signs in"),
    Row(16, "A sign-in that another browser began is ended in the victim's"),
    Row(
        17,
        "A sibling domain tosses in a second cookie of the name",
        told=AuditKind.CREDENTIAL_REFUSED,
    ),
    Row(18, "A cookie has a name that only looks like ours"),
    Row(19, "A cookie without the prefix stands beside ours"),
    Row(20, "Nonsense stands where a credential belongs", told=AuditKind.CREDENTIAL_REFUSED),
    Row(21, "Credentials are guessed from what is known of one"),
    Row(22, "Somebody signs in where another has left a session behind"),
    Row(23, "Half a sign-in is used as a whole one", *_nobody("a sign-in is one step")),
    Row(24, "A session of one service is shown to another"),
    # -- what a browser is made to do
    Row(
        25, "A page of another site writes with the victim's cookies", told=AuditKind.ORIGIN_REFUSED
    ),
    Row(
        26,
        "A page of another site signs the victim in as somebody else",
        told=AuditKind.ORIGIN_REFUSED,
    ),
    Row(27, "A page of another site signs the victim out", told=AuditKind.ORIGIN_REFUSED),
    _signed(
        28,
        "A page of another site makes the victim's tokens rotate",
        _NO_REFRESH,
        AuditKind.ORIGIN_REFUSED,
    ),
    Row(29, "A request hides where it comes from, or what it is"),
    Row(30, "A form is sent across sites minutes after the sign-in", told=AuditKind.ORIGIN_REFUSED),
    Row(31, "A page of another site asks to read what it is answered"),
    # An open socket is ended by the log, whatever the credential: no strategy differs.
    Row(32, "A socket is opened from elsewhere, or outlives its sign-in"),
    Row(33, "A page of ours is shown in a frame"),
    Row(34, "A redirect is to lead elsewhere"),
    Row(35, "A cache is made to keep what belongs to one person"),
    Row(36, "A script in the page looks for a token"),
    Row(37, "Cookies crowd out others, or make a request huge"),
    _signed(38, "Claims outgrow a cookie", "the cookie holds an id, which does not grow"),
    # -- refresh
    _ended(
        39,
        "A refresh token that was used up comes again after the grace",
        AuditKind.REFRESH_REPLAYED,
        _NO_REFRESH,
    ),
    _signed(40, "Two tabs refresh at once", _NO_REFRESH),
    _signed(41, "The answer to a refresh is lost, and the client asks again", _NO_REFRESH),
    _signed(42, "A thief refreshes within the grace", _NO_REFRESH, AuditKind.REFRESH_REPLAYED),
    _signed(43, "A refresh asks for more than the sign-in gave", _NO_REFRESH),
    _signed(44, "A refresh token is altered to end somebody else's session", _NO_REFRESH),
    _signed(
        45,
        "A hundred clients refresh with one token and no grace",
        _NO_REFRESH,
        AuditKind.REFRESH_REPLAYED,
    ),
    Row(
        46,
        "One kind of credential stands in the place of another",
        told=AuditKind.CREDENTIAL_REFUSED,
    ),
    # -- keys
    _signed(47, "A key changes while requests are under way", _NO_KEY),
    _signed(48, "A key is taken away while its tokens live", _NO_KEY),
    _signed(49, "A key that leaked is withdrawn", _NO_KEY, AuditKind.KEY_RETIRED),
    Row(50, "The older of two secrets stands first"),
    _alike(
        51,
        "A token, a redirect or a foreign address says where keys are",
        *_FORGED,
        "test_verify_hostile.py::test_a_redirect_is_not_followed",
        "test_verify_hostile.py::test_an_address_that_cannot_be_trusted_is_refused_at_start",
    ),
    _alike(
        52,
        "The address of the keys is gone, lies, drips or floods",
        "test_verify_hostile.py::test_an_answer_of_the_wrong_kind_is_refused_in_time",
        "test_verify_hostile.py"
        "::test_a_hostile_answer_keeps_the_keys_of_before_until_they_are_too_old",
        "test_verify_issuer.py"
        "::test_an_issuer_that_is_gone_is_believed_for_as_long_as_its_keys_may_age",
    ),
    _alike(
        53,
        "Every request invents a key id",
        "test_verify_issuer.py::test_a_flood_of_invented_key_ids_costs_one_fetch",
        "test_forged_doors.py::test_a_second_service_refuses_every_case_and_asks_for_keys_once",
    ),
    _alike(
        54,
        "A key id is a path, a query or huge, or stands twice in a set",
        *_FORGED,
        "test_jws.py"
        "::test_a_set_that_mixes_secrets_with_public_keys_or_repeats_an_id_is_refused_whole",
        "test_verify_hostile.py::test_a_set_that_says_what_it_must_not_is_refused_as_a_whole",
    ),
    _alike(55, "A token has no signature, another's, or one of another kind", *_FORGED),
    Row(56, "A weak secret is configured"),
    # -- parsers and resources
    Row(57, "A credential is huge, deep, or full of odd numbers"),
    _alike(58, "A token unpacks to more than it is", *_FORGED),
    _alike(59, "Two readers read a token differently", *_FORGED),
    _alike(60, "A token lives too long, or begins in the future", *_FORGED),
    Row(61, "Passwords are huge, and many sign in at once"),
    Row(62, "Strangers fill the store"),
    Row(63, "A header comes twice, or crooked"),
    Row(64, "One request carries the credentials of two people"),
    Row(65, "The name of the host is forged"),
    Row(66, "An address is forged, or changed within its network"),
    # -- guessing
    Row(67, "The work that an answer takes tells who has an account"),
    Row(68, "The words of an answer tell who has an account"),
    _alike(
        69,
        "One password is tried on many accounts, from many addresses",
        "test_spraying.py::test_a_password_that_fails_on_many_accounts_is_refused_from_strangers",
    ),
    _alike(
        70,
        "Many passwords are tried on one account, or its owner is to be locked out",
        "test_known_devices.py::test_strangers_do_not_lock_the_owner_out",
        "test_failures_in_a_row.py::test_after_so_many_only_a_known_device_may_go_on",
    ),
    Row(71, "Many guess at once to outrun the count"),
    Row(72, "A mailed link is guessed, or used by many at once", told=AuditKind.PASSWORD_RESET),
    _ended(
        73,
        "An account was opened in wait for the owner of its address",
        AuditKind.PASSWORD_RESET,
    ),
    # -- time
    Row(74, "The clocks of two machines differ"),
    Row(75, "A clock is turned back"),
    Row(76, "A clock leaps ahead and back"),
    _alike(77, "A date is in milliseconds, or beyond what a reader holds", *_FORGED),
    # -- races and faults
    _alike(78, "A revocation meets a request under way", *_ORDERS, *_HISTORIES),
    _alike(79, "A revocation meets a refresh", *_ORDERS, *_HISTORIES),
    _alike(
        80,
        "A sign-in meets the end of its account",
        *_ORDERS,
        "test_redis_accounts.py"
        "::test_a_sign_in_that_read_the_account_before_a_disable_comes_too_late",
    ),
    _alike(81, "A use is written down while the session ends", *_ORDERS),
    _alike(
        82,
        "A cache is filled with what has just ended",
        *_ORDERS,
        "test_near_sessions.py::test_many_threads_accept_nothing_after_revoke_has_returned",
        "test_verified.py::test_a_revocation_elsewhere_is_heard_by_whoever_knows_the_credential",
    ),
    Row(83, "What is read is older than what was written"),
    Row(84, "The store is away"),
    _alike(
        85,
        "Redis has forgotten, or remembers what was ended since",
        "test_redis_recovery.py::test_a_flush_loses_sessions_and_no_revocation",
        "test_redis_recovery.py::test_an_old_snapshot_brings_nothing_back_and_signs_nobody_out",
        "test_redis_failover.py::test_a_promoted_replica_that_lacks_the_last_moments_is_told",
        "test_redis_faults.py::test_a_server_without_memory_takes_nobody_in_and_still_puts_out",
    ),
    Row(86, "The counters are away"),
    Row(87, "A process ends and another takes its place"),
    _alike(
        88,
        "Two versions run at once",
        "test_rolling_upgrade.py::test_old_and_new_serve_one_database_while_its_tables_move_on",
        "test_migrations.py::test_a_process_of_an_older_version_goes_on_writing",
        "test_redis_removals.py::test_what_is_kept_of_a_session_is_what_an_older_process_reads",
    ),
    Row(89, "The strategy changes while people are signed in"),
    Row(90, "A row in the store was tampered with", told=AuditKind.SESSION_UNREADABLE),
    _alike(
        91,
        "A credential is looked for in what was logged, traced or told",
        "test_canary.py::test_no_event_log_line_or_repr_shows_a_secret",
        "test_wire_faults.py::test_no_secret_reaches_the_log",
    ),
    Row(92, "Somebody acts as somebody else", *_nobody("nobody can act as somebody else")),
    Row(93, "A front end is walked around"),
)
BY_NUMBER = {row.number: row for row in ROWS}
