"""The audit log.

A process of the version before writes nothing here and goes on working.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0004"
down_revision: Final = "0003"
branch_labels: Final = None
depends_on: Final = None


def _words() -> sa.types.TypeEngine[str]:
    """Return text that is compared by code point, whatever the server's locale."""
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "limen_audit",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("id", _words(), nullable=False),
        sa.Column("kind", _words(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("subject", _words()),
        sa.Column("session_id", _words()),
        sa.Column("reason", _words()),
        sa.Column("actor", _words(), nullable=False),
        sa.Column("address", _words(), nullable=False),
        sa.Column("user_agent", _words(), nullable=False),
        sa.Column("request_id", _words(), nullable=False),
        sa.Column("details", _words(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_limen_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_limen_audit_subject", "limen_audit", ["subject"])
    op.create_index("ix_limen_audit_at", "limen_audit", ["at"])


def downgrade() -> None:
    """Refuse: going back would delete the log."""
    raise RuntimeError("restore a backup instead")
