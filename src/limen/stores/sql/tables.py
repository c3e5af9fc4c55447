"""The tables, as this version of Limen needs them. All times are in milliseconds.

The migrations build the same tables; a test compares the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine

# The migration that builds exactly these tables.
REVISION: Final = "0005"
VERSION_TABLE: Final = "limen_schema"

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def storable(text: str) -> str:
    """Return a text with what no database can hold replaced."""
    if text.isascii() and "\0" not in text:
        return text
    held = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return held.replace("\0", _REPLACEMENT)


class Words(TypeDecorator[str]):
    """Text that any database can hold, compared by code point.

    PostgreSQL has no NUL and neither database has lone surrogates; a client may send both,
    and must get an answer and not a fault.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        """Return the type of the column; order must not depend on the server's locale."""
        return Text(collation="C") if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace what no database can hold."""
        del dialect
        return None if value is None else storable(value)


# SQLite numbers rows itself only for a column that is called INTEGER.
_Sequence = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

account = Table(
    "limen_account",
    metadata,
    Column("id", Words, primary_key=True),
    Column("email", Words, nullable=False, unique=True),
    Column("email_verified", Boolean, nullable=False),
    Column("name", Words, nullable=False),
    Column("image", Words),
    Column("roles", Words, nullable=False),  # a JSON array, sorted
    Column("disabled", Boolean, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("username", Words),
    Column("display_username", Words),
    Index("uq_limen_account_username", "username", unique=True),
)

# What an account can sign in with. `issuer` and `account_key` name it: the local issuer and
# the account's own id for a password, an identity provider and its subject for others.
credential = Table(
    "limen_credential",
    metadata,
    Column("id", _Sequence, primary_key=True, autoincrement=True),
    Column("account_id", Words, ForeignKey(account.c.id, ondelete="CASCADE"), nullable=False),
    Column("provider", Words, nullable=False),
    Column("issuer", Words, nullable=False),
    Column("account_key", Words, nullable=False),
    Column("password_hash", Words),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("scopes", Words, nullable=False, server_default="[]"),  # a JSON array
    Column("sealed_tokens", LargeBinary),
    UniqueConstraint("issuer", "account_key"),
    Index(None, "account_id"),
)

# No foreign key to the account: Limen also remembers subjects whose accounts live elsewhere.
session = Table(
    "limen_session",
    metadata,
    Column("id", Words, primary_key=True),
    Column("subject", Words, nullable=False),
    Column("strategy", Words, nullable=False),
    Column("authenticated_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("idle", BigInteger, nullable=False),
    Column("methods", Words, nullable=False),  # a JSON array
    Column("address", Words, nullable=False),
    Column("user_agent", Words, nullable=False),
    Column("remembered", Boolean, nullable=False),
    Column("roles", Words, nullable=False),  # a JSON array
    Column("fields", Words, nullable=False, server_default="{}"),  # a JSON object
    Column("bound_to", Words),  # the thumbprint of a key
    Index(None, "subject"),
    Index(None, "expires_at"),
)

# Opaque credentials, by digest: `reference` credentials and the `refresh` tokens of a family.
secret = Table(
    "limen_secret",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("session_id", Words, ForeignKey(session.c.id, ondelete="CASCADE"), nullable=False),
    Column("kind", Words, nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("successor", LargeBinary),
    Column("sealed_successor", LargeBinary),
    Index(None, "session_id"),
)

# AUTOINCREMENT keeps SQLite from giving the number of a purged entry to a new one.
revocation = Table(
    "limen_revocation",
    metadata,
    Column("seq", _Sequence, primary_key=True, autoincrement=True),
    Column("kind", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index(None, "subject"),
    sqlite_autoincrement=True,
)

# Revocations of a store that may forget, such as Redis: no log, and nothing here follows it.
kept = Table(
    "limen_kept",
    metadata,
    Column("number", _Sequence, primary_key=True, autoincrement=True),
    Column("kind", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("sessions_until", BigInteger, nullable=False),
    Index(None, "sessions_until"),
    sqlite_autoincrement=True,
)

key = Table(
    "limen_key",
    metadata,
    Column("id", Words, primary_key=True),
    Column("algorithm", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("public", Words, nullable=False),
    Column("sealed_private", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("moved_at", BigInteger, nullable=False),
)
# The database itself holds that only one key is next and only one signs.
_single = key.c.state.in_(["next", "signing"])
Index(
    "uq_limen_key_state", key.c.state, unique=True, sqlite_where=_single, postgresql_where=_single
)

tally = Table(
    "limen_tally",
    metadata,
    Column("key", Words, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("resets_at", BigInteger, nullable=False),
)

ticket = Table(
    "limen_ticket",
    metadata,
    Column("purpose", Words, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("subject", Words, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("detail", Words),
)

# The audit log. Rows are added and, when they are old enough, deleted; none is ever changed.
audit = Table(
    "limen_audit",
    metadata,
    Column("seq", _Sequence, primary_key=True, autoincrement=True),
    Column("id", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("subject", Words),
    Column("session_id", Words),
    Column("reason", Words),
    Column("actor", Words, nullable=False),
    Column("address", Words, nullable=False),
    Column("user_agent", Words, nullable=False),
    Column("request_id", Words, nullable=False),
    Column("details", Words, nullable=False),  # a JSON object
    Index(None, "subject"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)
