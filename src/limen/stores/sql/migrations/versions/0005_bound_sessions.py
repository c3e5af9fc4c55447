"""The key that a session is bound to, if any.

A process of the version before does not look at it: let all be of this version before anything
is bound.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0005"
down_revision: Final = "0004"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    """Add the column."""
    words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.add_column("limen_session", sa.Column("bound_to", words))


def downgrade() -> None:
    """Refuse: a bound session would become one that whoever holds its id may use."""
    raise RuntimeError("restore a backup instead")
