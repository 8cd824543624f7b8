"""Signing: who you are to a server."""

from runline.cli.at import At
from runline.remote.where import HERE


def login(
    address: str | None = None, /, *, book: str | None = None, user: str | None = None, password_stdin: bool = False
) -> int:
    """Sign in at a server. The password is asked for without being shown; the session's token is kept for the next commands, in
    a file that only you can read.

    Parameters
    ----------
    address
        The server's address, such as https://book.example; by default RUNLINE_URL, else this machine's port 8321.
    book
        The book, or house; asked for unless it is given.
    user
        The user; asked for unless it is given.
    password_stdin
        Take the password from the first line of the standard input.
    """
    from runline.remote.signing import log_in

    return log_in(address, book, user, password_stdin=password_stdin)


def logout(*, at: At = HERE) -> int:
    """Sign out: the session ends at the server, and its token is forgotten here."""
    from runline.remote.signing import log_out

    return log_out(at)


def whoami(*, at: At = HERE, json: bool = False) -> int:
    """Show as whom commands are sent, and what you may do.

    Parameters
    ----------
    json
        Say it as JSON.
    """
    from runline.remote.signing import who_am_i

    return who_am_i(at, as_json=json)
