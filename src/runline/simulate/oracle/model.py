"""Model: all streams as they must be, and what each command must lead to."""

from typing import Any

from runline.simulate.oracle import accounts as _accounts
from runline.simulate.oracle import agents as _agents
from runline.simulate.oracle import board as _board
from runline.simulate.oracle import cluster as _cluster
from runline.simulate.oracle import guard as _guard
from runline.simulate.oracle import large_wagers as _large_wagers
from runline.simulate.oracle import lines as _lines
from runline.simulate.oracle import pages as _pages
from runline.simulate.oracle import pairs as _pairs
from runline.simulate.oracle import placing as _placing
from runline.simulate.oracle import rosters as _rosters
from runline.simulate.oracle import sessions as _sessions
from runline.simulate.oracle import settlement as _settlement
from runline.simulate.oracle import watch as _watch
from runline.simulate.oracle.answers import Event, Prediction, Refusal, Refused, difference
from runline.simulate.oracle.calendar import Calendar
from runline.simulate.oracle.figures import entries_of, figures_of
from runline.simulate.oracle.people import sender_of
from runline.simulate.oracle.preview import moves
from runline.simulate.oracle.rules import GROUNDS, RULES, TAKES, Asked, Moment
from runline.simulate.oracle.sessions import a_session
from runline.simulate.oracle.state import HOUSE, ROOT, Book, House, Stream
from runline.simulate.oracle.text import a_line, a_reason

NOUNS = (
    _accounts, _agents, _board, _cluster, _guard, _large_wagers, _lines, _pages, _pairs, _placing, _rosters,
    _sessions, _settlement, _watch,
)  # fmt: skip
"""What is imported for the rules that it enters."""

REQUIRED = object()
"""Stands for a field that must be said, in the shapes of commands."""

VIEWS_MOST = 4
"""So many are kept: one goes only forward, and what is asked for goes to and fro a little."""

Shapes = dict[str, dict[str, Any]]


def frozen(value: Any) -> Any:
    """A plain value whose lists are tuples, so that it can be compared."""
    if isinstance(value, list | tuple):
        return tuple([frozen(one) for one in value])
    if isinstance(value, dict):
        return {name: frozen(one) if isinstance(one, list | tuple | dict) else one for name, one in value.items()}
    return value


