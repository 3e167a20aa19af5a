"""The strips of whole numbers."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column."""
    op.add_column("corrections", sa.Column("strip", sa.LargeBinary))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("corrections", "strip")
