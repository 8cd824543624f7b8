"""How a sportsbook executes: one writer per stream, sealed batches, durable before anything leaves."""
