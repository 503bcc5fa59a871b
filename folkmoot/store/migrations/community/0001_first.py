"""The first schema."""

from alembic import op

from folkmoot.store.schema import community

revision = "0001"
down_revision = None


def upgrade() -> None:
    community.create_all(op.get_bind())
