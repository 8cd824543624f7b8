"""Watched: whether a screen is shown what it may be shown, and all of that, by the oracle's tree and permissions.

Rule: an event is looked at where nothing that changes who sees what has happened since; there the hub saw what the oracle sees.
Rows are compared once everything is quiet: those of a screen are what the oracle's pages of the same name are.
"""

from typing import Any

import msgspec

from runline.domain.messages import HOUSE
from runline.simulate.oracle import asking
from runline.simulate.oracle.answers import Refused
from runline.simulate.oracle.asking import Reader
from runline.simulate.oracle.large_wagers import is_large
from runline.simulate.oracle.people import may
from runline.simulate.oracle.rules import Asked
from runline.simulate.oracle.sight import as_a_book_sees, sees
from runline.simulate.oracle.state import Book, Stream
from runline.simulate.pages import Pages, rows_difference, without_times
from runline.simulate.story import Wrong
from runline.simulate.told import plain_event

EVERYTHING = 10**9

QUERIES = {
    "lines": ("board", "fixture"),
    "exposure": ("exposure", "market"),
    "agents": ("figures", "agent"),
    "players": ("players", "player"),
}
"""What the rows of a topic are, as a query, and by what they are told apart."""

LARGE_OTHERWISE = ("LargeWagerSet", "LimitsSet")
"""The events after which other wagers are large than before."""


