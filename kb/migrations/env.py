"""How does Alembic reach the database? Through the engine that `kb.db.Database` hands over."""

from __future__ import annotations

from alembic import context

from kb.models import Base

engine = context.config.attributes["engine"]

with engine.connect() as connection:
    # SQLite cannot alter constraints in place: batch mode copies the table. Foreign keys are off while it does.
    # Set beside SQLAlchemy, because inside a transaction the pragma does nothing.
    sqlite = connection.dialect.name == "sqlite"
    driver = connection.connection.dbapi_connection
    if sqlite:
        driver.execute("PRAGMA foreign_keys=OFF")
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
    if sqlite:
        driver.execute("PRAGMA foreign_keys=ON")
