"""Plans of history: whatever is asked, its rows are found by an index, and no more are looked at than a page may cost.

What can be asked is enumerated from the declared queries: a query or a filter that is added comes into these tests by
itself, and fails here until it has a value in SAMPLES and an index to go by.
"""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any, Literal, get_args, get_origin

import apsw
import msgspec
import pytest
from tests.doubles.ids import uuid7
from tests.doubles.plain import VOCABULARY
from tests.integration.world import HOUR_NS, NOON_NS, play, running, start_ns, wager

from runline.domain.accounts import EnterTransaction
from runline.domain.fixtures import CreateLeague
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.messages import HOUSE
from runline.domain.permissions import Permission
from runline.domain.queries.declared import Asked
from runline.domain.queries.wagers import WagersAsked, WagerTotalsAsked
from runline.domain.roles import SetRole
from runline.domain.sessions import Session
from runline.domain.tickets import VoidWager
from runline.domain.times import sibling, time_of, time_text
from runline.domain.users import CreateUser
from runline.engine.bus import Question
from runline.engine.ids import id_bytes, id_text
from runline.engine.requests import Refused
from runline.evaluate import trace as tracing
from runline.reads import history, line_history, lives, logs, money
from runline.store import sqlite_history, ways
from runline.store.sqlite import SqliteStore
from runline.store.sqlite_examined import SqliteExamined
from runline.store.tables import insert, table_of

LIMIT = 10
WALK_ROWS = 300
"""The bounds of a page in these tests, a tenth of what is in the tables."""

TRACED = uuid7(NOON_NS, bytes)
"""The id of a command of each stream."""

STEPS_PER_ROW_MAX = 52
STEPS_OF_A_GAME = 15
STEPS_MAX = 150
"""What SQLite may execute for each row that it hands over, for each time that the game of one is looked up, and once for a
statement: nothing is read in vain."""

HISTORY = {name: query for name, query in VOCABULARY.queries.items() if query.history}
LATER, LATEST = (time_text(start_ns(fixture) + 3 * HOUR_NS) for fixture in ("G1", "G2"))
"""Since when there are tickets of the second and of the third game."""

PICKED: dict[str, tuple[str | int, ...]] = {
    "player": ("P2", "P9"),
    "fixture": ("G1", "G3"),
    "agent": ("A3",),
    "sport": ("baseball", "hockey"),
    "league": ("MLB", "NFL"),
    "market": ("G2:game:moneyline",),
    "kind": ("straight", "parlay"),
    "number": (2_000, 10**30, -1),
    "since": (LATER,),
    "until": (LATER, LATEST),
    "least_minor": (150,),
    "most_minor": (200,),
}
"""By what tickets may be picked."""

SAMPLES: dict[tuple[str, str], tuple[str | int, ...]] = {
    **{(name, field): values for name in ("wagers", "wager_totals") for field, values in PICKED.items()},
    ("ledger", "player"): ("P2", "P9"),
    ("ledger", "agent"): ("A3",),
    ("ledger", "since"): (LATER,),
    ("ledger", "until"): (LATEST,),
    ("log", "type"): ("WagerVoided",),
    ("log", "actor"): ("ann",),
    ("log", "player"): ("P9",),
    ("log", "agent"): ("A3",),
    ("log", "role"): ("owner", "watch"),
    ("log", "permission"): ("wager_void", "result_confirm", "figures_view"),
    ("log", "object"): ("player:P9", "fixture:G1", "market:G1:game:moneyline", "wager:2000", "agent:A2"),
    ("log", "since"): (LATER,),
    ("log", "until"): (LATER,),
    ("refusals", "since"): (LATER,),
    ("refusals", "until"): (LATER,),
    ("refusals", "actor"): ("ann",),
    ("refusals", "command"): ("PlaceWager",),
    ("refusals", "code"): ("stake_invalid",),
    ("wager_life", "number"): (60, 2_000, 10**30, -1),
    ("line_history", "market"): ("G1:game:moneyline", "G9:game:total"),
    ("what_if", "fixture"): ("G1", "G3"),
    ("what_if", "away"): (3,),
    ("what_if", "home"): (5,),
    ("what_if", "node"): ("A3",),
    ("what_if", "player"): ("P2", "P9"),
    ("result_money", "fixture"): ("G1", "G3"),
    ("accounts", "agent"): ("A3",),
    ("risk", "node"): ("A3",),
    ("risk", "player"): ("P2", "P9"),
    ("risk", "sport"): ("baseball",),
    ("risk", "league"): ("MLB",),
    ("risk", "fixture"): ("G3",),
    ("find", "text"): ("P", "a", "o", "9", "away", "2000", "x"),
    ("trace", "command"): (TRACED,),
}
"""What may be asked for in each filter, beside nothing. Those with a closed set of values have all of them."""

