"""Migrations: Alembic scripts, compiled to SQL and run by the store's own driver."""
