"""Settings: the numbers that differ from book to book, and how house and book begin."""

from runline.simulate.oracle.accounts import ADJUSTMENTS, AMOUNT_MOST, CASH, GRADING
from runline.simulate.oracle.answers import Event, Refused, refuse_unless
from runline.simulate.oracle.bounds import one_more
from runline.simulate.oracle.people import OWNER, PLAYER, PLAYER_MAY, RUNLINE, VIEWER_MAY, a_free_name, permissions_of
from runline.simulate.oracle.rules import IN_HOUSE, REASON, Asked, Moment, command, event, ground, happens
from runline.simulate.oracle.state import HOUSE, ROOT, Book, House, Role, Stream, User
from runline.simulate.oracle.text import an_id


@command("FoundHouse", streams=IN_HOUSE)
def found_house(house: House, asked: Asked, moment: Moment) -> list[Event]:
    if house.users:
        return []
    a_free_name(house, asked.owner)
    return [happens("HouseFounded", owner=asked.owner)]


def enter_role(stream: Stream, name: str, permissions: tuple[str, ...]) -> None:
    """A role of the root that is there from the first."""
    stream.roles[name] = Role(ROOT, permissions)
    stream.touch("role", name)


def enter_owner(stream: Stream, name: str) -> None:
    """The first owner."""
    stream.users[name] = User(name, ROOT, OWNER)
    stream.touch("user", name)


@event("HouseFounded")
def house_founded(house: House, at: Asked) -> None:
    enter_role(house, OWNER, permissions_of("house"))
    enter_owner(house, at.owner)


@command("OpenBook", needs="book_open", streams=IN_HOUSE)
def open_book(house: House, asked: Asked, moment: Moment) -> list[Event]:
    an_id(asked.book)
    an_id(asked.owner)
    if asked.book in house.opened:
        owner, _ = house.opened[asked.book]
        refuse_unless(owner == asked.owner, "already_exists", id=asked.book, differs={"owner": owner})
        return []
    refuse_unless(asked.book not in (HOUSE, *RUNLINE) and asked.owner not in RUNLINE, "already_exists")
    one_more("BOOKS_MAX", len(house.opened))
    return [happens("BookOpened", book=asked.book, owner=asked.owner)]


@event("BookOpened")
def book_opened(house: House, at: Asked) -> None:
    house.opened[at.book] = (at.owner, house.seq)
    house.touch("book", at.book)


@command("StartStream", needs="book_open", streams=IN_HOUSE, reasons=REASON)
def start_stream(house: House, asked: Asked, moment: Moment) -> list[Event]:
    refuse_unless(asked.book in house.opened, "unknown_book", book=asked.book)
    return [happens("StreamStartAsked", book=asked.book, reason=asked.reason)]


@event("StreamStartAsked")
def stream_start_asked(house: House, at: Asked) -> None:
    """Nothing changes in the house."""


@ground("OpenBook", "StartStream")
def book_ground(house: House, asked: Asked) -> int:
    return house.when_moved("book", asked.book)


@command("StartBook")
def start_book(book: Book, asked: Asked, moment: Moment) -> list[Event]:
    if book.users:
        return []
    return [
        happens(
            "BookStarted",
            owner=asked.owner,
            house_seq=asked.house_seq,
            rounding={"mode": "half_up", "unit_minor": 1},
            stake_min_minor=1_00,
            stake_max_minor=10_000_00,
            win_max_minor=50_000_00,
        )
    ]


@event("BookStarted")
def book_started(book: Book, at: Asked) -> None:
    book.named_owner, book.taken_seq, book.rounding = at.owner, at.house_seq, at.rounding
    book.stake_min, book.stake_max, book.win_max = at.stake_min_minor, at.stake_max_minor, at.win_max_minor
    book.parents[ROOT] = ""
    book.touch("agent", ROOT)
    book.touch("settings", "")
    book.accounts = dict.fromkeys((GRADING, CASH, ADJUSTMENTS), 0)
    for name, permissions in ((OWNER, permissions_of("book")), ("viewer", VIEWER_MAY), (PLAYER, PLAYER_MAY)):
        enter_role(book, name, permissions)
    enter_owner(book, at.owner)


def whole_book(moment: Moment) -> None:
    """Only the staff of the whole stream may do this."""
    if moment.user.node != ROOT:
        raise Refused("not_permitted")


@command("SetLimits", needs="settings_change", reasons=REASON)
def set_limits(book: Book, asked: Asked, moment: Moment) -> list[Event]:
    whole_book(moment)
    least, most, win = after = (asked.stake_min_minor, asked.stake_max_minor, asked.win_max_minor)
    refuse_unless(0 < least <= most <= AMOUNT_MOST and 0 < win <= AMOUNT_MOST, "limits_invalid")
    before = (book.stake_min, book.stake_max, book.win_max)
    return [happens("LimitsSet", before=before, after=after, reason=asked.reason)] if before != after else []


@event("LimitsSet")
def limits_set(book: Book, at: Asked) -> None:
    book.stake_min, book.stake_max, book.win_max = at.after
    book.touch("settings", "")


@command("SetLocks", needs="settings_change", reasons=REASON)
def set_locks(book: Book, asked: Asked, moment: Moment) -> list[Event]:
    whole_book(moment)
    before = book.locks_stay_open
    if before == asked.stay_open:
        return []
    return [happens("LocksSet", before=before, after=asked.stay_open, reason=asked.reason)]


@event("LocksSet")
def locks_set(book: Book, at: Asked) -> None:
    book.locks_stay_open = at.after
    book.touch("settings", "")


@ground("SetLimits", "SetLocks")
def settings_ground(book: Book, asked: Asked) -> int:
    return book.when_moved("settings", "")