ASKERS = {"book": ("owner", "ann", "P2"), "house": ("platform",)}
"""The root of a book, an agent below it, a player, and the house."""

BOUNDS = {logs: "SCAN_EVENTS_MAX", lives: "LIFE_EVENTS_MAX", line_history: "LINE_EVENTS_MAX"}
"""How many entries of the log a page looks at."""

SUBTREE = {"P8", "P9"}
"""Ann's players."""

JUSTIFIED = {
    "SCAN json_each VIRTUAL TABLE INDEX 1:": "the agents of the asker's subtree, a value of the statement",
    "SCAN below": "the same agents, while they are found",
    "SCAN CONSTANT ROW": "the first of them",
}
INDEXED = re.compile(r"SEARCH \w+ USING (COVERING )?(INDEX \w+|PRIMARY KEY) \((?P<by>.+)\)")
FRAMES = re.compile(
    r"(LIST|CORRELATED SCALAR) SUBQUERY \d+|CREATE BLOOM FILTER|CO-ROUTINE (below|above)|SETUP|RECURSIVE STEP"
)


class Run(msgspec.Struct):
    """A statement that was executed: how many rows it handed over, and what SQLite counted."""

    sql: str
    rows: int
    status: dict[str, int]


class Watch:
    """Notes every statement of a connection while it is entered."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self.values: dict[str, Any] = {}
        self.runs: list[Run] = []
        self.rows: dict[int, int] = {}

    def __enter__(self) -> "Watch":
        self.connection.exec_trace = self.begins
        mask = apsw.SQLITE_TRACE_STMT | apsw.SQLITE_TRACE_ROW | apsw.SQLITE_TRACE_PROFILE
        self.connection.trace_v2(mask, self.happens)
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.exec_trace = None
        self.connection.trace_v2(0)

    def begins(self, _: object, sql: str, values: Any) -> bool:
        self.values[sql] = values
        return True

    def happens(self, event: dict[str, Any]) -> None:
        if event["code"] == apsw.SQLITE_TRACE_STMT:
            self.rows[event["id"]] = 0  # what was read before is the schema
        elif event["code"] == apsw.SQLITE_TRACE_ROW:
            self.rows[event["id"]] = self.rows.get(event["id"], 0) + 1
        else:
            self.runs.append(Run(event["sql"], self.rows[event["id"]], event["stmt_status"]))

    def plans(self) -> Iterator[tuple[str, str]]:
        """(statement, step of its plan) of everything that was read."""
        for sql, values in self.values.items():
            if sql not in ("BEGIN", "ROLLBACK"):
                for row in self.connection.execute("EXPLAIN QUERY PLAN " + sql, values).fetchall():
                    yield sql, str(row[3])

    def check(self) -> None:
        """Every step goes by an index that narrows, and hands over what it reads."""
        for sql, step in self.plans():
            found = INDEXED.fullmatch(step)
            assert found or FRAMES.fullmatch(step) or step in JUSTIFIED, (step, sql)
            if found and found["by"] == "stream=?":
                assert step == "SEARCH heads USING PRIMARY KEY (stream=?)", (step, sql)
        for run in self.runs:
            counted = run.status
            assert counted["SQLITE_STMTSTATUS_SORT"] == counted["SQLITE_STMTSTATUS_AUTOINDEX"] == 0, run
            assert counted["SQLITE_STMTSTATUS_FULLSCAN_STEP"] <= run.rows, run
            per_row = STEPS_PER_ROW_MAX + STEPS_OF_A_GAME * run.sql.count("FROM fixtures")
            assert counted["SQLITE_STMTSTATUS_VM_STEP"] <= STEPS_MAX + per_row * run.rows, run
            assert run.rows <= (LIMIT + 1 if "SELECT number, TRUE FROM" in run.sql else WALK_ROWS), run


async def a_busy_book(path) -> None:
    """Some thousand tickets: of two games settled, of one open; some are void, and P9 has played only long ago."""
    async with running(SqliteStore(path)) as world:
        await world.open_house(fixtures=3)
        await world.open_book(players=6)
        await world.do("b1", CreateAgent("A2", "A1"))
        await world.do("b1", CreateAgent("A3", "A2"))
        await world.do("b1", CreatePlayer("P8", "A2", 10_000_00))
        await world.do("b1", CreatePlayer("P9", "A3", 10_000_00))
        await world.do("b1", CreateAgent("A4", "root"), id=TRACED)
        await world.do(HOUSE, CreateLeague("NFL", "football"), id=TRACED)
        looks = (Permission.TICKER_VIEW, Permission.FIGURES_VIEW, Permission.LOG_VIEW, Permission.BOARD_VIEW)
        sees = (*looks, Permission.LINE_MOVE, Permission.ROLES_MANAGE)
        await world.do("b1", SetRole("watch", "A2", sees, "to look"))
        await world.do("b1", CreateUser("ann", "A2", "watch"))
        for number in range(5):
            await world.do("b1", wager("P9", 2_00, market="G1:game:moneyline"))
            await world.do("b1", EnterTransaction("P9", "receipt", 1_00 + number, "paid in cash"))
        for fixture in ("G1", "G2", "G3"):
            market = f"{fixture}:game:moneyline"
            for _ in range(3):
                placed = [
                    world.request("b1", wager(f"P{number % 8 + 1 if number % 8 < 6 else 8}", 2_00, market=market))
                    for number in range(400)
                ]
                numbers = [outcome.position for outcome in await world.bus.send(placed)]
                for number in numbers[::40]:
                    await world.do("b1", VoidWager(number, "keyed wrong"))
            if fixture != "G3":
                await world.play_off(fixture)
                await world.settled("b1", fixture)


def insert_sessions(path) -> None:
    """Everyone who asks is signed in."""
    connection = apsw.Connection(str(path))
    for stream, users in (("b1", ASKERS["book"]), (HOUSE, ASKERS["house"])):
        rows = [(stream, f"session of {user}", user, "program", NOON_NS, 1, 1, 2**62, 2**62, 0) for user in users]
        connection.executemany(insert(table_of(Session)), rows)
    connection.close()


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The file of a busy book."""
    path = tmp_path_factory.mktemp("history") / "book.db"
    play(a_busy_book(path))
    insert_sessions(path)
    return path


