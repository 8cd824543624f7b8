"""How requests reach the process that owns a stream: in batches."""
