"""Books: `runline book`: opened and listed by whoever may open books in the house."""

from runline.client import AsyncClient, RefusedError
from runline.domain.messages import HOUSE
from runline.remote.calling import call
from runline.remote.keeping import SignIn
from runline.remote.listing import rows_of, say_rows
from runline.remote.signing import password_of
from runline.remote.where import Where
from runline.shell import DONE, UnusableError, complain, to_paste

BOOKS_MOST = 100_000


def in_the_house(server: str | None) -> Where:
    """A server, as whoever has signed in to its house."""
    return Where(server, HOUSE)


def create_book(server: str | None, name: str, owner: str, *, password_stdin: bool) -> int:
    """`runline book create`: 0, 1 if it is refused, 2 if it cannot be asked for."""
    try:
        password = password_of(f"First password of {owner}: ", from_stdin=password_stdin, twice=True)
    except UnusableError as error:
        return complain(error)

    async def work(client: AsyncClient, sign_in: SignIn) -> int:
        opened = await client.send("OpenBook", book=name, owner=owner)
        print(f"The book {name} is open, #{opened.position:,} of the house. Its owner is {owner}.")
        try:
            await client.post("/v1/set-owners-password", book=name, password=password)
        except RefusedError:
            complain(f"{owner} has no password yet. Give one: {to_paste('book', 'password', name)}")
            raise
        print(f"{owner} can sign in: {to_paste('login', sign_in.server, '--book', name, '--user', owner)}")
        return DONE

    return call(in_the_house(server), work)


def give_first_password(server: str | None, name: str, *, password_stdin: bool) -> int:
    """`runline book password`: 0, 1 if it is refused, 2 if it cannot be asked for."""
    try:
        password = password_of(f"First password of the owner of {name}: ", from_stdin=password_stdin, twice=True)
    except UnusableError as error:
        return complain(error)

    async def work(client: AsyncClient, sign_in: SignIn) -> int:
        await client.post("/v1/set-owners-password", book=name, password=password)
        print(f"The owner of {name} can sign in.")
        return DONE

    return call(in_the_house(server), work)


def list_books(server: str | None, *, as_json: bool) -> int:
    """`runline book list`: 0, 1 if it is refused."""

    async def work(client: AsyncClient, sign_in: SignIn) -> int:
        found = await rows_of(client, "books", BOOKS_MOST)
        if as_json:
            say_rows(found.rows)
        else:
            for row in found.rows:
                print(f"{row['book']}, owned by {row['owner']}")
            if not found.rows:
                print("No books yet.")
        return DONE

    return call(in_the_house(server), work)
