"""Remote: the commands that are sent to a running server, as whoever has signed in. They know nothing but the public API."""
