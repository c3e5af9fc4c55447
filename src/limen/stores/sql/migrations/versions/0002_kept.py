"""What a store that may forget, such as Redis, must not forget: the revocations of its sessions."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"
branch_labels: Final = None
depends_on: Final = None


def _words() -> sa.types.TypeEngine[str]:
    """Return text that is compared by code point, whatever the server's locale."""
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "limen_kept",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("kind", _words(), nullable=False),
        sa.Column("subject", _words(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("sessions_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_limen_kept"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_limen_kept_sessions_until", "limen_kept", ["sessions_until"])


def downgrade() -> None:
    """Refuse: going back would delete the memory of what was revoked."""
    raise RuntimeError("restore a backup instead")
