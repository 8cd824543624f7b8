"""Bells: a noun of the tests, with everything that one may declare: a row, a part, a command, an event, a query, and a topic with
its rows. Its table is made by `bells_table`: no migration knows it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import apsw
import msgspec

from runline.domain.access import User
from runline.domain.audience import Audience
from runline.domain.book import Book
from runline.domain.context import Context
from runline.domain.house import House
from runline.domain.messages import Command, Event, decides, evolves, grounds
from runline.domain.permissions import Permission
from runline.domain.queries.declared import Asked, Page, query
from runline.domain.queries.pages import page_of
from runline.domain.state import Part, Row, State
from runline.domain.topics import Changed, Key, Topic, TopicRows, changes
from runline.domain.vocabulary import Vocabulary
from runline.store.schema import schema_sql


class Bell(Row, table="bells"):
    """A bell, and how often it was rung."""

    name: str
    times: int = 0
    changed_seq: int = 0


class Bells(Part, named="bells", keeps={Bell: "by_name"}):
    """The bells of a book."""

    __slots__ = ("by_name",)

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.by_name: dict[str, Bell] = {}


class RingBell(Command, needs=Permission.SUSPEND):
    """Ring a bell."""

    bell: str


class BellRung(Event, shown_to=Permission.SUSPEND):
    """A bell was rung."""

    bell: str


@decides(RingBell)
def ring_bell(book: Book, command: RingBell, context: Context) -> BellRung:
    return BellRung(command.bell)


@evolves(BellRung)
def bell_rung(book: Book, event: BellRung) -> None:
    bell = book.part(Bells).by_name.setdefault(event.bell, Bell(event.bell))
    bell.times += 1
    book.touch(bell)


@grounds(RingBell)
def bell_ground(book: Book, command: RingBell) -> int:
    """The bell."""
    return book.moved_seq(Bell, command.bell)


class BellRow(msgspec.Struct):
    """A bell."""

    bell: str
    times: int


@query("bells", needs=Permission.SUSPEND, asked=Asked, row=BellRow)
def bells(book: Book, house: House, user: User, audience: Audience, asked: Asked, now_ns: int) -> Page:
    """The bells, by name."""
    names = (name for name in sorted(book.part(Bells).by_name) if name > asked.after)
    return page_of((bell_row(book, house, audience, name, now_ns) for name in names), asked, lambda row: row.bell)


def bell_names(book: Book, house: House, audience: Audience, place: Any) -> Iterator[Key]:
    return ((name, name) for name in sorted(book.part(Bells).by_name) if name > (place or ""))


def bell_row(book: Book, house: House, audience: Audience, name: str, now_ns: int) -> BellRow:
    return BellRow(name, book.part(Bells).by_name[name].times)


def is_there(book: Book, house: House, audience: Audience, name: str) -> bool:
    return name in book.part(Bells).by_name


@changes("bells", BellRung)
def bell_changes(book: Book, house: House, event: BellRung, seq: int) -> Iterable[Changed]:
    return (Changed((event.bell,), everyone=True),)


DECLARED = (
    Topic("bells", "The bells, by `bell`.", Permission.SUSPEND, players=False, house=False, events=False),
    TopicRows("bells", "bells", bell_names, bell_row, is_there),
)


def bells_table(path: Path, vocabulary: Vocabulary) -> None:
    """Make the table of the bells in a file."""
    connection = apsw.Connection(str(path))
    connection.execute(next(sql for sql in schema_sql(vocabulary) if "CREATE TABLE bells" in sql))
    connection.close()
