"""Accounts, sessions, the revocation log, keys, counters and tickets."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None
branch_labels: Final = None
depends_on: Final = None


def _words() -> sa.types.TypeEngine[str]:
    """Return text that is compared by code point, whatever the server's locale."""
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _sequence() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Build the first tables."""
    _accounts()
    _sessions()
    _log()
    _keys()
    _counters()


def _accounts() -> None:
    op.create_table(
        "limen_account",
        sa.Column("id", _words(), nullable=False),
        sa.Column("email", _words(), nullable=False),
        sa.Column("email_verified", sa.Boolean(), nullable=False),
        sa.Column("name", _words(), nullable=False),
        sa.Column("image", _words()),
        sa.Column("roles", _words(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_limen_account"),
        sa.UniqueConstraint("email", name="uq_limen_account_email"),
    )
    op.create_table(
        "limen_credential",
        sa.Column("id", _sequence(), autoincrement=True, nullable=False),
        sa.Column("account_id", _words(), nullable=False),
        sa.Column("provider", _words(), nullable=False),
        sa.Column("issuer", _words(), nullable=False),
        sa.Column("account_key", _words(), nullable=False),
        sa.Column("password_hash", _words()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_limen_credential"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["limen_account.id"],
            name="fk_limen_credential_account_id",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("issuer", "account_key", name="uq_limen_credential_issuer_account_key"),
    )
    op.create_index("ix_limen_credential_account_id", "limen_credential", ["account_id"])


def _sessions() -> None:
    op.create_table(
        "limen_session",
        sa.Column("id", _words(), nullable=False),
        sa.Column("subject", _words(), nullable=False),
        sa.Column("strategy", _words(), nullable=False),
        sa.Column("authenticated_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("idle", sa.BigInteger(), nullable=False),
        sa.Column("methods", _words(), nullable=False),
        sa.Column("address", _words(), nullable=False),
        sa.Column("user_agent", _words(), nullable=False),
        sa.Column("remembered", sa.Boolean(), nullable=False),
        sa.Column("roles", _words(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_limen_session"),
    )
    op.create_index("ix_limen_session_subject", "limen_session", ["subject"])
    op.create_index("ix_limen_session_expires_at", "limen_session", ["expires_at"])
    op.create_table(
        "limen_secret",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", _words(), nullable=False),
        sa.Column("kind", _words(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger()),
        sa.Column("successor", sa.LargeBinary()),
        sa.Column("sealed_successor", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("digest", name="pk_limen_secret"),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["limen_session.id"],
            name="fk_limen_secret_session_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_limen_secret_session_id", "limen_secret", ["session_id"])


def _log() -> None:
    op.create_table(
        "limen_revocation",
        sa.Column("seq", _sequence(), autoincrement=True, nullable=False),
        sa.Column("kind", _words(), nullable=False),
        sa.Column("subject", _words(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_limen_revocation"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_limen_revocation_subject", "limen_revocation", ["subject"])


def _keys() -> None:
    op.create_table(
        "limen_key",
        sa.Column("id", _words(), nullable=False),
        sa.Column("algorithm", _words(), nullable=False),
        sa.Column("state", _words(), nullable=False),
        sa.Column("public", _words(), nullable=False),
        sa.Column("sealed_private", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_limen_key"),
    )
    single = sa.text("state IN ('next', 'signing')")
    op.create_index(
        "uq_limen_key_state",
        "limen_key",
        ["state"],
        unique=True,
        sqlite_where=single,
        postgresql_where=single,
    )


def _counters() -> None:
    op.create_table(
        "limen_tally",
        sa.Column("key", _words(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("resets_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_limen_tally"),
    )
    op.create_table(
        "limen_ticket",
        sa.Column("purpose", _words(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("subject", _words(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("purpose", "digest", name="pk_limen_ticket"),
    )


def downgrade() -> None:
    """Refuse: going back would delete accounts and the memory of what was revoked."""
    raise RuntimeError("restore a backup instead")
