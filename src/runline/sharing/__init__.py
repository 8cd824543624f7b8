"""Sharing: how what few can have at once is given out. It knows no engine, only who waits."""
