"""Looking back: what the queries of history must answer: all rows of a stream's log, or of its tables, one by one, by what is
asked for, who asks, and where the page before has ended.

Rule: tables are the log folded (`folded.py`), and who may see what says the oracle. So nothing is taken from what answers.
"""

from collections.abc import Callable
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import msgspec

from runline.domain.catalog import Fixture
from runline.domain.catalog import Result as FixtureResult
from runline.domain.messages import HOUSE, Event, Rejected, event_body
from runline.domain.tickets import Ticket
from runline.domain.times import time_of
from runline.domain.vocabulary import Vocabulary
from runline.domain.words import in_words
from runline.engine.envelope import Logged, decode_envelope
from runline.engine.ids import id_bytes, id_text
from runline.simulate import standing
from runline.simulate.disk import Disk
from runline.simulate.finding import what_is_found
from runline.simulate.folded import Folded
from runline.simulate.oracle import supposed
from runline.simulate.oracle.answers import Refused, refuse_unless
from runline.simulate.oracle.asking import Page, Reader, cut
from runline.simulate.oracle.board import ANYTHING
from runline.simulate.oracle.rules import Asked
from runline.simulate.oracle.sight import EVERYONE, agent_of, as_a_book_sees, concerns, is_named, parted_from, sees
from runline.simulate.oracle.state import Book, Stream
from runline.simulate.oracle.tree import is_below
from runline.simulate.told import plain_event
from runline.simulate.windowed import a_number, in_order, in_window, total_of

Row = dict[str, Any]