@pytest.fixture
def reader(book, monkeypatch):
    """The reader's own connection, with the bounds of these tests."""
    monkeypatch.setattr(sqlite_history.Reader, "connection", None, raising=False)
    monkeypatch.setattr(ways, "WALK_ROWS_MAX", WALK_ROWS)
    for module, bound in BOUNDS.items():
        monkeypatch.setattr(module, bound, WALK_ROWS)
    sqlite_history.open_reader(str(book))
    yield sqlite_history.Reader.connection
    sqlite_history.Reader.connection.close()


def filters(name: str, user: str) -> list[dict[str, Any]]:
    """What may be asked for: nothing, each filter, and by Ann, of whose subtree is asked besides, every pair of them."""
    single: list[tuple[str, Any]] = []
    for field in msgspec.structs.fields(HISTORY[name].asked):
        if field.name not in Asked.__struct_fields__:
            values = get_args(field.type) if get_origin(field.type) is Literal else SAMPLES[name, field.name]
            single += [(field.name, value) for value in values if value != field.default]
    pairs = [dict(pair) for pair in combinations(single, 2) if pair[0][0] != pair[1][0]]
    return [{}, *(dict([one]) for one in single), *(pairs if user == "ann" else ())]


def every_question() -> list[Any]:
    """(query, stream, user, filters) of all that can be asked."""
    return [
        pytest.param(
            name,
            stream,
            user,
            chosen,
            id="-".join((name, user, *(f"{field}:{value}" for field, value in chosen.items()))),
        )
        for name, query in HISTORY.items()
        for stream, kind in (("b1", "book"), (HOUSE, "house"))
        if kind in query.streams
        for user in ASKERS[kind]
        if query.players or user != "P2"
        for chosen in filters(name, user)
    ]


