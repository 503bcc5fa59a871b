"""The first schema."""

from alembic import op

from folkmoot.store.schema import broker

revision = "0001"
down_revision = None


def upgrade() -> None:
    broker.create_all(op.get_bind())
