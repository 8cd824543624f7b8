"""Where lines and results come from."""
