"""A book to watch: a real day, simulated bettors."""
