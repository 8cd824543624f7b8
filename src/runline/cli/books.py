"""Books: the books of a house, for whoever may open them there."""

from cyclopts import App, Parameter

app = App(
    name="book",
    help="Open a book in the house, and list those that it serves. You sign in to the house for it.",
    default_parameter=Parameter(negative=()),
)


@app.command
def create(name: str, /, *, owner: str, password_stdin: bool = False, server: str | None = None) -> int:
    """Open a book, and give its owner their first password, which is asked for without being shown.

    Parameters
    ----------
    name
        The book's name, such as harbor.
    owner
        The user who owns it.
    password_stdin
        Take the password from the first line of the standard input.
    server
        The server's address; by default RUNLINE_URL, else where you have signed in last.
    """
    from runline.remote.books import create_book

    return create_book(server, name, owner, password_stdin=password_stdin)


@app.command
def password(name: str, /, *, password_stdin: bool = False, server: str | None = None) -> int:
    """Give the owner of a book their first password, if that could not be done when it was opened.

    Parameters
    ----------
    name
        The book's name.
    password_stdin
        Take the password from the first line of the standard input.
    server
        The server's address; by default RUNLINE_URL, else where you have signed in last.
    """
    from runline.remote.books import give_first_password

    return give_first_password(server, name, password_stdin=password_stdin)


@app.command(name="list")
def list_all(*, json: bool = False, server: str | None = None) -> int:
    """List the books that the house serves.

    Parameters
    ----------
    json
        Each book as JSON in a line of its own.
    server
        The server's address; by default RUNLINE_URL, else where you have signed in last.
    """
    from runline.remote.books import list_books

    return list_books(server, as_json=json)
