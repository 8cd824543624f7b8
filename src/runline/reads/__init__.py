"""Reads: what is asked is answered where the state is."""