def ask(connection: apsw.Connection, name: str, stream: str, user: str, chosen: dict[str, Any], **asked: Any) -> Any:
    """The page that somebody is answered."""
    question = HISTORY[name].asked(**chosen, **asked)
    asked_for = (VOCABULARY, name, f"session of {user}", user, question, NOON_NS)
    found = sqlite_history.look_here(stream, history.answer, asked_for, {})
    return found if isinstance(found, Refused) else without_texts(msgspec.json.decode(found[1]))


def without_texts(page: dict[str, Any]) -> dict[str, Any]:
    """A page without the texts beside its times."""
    for row in page["items"]:
        for name in [*row]:
            row.pop(sibling(name), None)
    return page


def all_pages(connection: apsw.Connection, *question: Any, limit: int) -> list[Any]:
    """The rows of all pages, one after the other."""
    rows, after = [], ""
    while True:
        page = ask(connection, *question, limit=limit, after=after)
        rows += page["items"]
        after = page["next"]
        if not after:
            return rows


@pytest.mark.parametrize(("name", "stream", "user", "chosen"), every_question())
def test_every_page_of_history_is_read_by_an_index_and_costs_no_more_than_a_page(reader, name, stream, user, chosen):
    for after in ("", "2000", "7"):
        watch = Watch(reader)
        with watch:
            page = ask(reader, name, stream, user, chosen, limit=LIMIT, after=after)
        if isinstance(page, Refused):
            assert is_not_theirs(user, chosen) or (page.code == "too_many" and takes_all(name, chosen))
        else:
            assert not is_not_theirs(user, chosen) or name == "log"
        assert watch.runs
        watch.check()


def takes_all(name: str, chosen: dict[str, Any]) -> bool:
    """Whether a page is made of all that is found, which are too many at some point."""
    return name == "wager_totals" or chosen.get("sort") == "risk"


def is_not_theirs(user: str, chosen: dict[str, Any]) -> bool:
    """Whether somebody asks for more than their own."""
    if user == "P2":
        return chosen.get("player", "P2") != "P2" or "agent" in chosen
    if user == "platform":
        return "agent" in chosen
    return (user, chosen.get("player")) == ("ann", "P2")


@pytest.mark.parametrize(("name", "stream", "user", "chosen"), every_question())
def test_pages_that_end_early_lose_nothing(reader, monkeypatch, name, stream, user, chosen):
    if is_not_theirs(user, chosen) or takes_all(name, chosen):
        return
    question = (name, stream, user, chosen)
    found = all_pages(reader, *question, limit=200)
    monkeypatch.setattr(ways, "WALK_ROWS_MAX", 10**6)
    for module, bound in BOUNDS.items():
        monkeypatch.setattr(module, bound, 10**6)
    assert found == all_pages(reader, *question, limit=1_000)


FIRST_LEG = ("fixture", "market", "side", "line_quarters", "price")


IN_WORDS = {
    "league", "away", "home", "start_ns", "start_at", "rotation", "period_name", "market_name", "selection", "void_reason",
    "score",
}  # fmt: skip
"""What a ticket's reader is told beside what its row holds."""


def without_words(row: dict[str, Any]) -> dict[str, Any]:
    """What a row holds itself."""
    held = {name: value for name, value in row.items() if name not in IN_WORDS}
    if "legs" in held:
        held["legs"] = [without_words(leg) for leg in held["legs"]]
    return held


def legs_of(row: dict[str, Any], ended: str | None) -> list[Any]:
    """The legs as a straight's row has them: its one."""
    first = {field: row[field] for field in FIRST_LEG}
    status, result = ("graded", json.loads(ended)["result"]) if ended else ("open", None)
    if row["status"] == "void":
        status = "void"
    return [first | {"status": status, "result": result, "counts_at": None, "share": None}]


