"""Where it is kept: tables derived from the rows, SQLite, PostgreSQL, and memory."""
