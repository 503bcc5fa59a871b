"""All that a hot rank is made from in the indexes by activity, frozen as SQL beside this file."""

from pathlib import Path

from alembic import op

from folkmoot.store.migration import statements

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    connection = op.get_bind()
    text = Path(__file__).with_suffix(f".{connection.dialect.name}.sql").read_text("utf-8")
    for statement in statements(text):
        connection.exec_driver_sql(statement)
