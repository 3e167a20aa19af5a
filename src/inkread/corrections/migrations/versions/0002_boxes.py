"""The boxes of digits on their pictures."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column."""
    op.add_column("corrections", sa.Column("box", sa.String(40)))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("corrections", "box")