class LookingBack:
    """What there is to look back at. kept: the disk. folded: its tables, by the log."""

    def __init__(self, vocabulary: Vocabulary, disk: Disk, folded: Folded) -> None:
        self.vocabulary = vocabulary
        self.kept = disk.kept
        self.folded = folded
        self.model: Any = None
        """The oracle's model, up to what the disk has."""
        self.now_ns = 0
        """The time by which a page is shown."""
        self.logs: dict[str, list[tuple[Logged, Event]]] = {}
        self.pages: dict[str, Callable[[Stream, Reader, Asked], Page]] = {
            "wagers": self.wagers,
            "wager_totals": self.totals,
            "ledger": self.ledger,
            "find": self.find,
            "wager_life": self.wager_life,
            "what_if": self.what_if,
            "result_money": self.result_money,
            "line_history": self.line_history,
            "accounts": self.accounts,
            "risk": self.risk,
            "log": self.log,
            "refusals": self.refusals,
            "trace": self.trace,
        }

    def entries(self, stream: str) -> list[tuple[Logged, Event]]:
        """The log of a stream."""
        found = self.logs.setdefault(stream, [])
        for row in self.kept.log.get(stream, [])[len(found) :]:
            entry = decode_envelope(row[4])
            found.append((entry, entry.event(self.vocabulary)))
        return found

    def goes_back(self, stream: str) -> bool:
        """Whether a stream's time goes back somewhere, since a clock that was wrong was put right."""
        return any(later.at_ns < entry.at_ns for (entry, _), (later, _) in pairwise(self.entries(stream)))

    # Money

    def of_player(self, stream: Stream, reader: Reader, asked: Asked) -> Callable[[str], bool]:
        """Which players' rows are wanted. Raises Refused where that is more than somebody's own."""
        if reader.player:
            refuse_unless(asked.player in ("", reader.player) and not asked.agent, "not_permitted")
            return lambda player: player == reader.player
        if asked.player:
            refuse_unless(is_below(stream, reader.node, agent_of(stream, asked.player)), "not_permitted")
        if asked.agent:
            refuse_unless(is_below(stream, reader.node, asked.agent), "not_permitted")
            assert isinstance(stream, Book)
            refuse_unless(asked.agent in stream.parents, "unknown_agent", agent=asked.agent)
        top = asked.agent or reader.node
        return lambda player: asked.player in ("", player) and is_below(stream, top, agent_of(stream, player))

    def ledger(self, stream: Stream, reader: Reader, asked: Asked) -> Page:
        is_wanted = self.of_player(stream, reader, asked)
        assert isinstance(stream, Book)
        rows = [
            (number, {"number": number, **asdict(entry)})
            for number, entry in stream.entries.items()
            if is_wanted(entry.player) and in_window(asked, entry.at_ns)
        ]
        return in_order(rows, asked)

    def picked(self, stream: Stream, reader: Reader, asked: Asked, games: dict[str, Any]) -> list[Ticket]:
        """The tickets that have all that is asked for."""
        is_of_player = self.of_player(stream, reader, asked)
        found = []
        for ticket in self.folded.store.stored(stream.name, Ticket):
            first, game = ticket.legs[0], games.get(ticket.legs[0].fixture)
            about = {"market": first.market, "side": first.side, "status": ticket.status}
            about |= {"kind": ticket.kind, "channel": ticket.channel}
            about |= {name: getattr(game, name, None) for name in ("sport", "league")}
            if (
                is_of_player(ticket.player)
                and asked.fixture in ("", *(leg.fixture for leg in ticket.legs))
                and all(asked.fields[name] in ("", value) for name, value in about.items())
                and asked.number in (0, ticket.number)
                and ticket.risk_minor >= asked.least_minor
                and (not asked.most_minor or ticket.risk_minor <= asked.most_minor)
                and in_window(asked, ticket.placed_ns)
            ):
                found.append(ticket)
        return found

    def games(self) -> dict[str, Any]:
        """All games, by name."""
        return {game.name: game for game in self.folded.store.stored(HOUSE, Fixture)}

    def totals(self, stream: Stream, reader: Reader, asked: Asked) -> Page:
        games = self.games()
        sums: dict[str, Row] = {} if asked.by else {"": total_of("")}
        for ticket in self.picked(stream, reader, asked, games):
            place = games.get(ticket.fixture) if asked.by in ("sport", "league") else ticket
            total = sums.setdefault(key := getattr(place, asked.by, "") if asked.by else "", total_of(key))
            total["wagers"] += 1
            for name in ("risk_minor", "win_minor", "returned_minor"):
                total[name] += getattr(ticket, name) or 0
        rows = sorted(((-row["risk_minor"], key), row) for key, row in sums.items())
        if asked.after:
            risk, _, last = asked.after.partition(":")
            number = a_number(risk)
            rows = [row for row in rows if number is not None and row[0] > (-number, last)]
        return cut(rows, asked.limit, lambda key: f"{-key[0]}:{key[1]}")

    def wagers(self, stream: Stream, reader: Reader, asked: Asked) -> Page:
        games = self.games()
        scores = {one.fixture: one.confirmed for one in self.folded.store.stored(HOUSE, FixtureResult)}
        found = self.picked(stream, reader, asked, games)
        row = self.wager_row
        if asked.sort == "placed":
            return in_order([(one.number, row(stream, one, games, scores)) for one in found], asked)
        rows = sorted(((one.risk_minor, one.number), one) for one in found)
        if asked.order == "descending":
            rows.reverse()
        if asked.after:
            risk, number = map(a_number, asked.after.partition(":")[::2])
            if risk is None or number is None:
                return Page([])
            last = (risk, number)
            rows = [one for one in rows if (one[0] < last if asked.order == "descending" else one[0] > last)]
        shown = [(key, row(stream, one, games, scores)) for key, one in rows]
        return cut(shown, asked.limit, lambda key: f"{key[0]}:{key[1]}")

    def accounts(self, stream: Stream, reader: Reader, asked: Asked) -> Page:
        return standing.accounts(stream, reader, asked, self.now_ns)

    def risk(self, stream: Stream, reader: Reader, asked: Asked) -> Page:
        return standing.risk(stream, reader, asked, self.games())

    def find(self, stream: Stream, reader: Reader, asked: Asked) -> Page:
        games = self.games()
        tickets = {one.number: one for one in self.folded.store.stored(stream.name, Ticket)}

        def ticket(number: int) -> Row | None:
            return self.wager_row(stream, tickets[number], games, {}) if number in tickets else None

        return what_is_found(stream, reader, asked, [one for one in games.values() if one.age == "current"], ticket)

    def wager_row(self, stream: Stream, ticket: Ticket, games: dict[str, Any], scores: dict[str, Any]) -> Row:
        """A ticket as a page shows it. scores: those that are confirmed, by game."""
        words = [msgspec.to_builtins(in_words(games.get(leg.fixture), leg)) for leg in ticket.legs]
        legs = []
        for leg, row in zip(ticket.legs, words, strict=True):
            how: tuple[Any, ...] = (leg.ended.result, leg.ended.price, leg.ended.share) if leg.ended else (None,) * 3
            ended = dict(zip(("result", "counts_at", "share"), how, strict=True))
            score = msgspec.to_builtins(scores.get(leg.fixture))
            legs.append({**row, "status": leg.status, "score": score, **ended})
        names = ("player", "agent", "kind", "risk_minor", "win_minor", "writer", "channel", "placed_ns", "status")
        return {
            **words[0],
            **{name: getattr(ticket, name) for name in (*names, "number", "result", "returned_minor", "closed_ns")},
            "legs": legs,
            "score": legs[0]["score"],
            "selection": "; ".join(leg["selection"] for leg in legs),
            "void_reason": self.void_reason(stream.name, ticket),
        }

    def void_reason(self, stream: str, ticket: Ticket) -> str:
        """Why a ticket is void: what whoever voided it has said, or what the house has said of its game."""
        if ticket.status == "void":
            said = [
                getattr(event, "reason", "")
                for entry, event in self.entries(stream)
                if entry.type == "WagerVoided" and getattr(event, "wager", 0) == ticket.number
            ]
            return said[-1] if said else ""
        if ticket.result != "void":
            return ""
        entry, event = self.entries(HOUSE)[ticket.settlement - 1]
        if entry.type == "FixtureCancelled":
            return "the game was cancelled"
        score = getattr(event, "score", None)
        called = entry.type == "ResultConfirmed" and score is not None and score.length is not None
        return "the game was called before it was official" if called else "the game was not played in time"

    # The log

    def seen(self, stream: Stream, reader: Reader) -> list[tuple[Logged, Event, tuple[str, str]]]:
        """The entries that somebody may see, each with the node and the player whom it concerns."""
        found = []
        for entry, event in self.entries(stream.name):
            shown_to, (kind, fields) = type(event).shown_to.value, plain_event(event)
            if sees(stream, reader, shown_to, kind, fields):
                found.append((entry, event, concerns(stream, shown_to, fields)))
        return found

    def log(self, stream: Stream, reader: Reader, asked: Asked) -> Page:
        if asked.player and not reader.player:
            refuse_unless(is_below(stream, reader.node, agent_of(stream, asked.player)), "not_permitted")
        if asked.agent:
            refuse_unless(not reader.player and is_below(stream, reader.node, asked.agent), "not_permitted")
            known = isinstance(stream, Book) and asked.agent in stream.parents
            refuse_unless(known, "unknown_agent", agent=asked.agent)
        before = a_number(asked.after) if asked.after else 2**62
        rows = [
            (entry, event)
            for entry, event, (node, player) in reversed(self.seen(stream, reader))
            if before is not None
            and entry.seq < before
            and asked.type in ("", entry.type)
            and asked.actor in ("", entry.actor)
            and asked.role in ("", self.role_of(stream, reader, entry))
            and asked.permission in ("", self.model.used.get((stream.name, entry.seq), ""))
            and asked.player in ("", player)
            and (not asked.agent or self.is_about(stream, asked.agent, node, event))
            and (not asked.object or is_named(asked.object, plain_event(event)[1]))
            and in_window(asked, entry.at_ns)
        ][: asked.limit]
        items = [
            {
                **{name: getattr(entry, name) for name in ("seq", "at_ns", "actor", "command")},
                "session": entry.session if standing.is_mine(stream, reader, entry.actor) else "",
                "role": self.role_of(stream, reader, entry),
                "permission": self.model.used.get((stream.name, entry.seq), ""),
                "event": msgspec.json.decode(event_body(event)),
            }
            for entry, event in rows
        ]
        # A full page goes on wherever there is something before it in the window, seen or not.
        last = rows[-1][0].seq if len(rows) == asked.limit else 0
        first = next((one.seq for one, _ in self.entries(stream.name) if in_window(asked, one.at_ns)), 0)
        return Page(items, str(last) if last > first else "")

    def is_about(self, stream: Stream, agent: str, node: str, event: Event) -> bool:
        """Whether an event that concerns a node is one of an agent's part of the tree."""
        nodes = (node, *parted_from(*plain_event(event)))
        return node != EVERYONE and any(is_below(stream, agent, one) for one in nodes)

    def wager_life(self, stream: Stream, reader: Reader, asked: Asked) -> Page:
        """In which words something is explained is not predicted."""
        changed = {one.number: one for one in self.folded.store.stored(stream.name, Ticket)}
        ticket = changed.get(asked.number)
        if ticket is None or (reader.player and reader.player != ticket.player):
            return Page([])
        before = a_number(asked.after) if asked.after else 2**62
        if before is None or not is_below(stream, reader.node, agent_of(stream, ticket.player)):
            return Page([])
        rows: list[tuple[int, Row]] = []
        for entry, event, _ in reversed(self.seen(stream, reader)):
            if getattr(event, "wager", 0) == asked.number and entry.seq < before:
                actor = standing.actor_told(reader, entry.actor)
                shown = {"event": msgspec.json.decode(event_body(event)), "explain": ANYTHING}
                rows.append((entry.seq, {"seq": entry.seq, "at_ns": entry.at_ns, "actor": actor, **shown}))
        last = rows[asked.limit - 1][0] if len(rows) >= asked.limit else 0
        return Page([row for _, row in rows[: asked.limit]], str(last) if last > asked.number else "")

    def role_of(self, stream: Stream, reader: Reader, entry: Logged) -> str:
        """The role that who did something held at that moment, if they stand where the reader looks."""
        if not standing.is_mine(stream, reader, entry.actor):
            return ""
        if isinstance(stream, Book) and entry.actor in stream.players:
            return "player"
        found = ""
        for _, event in self.entries(stream.name)[: entry.seq - 1]:
            kind, fields = plain_event(event)
            if kind in ("UserCreated", "RoleAssigned") and fields["user"] == entry.actor:
                found = fields["after"] if kind == "RoleAssigned" else fields["role"]
            elif kind in ("HouseFounded", "BookStarted") and fields["owner"] == entry.actor:
                found = "owner"
        return found

    def what_if(self, stream: Stream, reader: Reader, asked: Asked) -> Page:
        book, top = standing.part_of(stream, reader, asked.node, asked.player)
        game = self.games().get(asked.fixture)
        if game is None:
            return Page([])
        of_game = [one for one in book.of_game.get(game.name, ()) if one.status == "open"]
        of_player = [one for one in of_game if asked.player in ("", one.player)]
        mine = [one for one in of_player if is_below(book, top, book.players[one.player].agent)]
        sums = supposed.summed(book, self.model.house, game, {"home": asked.home, "away": asked.away}, mine)
        rows = [(market, {"market": market, **row}) for market, row in sorted(sums.items()) if market > asked.after]
        return cut(rows, asked.limit)

    def result_money(self, stream: Stream, reader: Reader, asked: Asked) -> Page:
        refuse_unless("result_confirm" in reader.may, "not_permitted", permission="result_confirm")
        house, game = self.model.house, self.games().get(asked.fixture)
        known = {one.fixture: one.entered for one in self.folded.store.stored(HOUSE, FixtureResult)}
        score = msgspec.to_builtins(known.get(asked.fixture))
        rows = []
        for name in sorted(house.opened):
            if game is not None and score is not None and name > asked.after:
                book = self.model.books.get(name)
                tickets = [one for one in book.of_game.get(game.name, ()) if one.status != "void"] if book else []
                total = supposed.nothing()
                for row in supposed.summed(book, house, game, score, tickets).values() if book else ():
                    total = {what: total[what] + value for what, value in row.items()}
                rows.append((name, {"book": name, **total}))
        return cut(rows, asked.limit)

    def line_history(self, stream: Stream, reader: Reader, asked: Asked) -> Page:
        names = (HOUSE, stream.name)
        before = [len(self.entries(name)) + 1 for name in names]
        if asked.after:
            numbers = [a_number(text) for text in asked.after.split(":")]
            if len(numbers) != 2 or None in numbers:
                return Page([])
            before = [min(limit, number or 0) for limit, number in zip(before, numbers, strict=True)]
        found = []
        for place, name in enumerate(names):
            for entry, event in self.entries(name)[: max(before[place] - 1, 0)]:
                shown_to, (kind, fields) = type(event).shown_to.value, plain_event(event)
                is_meant = is_named(f"market:{asked.market}", fields) and "wager" not in fields
                shown = as_a_book_sees(kind, fields) if name == HOUSE else {"type": kind, **fields}
                if is_meant and shown is not None and sees(stream, reader, shown_to, kind, fields):
                    row = {"stream": name, **{of: getattr(entry, of) for of in ("seq", "at_ns")}}
                    row["actor"] = "" if name == HOUSE else standing.actor_told(reader, entry.actor)
                    row["event"] = msgspec.json.decode(msgspec.json.encode(shown))
                    found.append(((-entry.at_ns, place, -entry.seq), row))
        found = sorted(found, key=lambda one: one[0])[: asked.limit] if asked.market else []
        for (_, place, minus_seq), _ in found:
            before[place] = -minus_seq
        return Page([row for _, row in found], ":".join(map(str, before)) if len(found) == asked.limit else "")

    def trace(self, stream: Stream, reader: Reader, asked: Asked) -> Page:
        if not asked.command:
            return Page([])
        try:
            id_bytes(asked.command)
        except Rejected as rejected:
            raise Refused(rejected.code) from None
        items = []
        for entry, _, _ in self.seen(stream, reader):
            if entry.command == asked.command.lower():
                names = ("seq", "type", "actor", "node", "received_ns", "queued_ns", "decided_ns")
                batches = [one[1:] for one in self.kept.batches if one[0] == entry.node and one[1] >= entry.decided_ns]
                sealed_ns = batches[0][0] if batches else None
                durable_ns = (batches[1][1] or None) if len(batches) > 1 else None
                row = {name: getattr(entry, name) for name in names}
                items.append({**row, "sealed_ns": sealed_ns, "durable_ns": durable_ns})
        return Page(items)

    def refusals(self, stream: Stream, reader: Reader, asked: Asked) -> Page:
        """Those that the disk has. (They are in no log.)"""
        rows = []
        for key, one in self.kept.refusals.items():
            if (
                key[0] == stream.name
                and standing.is_mine(stream, reader, one.actor)
                and all(asked.fields[name] in ("", getattr(one, name)) for name in ("actor", "command", "code"))
                and (not asked.since or one.last_ns >= time_of(asked.since))
                and (not asked.until or one.first_ns < time_of(asked.until))
            ):
                row = {
                    **{name: getattr(one, name) for name in ("first_ns", "last_ns", "actor", "command", "code")},
                    "count": one.count,
                    "first_id": id_text(one.first_id) if any(one.first_id) else "",
                    "message": one.message,
                    "details": msgspec.json.decode(one.details),
                }
                rows.append(((one.minute, one.actor, one.command, one.code), row))
        rows.sort(key=lambda row: row[0], reverse=True)
        if asked.after:
            minute, *kind = asked.after.split(":")
            if not minute.isdecimal() or len(minute) > 18 or len(kind) != 3:
                return Page([])
            rows = [row for row in rows if row[0] < (int(minute), *kind)]
        return cut(rows, asked.limit, lambda key: ":".join(map(str, key)))
