"""Judging: every command that was accepted or refused, judged once more by the oracle.

Rule: the oracle is told of each stream in the order of its log. What order and time cannot tell (as of when a refusal was judged,
which position of the house a book had seen) may be anything between when it was asked and when it was answered.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any

import msgspec

from runline.domain.execution import time_of
from runline.domain.messages import HOUSE, Event
from runline.domain.placed import TicketPlaced
from runline.domain.tickets import Ticket
from runline.domain.vocabulary import Vocabulary
from runline.engine.envelope import Logged, content_digest, decode_envelope
from runline.engine.ports import EventRow, Stretch
from runline.engine.requests import Accepted, Outcome, Previewed, Refused, Request
from runline.simulate.excuses import Excuses
from runline.simulate.figures import figures
from runline.simulate.oracle import Model, Prediction, events_difference, refusal_difference
from runline.simulate.oracle.answers import difference
from runline.simulate.oracle.settlement import looks
from runline.simulate.story import Wrong
from runline.simulate.told import plain, plain_event, shapes

UNJUDGED = frozenset(
    ("busy", "unavailable", "command_reused", "stale_command", "command_ahead", "command_id_invalid", "wrong_stream",
     "unknown_book", "not_here", "not_signed_in", "too_long", "too_many", "too_large", "malformed_command",
     "unknown_node", "node_drains", "no_other_node")
)  # fmt: skip
"""What is refused for before a rule of the field is asked, or for what is no rule, as which nodes there are."""


class Taken:
    """What a command has made, as it stands in the log, and from where to where the house was then."""

    __slots__ = ("house", "rows")

    def __init__(self, rows: list[EventRow], house: tuple[int, int]) -> None:
        self.rows = rows
        self.house = house


class Judging:
    """The oracle beside a run. requests: by id, as they came."""

    def __init__(self, vocabulary: Vocabulary, excuses: Excuses) -> None:
        self.vocabulary = vocabulary
        self.excuses = excuses
        self.model = Model(shapes(vocabulary))
        self.requests: dict[str, list[Request]] = {}
        self.waiting: dict[str, deque[Taken]] = {}
        self.house = 0
        self.house_before = 0
        self.seen: dict[str, tuple[int | None, int | None]] = {}
        self.keepers: dict[str, Any] = {}
        self.read_at: dict[str, int] = {}
        self.counted: Counter[str] = Counter()
        self.passing: Callable[[str, int], None] = lambda stream, seq: None
        """Is told where the oracle stands before it goes beyond."""

    def asked(self, request: Request) -> None:
        """A command is on its way to its stream."""
        self.requests.setdefault(request.id, []).append(request)

    def durable(self, stretches: list[Stretch], seen: int | None = None) -> None:
        """A batch is durable. seen: the least position of the house that a process has seen, where one follows it from afar."""
        for stretch in stretches:
            # What is in a batch was judged after the one before the last of its stream was durable.
            earlier, later = self.seen.get(stretch.before.stream, (None, None))
            self.seen[stretch.before.stream] = later, seen
            known = [one for one in (earlier, later, seen, self.house_before) if one is not None]
            house = min(known), self.house
            waiting = self.waiting.setdefault(stretch.before.stream, deque())
            last = b""
            for row in stretch.events:
                if row[2] == last:
                    waiting[-1].rows.append(row)
                else:
                    waiting.append(Taken([row], house))
                last = row[2]
            if stretch.before.stream == HOUSE:
                self.house_before, self.house = self.house, stretch.after.seq

    def judge_up_to(self, stream: str, position: int) -> None:
        """Judge what stands in a stream's log up to a position. Raises Wrong."""
        waiting = self.waiting.get(stream)
        while waiting and waiting[0].rows[0][1] <= position:
            self.judge_taken(stream, waiting.popleft())

    def judge_all(self) -> None:
        """Judge what stands in all logs. Raises Wrong."""
        for stream in list(self.waiting):
            self.judge_up_to(stream, 2**62)

    def judge_taken(self, stream: str, taken: Taken) -> None:
        """Judge what was accepted. Raises Wrong."""
        entries: list[Logged] = [decode_envelope(row[4]) for row in taken.rows]
        first = entries[0]
        self.passing(stream, first.seq)
        request = self.sent(first)
        events = [entry.event(self.vocabulary) for entry in entries]
        name, fields = type(request.command).__name__, plain(request.command)
        ground: dict[str, Any] = {"session": first.session, "if_position": request.if_position}
        told, seen, prediction = "", self.houses(stream, events, taken.house), Prediction()
        looked = looks(self.model.books[stream], fields["job"]) if name == "DoSlice" else [None]
        for house_seq, ground["looked_seq"] in product(seen, looked):
            if stream != HOUSE:
                self.judge_up_to(HOUSE, house_seq)
                ground["house_seq"] = house_seq
            prediction = self.model.judge(stream, first.at_ns, first.actor, name, fields, **ground)
            told = difference_of(prediction, events)
            if not told:
                break
        self.counted["accepted"] += 1
        if told:
            raise Wrong(f"{stream} #{first.seq}, {first.actor} sent {name} {fields} at {first.at_ns}: {told}")
        if self.model.stream(stream).seq != first.seq - 1:
            raise Wrong(f"{stream} #{first.seq}: {name} follows {self.model.stream(stream).seq}")
        self.model.take(stream, first.at_ns, first.actor, name, fields, prediction)
        if stream == HOUSE:
            for entry in entries:
                self.excuses.happened(entry)
        elif name == "PlaceWager":
            self.excuses.took(self.model.books[stream].tickets[first.seq].house_seq, first)
        if self.model.stream(stream).seq != entries[-1].seq:
            raise Wrong(f"{stream} #{first.seq}: {name} is not predicted")

    def sent(self, entry: Logged) -> Request:
        """What was sent of which this came. Raises Wrong."""
        found = self.requests.pop(entry.command, [])
        if len(found) > 1 and entry.digest:
            found = [one for one in found if content_digest(entry.actor, one.command) == entry.digest]
        if not found:
            raise Wrong(f"{entry.stream} #{entry.seq}: nobody has sent {entry.command}")
        return found[0]

    def forget(self, request: Request) -> None:
        """A request was answered, and has made nothing."""
        found = self.requests.get(request.id)
        if found is not None:
            found[:] = [one for one in found if one is not request]
            if not found:
                del self.requests[request.id]

    def houses(self, stream: str, events: list[Event], house: tuple[int, int]) -> list[int]:
        """At which positions of the house a book may have judged."""
        if stream == HOUSE:
            return [0]
        said = getattr(events[0], "house_seq", None) if isinstance(events[0], TicketPlaced) else None
        return [said] if said is not None else positions(house)

    def outcome(
        self, request: Request, outcome: Outcome, house: tuple[int, int], times: tuple[int, int], *, owns: bool = True
    ) -> None:
        """Something was answered. house, times: of the house's view, and the time: as it was asked, and now. owns: whether who
        answers owns the stream still. Raises Wrong."""
        stream = request.stream
        if isinstance(outcome, Accepted) and outcome.repeated:
            self.forget(request)
            return
        if isinstance(outcome, Refused) and outcome.code in UNJUDGED:
            if outcome.code != "unavailable":
                # What is unavailable may be durable, and not known to be.
                self.forget(request)
            self.counted[f"not judged: {outcome.code}"] += 1
            return
        self.judge_up_to(stream, outcome.position)
        if isinstance(outcome, Accepted) and outcome.events:
            return
        self.forget(request)
        state = self.model.stream(stream)
        if state.seq != outcome.position:
            self.counted["not judged: late"] += 1
            return
        if not owns and (stream == HOUSE or (isinstance(outcome, Refused) and outcome.code == "position_moved")):
            # What is in mind of a stream and in no row, only its owner's mind is known of.
            self.counted["not judged: another owns it"] += 1
            return
        name, fields = type(request.command).__name__, plain(request.command)
        ground: dict[str, Any] = {"session": request.session, "if_position": request.if_position}
        if isinstance(outcome, Refused) and outcome.code == "house_stale":
            ground["house_lag_ms"] = outcome.details["lag_ms"]
        if self.may_have_gone(request, outcome):
            self.counted["not judged: may have gone"] += 1
            return
        told = ""
        clocks = [*times[::-1], said_ns(outcome, times)]
        if state.at_ns > max(times):
            # It was set forth and back meanwhile.
            clocks.append(state.at_ns)
        for at_ns in dict.fromkeys(time_in(state.at_ns, now_ns) for now_ns in clocks):
            for house_seq in positions(house):
                if stream != HOUSE:
                    self.judge_up_to(HOUSE, house_seq)
                    ground["house_seq"] = house_seq
                prediction = self.model.judge(stream, at_ns, request.actor, name, fields, **ground)
                told = outcome_difference(prediction, outcome) or self.moves_difference(request, prediction, outcome)
                if not told:
                    if owns:
                        self.agreed(stream, outcome, at_ns, request.actor, name, fields, prediction)
                    return
        raise Wrong(f"{stream} at {outcome.position}, {request.actor} sent {name} {fields} at {times[1]}: {told}")

    def moves_difference(self, request: Request, prediction: Prediction, outcome: Outcome) -> str:
        """In what a preview's moves differ from those that there would be."""
        if not isinstance(outcome, Previewed):
            return ""
        moved: dict[str, Any] = msgspec.to_builtins(outcome.moves)
        for case in moved["worst"].values():
            del case["outcome"]
        shown = self.model.moves(request.stream, request.actor, prediction.events)
        return difference(shown, moved, "a preview's moves") if request.stream != HOUSE else ""

    def agreed(
        self,
        stream: str,
        outcome: Outcome,
        at_ns: int,
        actor: str,
        name: str,
        fields: dict[str, Any],
        prediction: Prediction,
    ) -> None:
        """The oracle says the same."""
        self.counted[type(outcome).__name__.lower()] += 1
        if isinstance(outcome, Accepted):
            # It changes nothing, but may be kept in mind.
            self.model.take(stream, at_ns, actor, name, fields, prediction)

    def compare(self, stream: str, state: Any, tickets: Iterable[Ticket]) -> None:
        """Compare what a stream says of money and authority with what the oracle says, where both stand at one position. Raises
        Wrong."""
        model = self.model.stream(stream)
        if model.seq != state.seq:
            self.counted["not compared"] += 1
            return
        self.counted["compared"] += 1
        told = difference(self.model.figures(stream), figures(state, tickets))
        if told:
            raise Wrong(f"{stream} at {state.seq}: {told}")

    def kept_by(self, stream: str, writer: Any) -> None:
        """What is in mind of a stream and in no row goes with whoever has it."""
        if writer is not None and writer is not self.keepers.get(stream):
            self.keepers[stream] = writer
            self.read_at[stream] = writer.state.derived_seq
            if stream == HOUSE:
                self.model.house.repeated.clear()

    def may_have_gone(self, request: Request, outcome: Outcome) -> bool:
        """Whether something is said to have changed at the position at which its stream was read last: what was deleted before
        may have been deleted then."""
        if not isinstance(outcome, Refused) or outcome.code != "position_moved":
            return False
        read_at = self.read_at.get(request.stream, 0)
        return outcome.details.get("position") == read_at > (request.if_position or 0)


