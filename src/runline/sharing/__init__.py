"""Sharing: how what few can have at once is given out. It knows no stream and no engine, only who waits."""
