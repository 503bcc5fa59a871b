"""The first schema, frozen as SQL beside this file."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    connection = op.get_bind()
    text = Path(__file__).with_suffix(f".{connection.dialect.name}.sql").read_text("utf-8")
    for statement in text.split(";\n"):
        if statement.strip():
            connection.exec_driver_sql(statement)