def said_ns(outcome: Outcome, times: tuple[int, int]) -> int:
    """The time at which something was refused, if the refusal says it and may say so."""
    said = outcome.details.get("now_ns") if isinstance(outcome, Refused) else None
    return said if isinstance(said, int) and times[0] <= said <= times[1] else times[0]


def time_in(last_ns: int, now_ns: int) -> int:
    """The time of a stream, by that of its last event and the clock."""
    return now_ns if now_ns > last_ns else time_of(last_ns, now_ns)


def positions(between: tuple[int, int]) -> list[int]:
    """Every position of the house between two, the last first."""
    return list(range(between[1], min(between) - 1, -1))


def difference_of(prediction: Prediction, events: Sequence[Event]) -> str:
    """In what events differ from those that must be."""
    if not prediction.known:
        return ""
    if prediction.refusal is not None:
        return f"it is accepted, and must be refused: {prediction.refusal}"
    return events_difference(prediction.events, [plain_event(event) for event in events])


def outcome_difference(prediction: Prediction, outcome: Outcome) -> str:
    """In what an outcome differs from the one that must be."""
    if isinstance(outcome, Refused):
        if not prediction.known:
            return ""
        return refusal_difference(prediction, outcome.code, outcome.details)
    if isinstance(outcome, Previewed | Accepted):
        return difference_of(prediction, outcome.events)
    return ""