@pytest.mark.parametrize("user", ASKERS["book"])
@pytest.mark.parametrize(("name", "table"), [("wagers", "tickets"), ("ledger", "ledger_entries")])
def test_what_is_found_is_what_the_table_holds(reader, monkeypatch, name, table, user):
    fields = [field.name for field in msgspec.structs.fields(HISTORY[name].row) if field.name not in IN_WORDS]
    columns = ["ended" if field == "legs" else field for field in fields]
    sql = f"SELECT {', '.join(columns)} FROM {table} WHERE stream = 'b1' ORDER BY +number DESC"
    everything = [dict(zip(fields, row, strict=True)) for row in reader.execute(sql)]
    for row in everything if "legs" in fields else ():
        row["legs"] = legs_of(row, row["legs"])
    assert len(everything) > 2_000
    mine = {"owner": {row["player"] for row in everything}, "ann": SUBTREE, "P2": {"P2"}}[user]
    monkeypatch.setattr(ways, "WALK_ROWS_MAX", 10**6)
    for chosen in filters(name, user):
        if not is_not_theirs(user, chosen):
            expected = [row for row in everything if row["player"] in mine and is_wanted(row, chosen)]
            if chosen.get("sort") == "risk":
                expected.sort(key=lambda row: (row["risk_minor"], row["number"]), reverse=True)
            if chosen.get("order") == "ascending":
                expected.reverse()
            found = all_pages(reader, name, "b1", user, chosen, limit=100)
            assert [without_words(row) for row in found] == expected, chosen


def is_wanted(row: dict[str, Any], chosen: dict[str, Any]) -> bool:
    """Whether a row has all that is asked for."""
    at_ns: int = row["placed_ns"] if "placed_ns" in row else row["at_ns"]
    bounds = {
        "since": lambda value: at_ns >= time_of(value),
        "until": lambda value: at_ns < time_of(value),
        "least_minor": lambda value: row["risk_minor"] >= value,
        "most_minor": lambda value: row["risk_minor"] <= value,
        "agent": lambda value: row["player"] == "P9",
        "sport": lambda value: value == "baseball",
        "league": lambda value: value == "MLB",
        "sort": lambda value: True,
        "order": lambda value: True,
    }
    return all(bounds[name](value) if name in bounds else row[name] == value for name, value in chosen.items())


SUMMED = ("risk_minor", "win_minor", "returned_minor")


@pytest.mark.parametrize("user", ASKERS["book"])
@pytest.mark.parametrize("by", get_args(WagerTotalsAsked.__annotations__["by"]))
def test_totals_are_the_sums_of_what_is_shown_the_largest_risk_first(reader, monkeypatch, by, user):
    monkeypatch.setattr(ways, "WALK_ROWS_MAX", 10**6)
    for chosen in ({}, {"fixture": "G3"}, {"status": "void"}, {"player": "P2"}, {"side": "away"}, {"league": "NFL"}):
        if is_not_theirs(user, chosen):
            continue
        sums: dict[str, list[int]] = {} if by else {"": [0, 0, 0, 0]}
        for row in all_pages(reader, "wagers", "b1", user, chosen, limit=1_000):
            total = sums.setdefault({"": "", "sport": "baseball"}.get(by) or row.get(by, ""), [0, 0, 0, 0])
            for place, value in enumerate((1, *(row[field] for field in SUMMED))):
                total[place] += value or 0
        found = all_pages(reader, "wager_totals", "b1", user, chosen | {"by": by}, limit=2)
        assert {row["key"]: [row["wagers"], *(row[field] for field in SUMMED)] for row in found} == sums
        assert found == sorted(found, key=lambda row: (-row["risk_minor"], row["key"]))


def test_too_many_tickets_are_not_summed_up(reader, monkeypatch):
    monkeypatch.setattr(ways, "WALK_ROWS_MAX", 10**6)
    monkeypatch.setattr(money, "TOTAL_ROWS_MAX", 1_500)
    refused = ask(reader, "wager_totals", "b1", "owner", {}, limit=LIMIT)
    assert (refused.code, refused.details["most"]) == ("too_many", 1_500)
    assert ask(reader, "wager_totals", "b1", "owner", {"since": LATEST}, limit=LIMIT)["items"][0]["wagers"] > 1_000