class Watched:
    """What screens are shown, held against the oracle."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.judging = pages.judging

    def reader(self, screen: Any, now_ns: int | None) -> Reader:
        """Who looks at a screen. now_ns: the time, if their session must go on. Raises Refused."""
        stream = self.judging.model.stream(screen.person.stream)
        if now_ns is not None:
            reader = asking.reader_now(stream, screen.session, now_ns)
        else:
            held = stream.sessions.get(screen.session)
            if held is None:
                raise Refused("not_signed_in")
            user = stream.users[held.user]
            reader = Reader(user, user.node, may(stream, user))
        return Reader(reader.user, screen.node or reader.node, reader.may)

    # Events

    def frame(self, screen: Any, frame: Any) -> None:
        """A frame with events comes, which joins the one before. Raises Wrong."""
        told = {
            topic: frame.topics[topic]["events"]
            for topic in ("wagers", "log", "notifications")
            if topic in frame.topics
        }
        notified = "notifications" in screen.topics
        if not (told or notified) or frame.kind not in ("image", "delta"):
            return
        name = screen.person.stream
        if name != HOUSE:
            self.of_the_house(told.get("notifications", []))
        self.judging.judge_up_to(name, frame.position)
        entries = self.pages.back.entries(name)
        first = min([one["seq"] for events in told.values() for one in events], default=frame.position + 1)
        if frame.kind == "delta":
            first = min(first, frame.after + 1)
        if any(type(event).changes_sight for _, event in entries[first - 1 :]):
            self.pages.counted["frames while somebody's sight changed"] += 1
            return
        stream = self.judging.model.stream(name)
        try:
            reader = self.reader(screen, None)
        except Refused:
            return
        if notified and isinstance(stream, Book):
            self.large_wagers(frame, stream, reader, told.get("notifications", []), first)
        for topic, events in told.items():
            seen = [one["seq"] for one in events if one.get("stream", name) == name]
            for seq in seen:
                if not self.sees(stream, reader, seq):
                    raise Wrong(f"{topic} at {frame.position} shows {entries[seq - 1][0].type}, which is not for them")
            if topic == "log" and frame.kind == "delta":
                all_seen = [seq for seq in range(frame.after + 1, frame.position + 1) if self.sees(stream, reader, seq)]
                if all_seen != seen:
                    raise Wrong(
                        f"the log from {frame.after} to {frame.position} shows {seen}, and must show {all_seen}"
                    )
            self.pages.counted[f"events of {topic}"] += len(seen)

    def large_wagers(self, frame: Any, stream: Book, reader: Reader, events: list[Any], first: int) -> None:
        """Who looks at a node is told of the wagers that are large there, and of no others. first: the position from which on
        the frame tells something. Raises Wrong."""
        entries = self.pages.back.entries(stream.name)
        if any(type(event).__name__ in LARGE_OTHERWISE for _, event in entries[first - 1 :]):
            self.pages.counted["frames while other wagers became large"] += 1
            return
        told = [one["seq"] for one in events if one["kind"] == "large_wager"]
        looked_at = range(frame.after + 1, frame.position + 1) if frame.kind == "delta" else told
        large = [
            seq
            for seq in looked_at
            for kind, fields in [plain_event(entries[seq - 1][1])]
            if kind == "WagerPlaced" and is_large(stream, reader.node, fields["risk_minor"])
            if self.sees(stream, reader, seq)
        ]
        if told != large:
            raise Wrong(
                f"from {first} to {frame.position} the wagers {told} are large at {reader.node}, must be {large}"
            )
        self.pages.counted["large wagers"] += len(told)

    def of_the_house(self, events: list[Any]) -> None:
        """A book is told of the house's events no more than a book sees. Raises Wrong."""
        entries = self.pages.back.entries(HOUSE)
        for one in events:
            if one["stream"] == HOUSE:
                expected = as_a_book_sees(*plain_event(entries[one["seq"] - 1][1]))
                shown = without_times(one["event"])
                if one["actor"] or shown != msgspec.json.decode(msgspec.json.encode(expected)):
                    raise Wrong(f"a book is told of the house, by {one['actor']!r}: {shown}, and must be: {expected}")
                self.pages.counted["events of the house"] += 1

    def sees(self, stream: Stream, reader: Reader, seq: int) -> bool:
        """Whether somebody may see what stands at a position of their stream."""
        event = self.pages.back.entries(stream.name)[seq - 1][1]
        return sees(stream, reader, type(event).shown_to.value, *plain_event(event))

    # Rows

    def rows(self, screen: Any, now_ns: int, house_ns: int) -> int:
        """All is quiet, and durable: what a screen has put together is what is so. now_ns: the time of whoever owns its stream;
        house_ns: of whoever owns the house. Returns how many rows it has. Raises Wrong."""
        name = screen.person.stream
        model = self.judging.model
        stream, house = model.stream(name), model.house
        try:
            reader = self.reader(screen, now_ns)
        except Refused:
            return 0
        # Nothing has happened to what should have changed by now, where a timer was set aside.
        late = {subject for what, _, subject in (*house.aside.values(), *stream.aside.values()) if what == "timer"}
        # Nor where a game has begun by the one clock and not by the other: screens are told of it by the house.
        before_ns, after_ns = sorted((now_ns, house_ns))
        late |= {game.name for game in house.games.values() if before_ns < game.start_ns <= after_ns}
        count = 0
        for topic, rows in screen.told.rows.items():
            query, key = QUERIES[topic]
            fields = dict.fromkeys(("after", "league", "fixture", "player", "agent", "parent", "node"), "")
            asked = Asked({**fields, "status": "scheduled", "limit": EVERYTHING})
            show = asking.QUERIES[query].show
            assert show is not None
            there = [] if topic == "agents" and reader.player else show(stream, house, reader, asked, now_ns).items
            expected = {row[key]: row for row in there}
            found = {one: without_times(row) for one, row in rows.items() if is_there(topic, row)}
            if set(expected) != set(found):
                raise Wrong(f"{screen.name}: {topic} are {sorted(expected)}, and it shows {sorted(found)}")
            shown = [one for one in expected if one not in late]
            told = rows_difference([expected[one] for one in shown], [found[one] for one in shown])
            if told:
                raise Wrong(f"{screen.name}: {topic}: {told}")
            count += len(found)
        return count


def is_there(topic: str, row: dict[str, Any]) -> bool:
    """Whether a row of a topic is one of the query of the same name: games that are on the board, markets with open wagers."""
    return row["status"] == "scheduled" if topic == "lines" else bool(row["wagers"]) if topic == "exposure" else True
