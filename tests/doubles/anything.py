"""Anything: whatever anybody may send to a house and its books, every command that is declared, sensible or not, by chance. Most
of it means something, and much of it is refused, for every reason that there is."""

from functools import partial
from typing import Any

import msgspec
from tests.doubles.beside import ComparedHouse, compare_figures, compared_stage
from tests.doubles.chance import LEAGUES, Chance
from tests.doubles.made import MADE, paired
from tests.doubles.stage import HOUR_NS, SECOND_NS
from tests.doubles.words import agent, board, game, player

from runline.domain.fixtures import CreateLeague
from runline.domain.permissions import Permission

Sent = tuple[bool, str, str, dict[str, Any]]
"""(whether to the house, who sends it, which command, its fields)."""

OFTEN = (
    *("PlaceWager",) * 12,
    *("PostLines",) * 4,
    *("CreateFixture", "EnterResult", "ConfirmResult", "DoSlice") * 2,
    "CreatePlayer",
    "VoidWager",
    "RescheduleFixture",
    *("SignIn",) * 3,
    "SetPassword",
    "CreateAgent",
    "KeepSession",
    "MoveLine",
    "SetLeagueRule",
    "ReopenFixture",
    "CancelFixture",
    "SetRole",
    "CreateUser",
    "AssignRole",
    "MoveAgent",
    "MovePlayer",
)


OF_PAIRS = (*("PlacePair",) * 3, "VoidLeg", "VoidWager", "EnterResult", "ConfirmResult", "ConfirmResult", "DoSlice")


def actor_of(by: Chance, in_house: bool, needs: Permission | None, sender: str) -> str:
    """Who sends a command: mostly somebody who may."""
    if needs is None:
        return sender if not by.chance(30) else by.user(in_house)
    access = by.stage(in_house).state.access
    if by.odd(15):
        return by.user(in_house)
    if not by.chance(3):
        return str(by.stage(in_house).owner)
    able = [name for name, user in access.users.items() if user.active and needs.value in access.held_by(user)]
    return by.one(able) if able else by.user(in_house)

    # Commands


def sent(by: Chance) -> Sent:
    """What somebody sends next."""
    vocabulary = by.house.state.vocabulary
    if by.pairs and by.chance(3):
        name = by.one(OF_PAIRS)
    elif by.gentle and by.chance(2):
        name = "PlaceWager"
    else:
        name = by.one(OFTEN) if by.chance(2) else by.one(tuple(MADE))
    kind = vocabulary.commands[name]
    in_house = "house" in kind.streams and ("book" not in kind.streams or by.chance(3))
    by.book = by.one(by.books)
    fields = paired(by, in_house) if name == "PlacePair" else MADE[name](by, in_house)
    actor = actor_of(by, in_house, kind.needs, kind.sender)
    if name == "PlaceWager" and by.chance(2):
        actor = fields["player"]
    return in_house, actor, name, fields


def set_up(seed: int, *, gentle: bool, pairs: bool) -> Chance:
    """A house with two books, a little of everything in them, and who chooses what is sent to them."""
    house = compared_stage(pairs=pairs)
    by = Chance(house, seed, gentle=gentle)
    by.pairs = pairs
    if seed % 2:
        house.nodes_are(n1=True, n2=True, n3=False)
    by.books = [house.open_book("main"), house.open_book("north")]
    for league in ("MLB", "NFL", "NHL"):
        house.given(CreateLeague(league, LEAGUES[league]))  # type: ignore[arg-type]
    house.given(game("G1"), board("G1"))
    for book in by.books:
        book.cannot_take = partial(by.odd, 12)
        book.given(agent("A1"), agent("A2", "A1"), agent("A3"))
        book.given(player("P1", "A2"), player("P2", "A1"), player("P3"))
    return by


def time_passes(by: Chance) -> None:
    """It is later; each timer has fired when it was due, or, now and then, all of them late."""
    house = by.house
    long, short = (7, 30, 200), (1, 60, 60, 600, 600 if by.gentle else 3_600)
    is_long = by.chance(100 if by.gentle else 30)
    until_ns = house.clock_ns + (by.one(long) * HOUR_NS if is_long else by.one(short) * SECOND_NS)
    sessions = [one for stage in (house, *by.books) for one in stage.state.sessions.by_name.values()]
    ends = [one.idle_until_ns for one in sessions if one.idle_until_ns > house.clock_ns]
    if ends and by.chance(8):
        until_ns = min(ends)
    while not by.chance(20):
        due = min(
            (stage.state.timers.due[0][0] for stage in (house, *by.books) if stage.state.timers.due), default=until_ns
        )
        if due >= until_ns:
            break
        house.time_is(max(due, house.clock_ns))
    house.time_is(until_ns)


def season(seed: int, commands: int, *, gentle: bool, pairs: bool = False) -> ComparedHouse:
    """So many commands by chance, each judged by both. Raises Differs where they do not say the same."""
    by = set_up(seed, gentle=gentle, pairs=pairs)
    stages = (by.house, *by.books)
    for count in range(1, commands + 1):
        if by.chance(8):
            time_passes(by)
        in_house, actor, name, fields = sent(by)
        stage = by.stage(in_house)
        kind = by.house.state.vocabulary.commands[name]
        session, if_position = "", None
        if kind.needs is not None:
            own = [one for one, row in stage.state.sessions.by_name.items() if row.user == actor]
            session = by.one(own) if own and by.chance(2) else by.session(in_house) if by.odd(40) else ""
            if_position = stage.state.seq - by.one((0, 1, 5, 20)) if by.chance(6) else None
        for book in by.books:
            book.house_lag_ms = 2_001 if by.odd(60) else 0
        stage.when(msgspec.convert(fields, kind), by=actor, session=session, if_position=if_position)
        if count % 100 == 0:
            for one in stages:
                compare_figures(one)
    return by.house
