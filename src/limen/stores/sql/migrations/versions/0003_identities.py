"""Usernames, identities at other providers, fields of a session, and tickets with details.

Every new column has a default or may be null, so that a process of the version before goes on
working beside this one.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"
branch_labels: Final = None
depends_on: Final = None


def _words() -> sa.types.TypeEngine[str]:
    """Return text that is compared by code point, whatever the server's locale."""
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the columns."""
    op.add_column("limen_account", sa.Column("username", _words()))
    op.add_column("limen_account", sa.Column("display_username", _words()))
    op.create_index("uq_limen_account_username", "limen_account", ["username"], unique=True)
    scopes = sa.Column("scopes", _words(), nullable=False, server_default="[]")
    op.add_column("limen_credential", scopes)
    op.add_column("limen_credential", sa.Column("sealed_tokens", sa.LargeBinary()))
    fields = sa.Column("fields", _words(), nullable=False, server_default="{}")
    op.add_column("limen_session", fields)
    op.add_column("limen_ticket", sa.Column("detail", _words()))


def downgrade() -> None:
    """Refuse: going back would delete what people sign in with."""
    raise RuntimeError("restore a backup instead")