@pytest.mark.parametrize("order", ["descending", "ascending"])
@pytest.mark.parametrize("sort", ["placed", "risk"])
def test_pages_stay_where_they_were_while_tickets_are_placed(tmp_path, order, sort):
    async def main():
        async with running(SqliteStore(tmp_path / "book.db")) as world:
            await world.open_house()
            await world.open_book()
            placed = [
                (await world.do("b1", wager(amount_minor=100 + number % 7 * 50))).position for number in range(40)
            ]
            seen: list[int] = []
            after = ""
            while True:
                asked = WagersAsked(sort=sort, order=order, limit=6, after=after)
                answer = await world.bus.ask(Question("b1", "wagers", msgspec.json.encode(asked), actor="owner"))
                page = msgspec.json.decode(answer.body)
                seen += [row["number"] for row in page["items"]]
                after = page["next"]
                if not after:
                    break
                if len(seen) < 30:
                    await world.do("b1", wager(amount_minor=225))
            assert len(seen) == len(set(seen))
            assert set(placed) <= set(seen)

    play(main())


def test_too_many_tickets_are_not_sorted_and_a_window_makes_them_few_enough(reader, monkeypatch):
    monkeypatch.setattr(ways, "WALK_ROWS_MAX", 10**6)
    monkeypatch.setattr(money, "SORTED_ROWS_MAX", 1_500)
    refused = ask(reader, "wagers", "b1", "owner", {"sort": "risk"}, limit=LIMIT)
    assert (refused.code, refused.details["most"]) == ("too_many", 1_500)
    assert ask(reader, "wagers", "b1", "owner", {"sort": "risk", "since": LATEST}, limit=LIMIT)["items"]


def test_a_window_is_found_by_halves_and_not_by_a_walk(reader):
    with Watch(reader) as watch:
        page = ask(reader, "wagers", "b1", "owner", {"since": LATER, "until": LATEST}, limit=LIMIT)
    assert len(page["items"]) == LIMIT
    assert sum(run.rows for run in watch.runs) < 100


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("wagers", {}),
        ("wagers", {"status": "open"}),
        ("ledger", {}),
        ("ledger", {"player": "P9"}),
        ("ledger", {"player": "P2"}),
    ],
)
def test_what_an_index_is_made_for_looks_at_no_row_in_vain(reader, name, chosen):
    with Watch(reader) as watch:
        page = ask(reader, name, "b1", "owner", chosen, limit=LIMIT)
    assert max(run.rows for run in watch.runs) <= LIMIT + 1
    assert len(page["items"]) == LIMIT or (chosen["player"], page["next"]) == ("P9", "")


@pytest.mark.parametrize("chosen", [{"player": "P9"}, {"player": "P2"}, {"fixture": "G1"}, {"fixture": "G2"}])
def test_of_a_players_or_a_games_tickets_only_the_open_ones_are_looked_for_among_others(reader, chosen):
    with Watch(reader) as watch:
        ask(reader, "wagers", "b1", "owner", chosen, limit=LIMIT)
    looked = [run for run in watch.runs if "INDEXED BY" in run.sql]
    assert ["INDEXED BY tickets_held" in run.sql for run in looked] == [True, False]
    assert looked[1].rows <= LIMIT + 1
    covering = "SEARCH tickets USING COVERING INDEX tickets_held (stream=? AND number>? AND number<?)"
    assert (looked[0].sql, covering) in list(watch.plans())


def test_a_refused_command_is_traced_by_an_index(book):
    connection = apsw.Connection(str(book))
    connection.execute("BEGIN")
    ids = [number.to_bytes(16, "big") for number in range(3_000)]
    connection.executemany(
        "INSERT INTO refusals VALUES ('b1', ?, 'P2', 'PlaceWager', 'stake_too_small', 1, 0, 0, ?, 'Too little.', '{}')",
        list(enumerate(ids)),
    )
    for key in (ids[7], id_bytes("01890a5d-ac96-7b7c-8000-000000000000")):
        with Watch(connection) as watch:
            found = tracing.find(SqliteExamined(connection, book), key, id_text(key))
        assert (found is not None) == (key == ids[7])
        assert len(watch.runs) == 2
        watch.check()
    connection.execute("ROLLBACK")
    connection.close()


def test_nothing_but_the_declared_queries_is_answered_and_each_of_them_is():
    assert set(history.PAGES) == set(HISTORY)
    asked_for = {
        (name, field.name)
        for name, query in HISTORY.items()
        for field in msgspec.structs.fields(query.asked)
        if field.name not in Asked.__struct_fields__ and get_origin(field.type) is not Literal
    }
    assert set(SAMPLES) == asked_for
