"""Gateway: how people and programs reach the engine over HTTP: one declared door for commands and queries, and the stream."""
