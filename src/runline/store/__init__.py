"""Where it is kept: tables derived from the rows, SQLite, and memory."""