class Model:
    """The house and its books.

    shapes: of each command its fields, each with its default or REQUIRED.
    """

    def __init__(self, shapes: Shapes) -> None:
        self.said = {
            command: frozen({name: default for name, default in fields.items() if default is not REQUIRED})
            for command, fields in shapes.items()
        }
        """What a command says that does not say it."""
        self.calendar = Calendar()
        self.house = House(HOUSE)
        self.books: dict[str, Book] = {}
        self.nodes: dict[str, bool] | None = None
        """Those that share the streams. See `Moment`."""
        self.happened: list[tuple[int, Event]] = []
        """What has happened in the house: (time, event), from position 1 on."""
        self.used: dict[tuple[str, int], str] = {}
        """By stream and position, the permission that whoever made it happen needed for their command; of others nothing."""
        self.views: list[House] = []
        """The house as it was a little before."""

    def stream(self, name: str) -> Stream:
        """A stream; a book is there from the first time that somebody asks for it."""
        return self.house if name == HOUSE else self.books.setdefault(name, Book(name))

    def view(self, seq: int | None) -> House:
        """The house as it was at a position; None: as it is now."""
        if seq is None or seq == self.house.seq:
            return self.house
        before = [view for view in self.views if view.seq <= seq]
        if before:
            view = max(before, key=lambda one: one.seq)
        else:
            self.views = [*sorted(self.views, key=lambda one: one.seq)[-VIEWS_MOST + 1 :], House(HOUSE)]
            view = self.views[-1]
        for at_ns, event in self.happened[view.seq : seq]:
            self.happens(view, at_ns, event)
        return view

    def judge(
        self,
        stream: str,
        at_ns: int,
        actor: str,
        name: str,
        fields: dict[str, Any],
        *,
        house_seq: int | None = None,
        session: str = "",
        if_position: int | None = None,
        house_lag_ms: int = 0,
        looked_seq: int | None = None,
    ) -> Prediction:
        """What a command must lead to, at a time, in the state as it is. Changes nothing."""
        if name not in RULES:
            return Prediction(known=False)
        state, rule = self.stream(stream), RULES[name]
        asked = Asked({**self.said[name], **frozen(fields)})
        try:
            if state.kind not in rule.streams:
                raise Refused("wrong_stream")
            user = sender_of(state, rule, actor)
            if session:
                used = a_session(state, session, user, at_ns)
                if at_ns >= used.idle_until_ns and not rule.urgent:
                    raise Refused("password_needed")
            view = self.house if stream == HOUSE else self.view(house_seq)
            moment = Moment(at_ns, user, session, view, house_lag_ms, self.calendar, looked_seq, self.nodes)
            moved_seq = GROUNDS[name](state, asked) if if_position is not None else 0
            has_moved = if_position is not None and moved_seq > if_position
            try:
                for field in rule.reasons:
                    a_reason(asked.fields[field])
                for field in rule.remarks:
                    a_line(asked.fields[field])
                events = tuple(rule.decide(state, asked, moment))
            except Refused as refused:
                # Whether something has changed is not told to those to whom it is foreign.
                if has_moved and not (user.node != ROOT and may_be_foreign(refused.refusal.code)):
                    raise Refused("position_moved", position=moved_seq) from None
                raise
            if has_moved:
                raise Refused("position_moved", position=moved_seq)
        except Refused as refused:
            return Prediction(refusal=refused.refusal)
        return Prediction(events)

    def accepted(
        self, stream: str, seq_first: int, at_ns: int, actor: str, name: str, fields: dict[str, Any], **ground: Any
    ) -> Prediction:
        """What an accepted command must have led to; the model takes it. seq_first: of its first event."""
        state = self.stream(stream)
        assert seq_first == state.seq + 1, f"{stream} stands at {state.seq}, not before {seq_first}"
        prediction = self.judge(stream, at_ns, actor, name, fields, **ground)
        self.take(stream, at_ns, actor, name, fields, prediction)
        return prediction

    def take(
        self, stream: str, at_ns: int, actor: str, name: str, fields: dict[str, Any], prediction: Prediction
    ) -> None:
        """What was predicted has happened."""
        state = self.stream(stream)
        for event in prediction.events:
            self.happens(state, at_ns, event)
            if RULES[name].needs:
                self.used[stream, state.seq] = RULES[name].needs
            if stream == HOUSE:
                self.happened.append((at_ns, event))
        if name == "PostLines" and prediction.refusal is None and not prediction.events:
            _board.repeated(self.house, fields["fixture"], actor, fields["entered_ns"])

    def refused(
        self,
        stream: str,
        position: int,
        at_ns: int,
        actor: str,
        name: str,
        fields: dict[str, Any],
        code: str,
        details: dict[str, Any] | None = None,
        **ground: Any,
    ) -> tuple[bool, Prediction]:
        """Whether a refusal is right, and what is."""
        state = self.stream(stream)
        assert position == state.seq, f"{stream} stands at {state.seq}, not at {position}"
        prediction = self.judge(stream, at_ns, actor, name, fields, **ground)
        return not prediction.known or refusal_difference(prediction, code, details) == "", prediction

    def happens(self, state: Stream, at_ns: int, event: Event) -> None:
        """An event happens in a stream."""
        state.seq += 1
        state.at_ns = at_ns
        TAKES[event.name](state, Asked(event.fields))

    def moves(self, stream: str, actor: str, events: tuple[Event, ...]) -> dict[str, Any]:
        """What events would move that have not happened, as far as whoever asks may see it."""
        state = self.stream(stream)
        return moves(state, actor, events) if isinstance(state, Book) else {}

    def figures(self, stream: str) -> dict[str, Any]:
        """All that stands in a stream, and what follows from it."""
        return figures_of(self.stream(stream))

    def entries(self, stream: str) -> dict[int, dict[str, Any]]:
        """The entries of a book's ledger, by position."""
        state = self.stream(stream)
        return entries_of(state) if isinstance(state, Book) else {}


def may_be_foreign(code: str) -> bool:
    """Whether what a command is about may be another's that is refused so: as foreign or unknown, or before anybody has looked
    whose it is, for what is wrong with the request itself."""
    return code in ("not_permitted", "already_exists") or code.startswith("unknown_") or code.endswith("_invalid")


def refusal_difference(prediction: Prediction, code: str, details: dict[str, Any] | None) -> str:
    """In what a refusal differs from the one that must be; "" if it is right. Only what the model knows of its values counts."""
    if prediction.refusal is None:
        return f"refused as {code}, but it makes {[event.name for event in prediction.events]}"
    expected: Refusal = prediction.refusal
    if expected.code != code:
        return f"refused as {code}, not as {expected.code} {expected.details}"
    known = {name: value for name, value in (details or {}).items() if name in expected.details}
    return difference(expected.details, known, code) if details is not None else ""


def events_difference(expected: tuple[Event, ...], actual: list[tuple[str, dict[str, Any]]]) -> str:
    """In what events differ from those that must be; "" if they are right."""
    names, found = [event.name for event in expected], [name for name, _ in actual]
    if names != found:
        return f"{found} happened, not {names}"
    for event, (_, fields) in zip(expected, actual, strict=True):
        sentences = {name: fields.get(name) for name, value in event.fields.items() if value == _board.ANYTHING}
        told = difference({**event.fields, **sentences}, fields, event.name)
        if told:
            return told
    return ""
