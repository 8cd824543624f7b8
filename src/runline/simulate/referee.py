"""Referee: holds every outcome against what is durable, and against the oracle.

Rule: what is acknowledged stands in the log, once, at the position that was named; nothing that was told is ahead of the disk.
The oracle is told of each stream in the order of its log, and of a refusal at the position that it names.
"""

import msgspec

from runline.domain.messages import HOUSE
from runline.engine.ids import id_text
from runline.engine.ports import Stretch
from runline.engine.requests import Accepted, Outcome, Refused, Request
from runline.simulate.story import Wrong


class Made(msgspec.Struct):
    """What a command has made: the position of its first event, and how many there are."""

    first: int
    count: int


class Referee:
    """Follows the disk's log. heads: how far each stream is durable. made: by stream, what each command has made."""

    def __init__(self) -> None:
        self.heads: dict[str, int] = {}
        self.hashes: dict[str, bytes] = {}
        self.made: dict[str, dict[bytes, Made]] = {}
        self.answers: dict[tuple[str, str], bytes] = {}
        self.told: dict[str, int] = {}
        self.requests: dict[str, Request] = {}
        self.ended: dict[tuple[str, str], int] = {}
        self.events = 0

    def durable(self, stretches: list[Stretch]) -> None:
        """A batch is durable. Raises Wrong."""
        for stretch in stretches:
            stream = stretch.before.stream
            made = self.made.setdefault(stream, {})
            for _, seq, command, _, _, _ in stretch.events:
                if seq != self.heads.get(stream, 0) + 1:
                    raise Wrong(f"{stream}: position {seq} follows {self.heads.get(stream, 0)} in the log")
                self.heads[stream] = seq
                known = made.get(command)
                if known is None:
                    made[command] = Made(seq, 1)
                elif known.first + known.count == seq:
                    known.count += 1
                else:
                    raise Wrong(
                        f"{stream}: command {id_text(command)} was executed at {known.first} and again at {seq}"
                    )
            self.events += len(stretch.events)
            if stretch.after.seq != self.heads.get(stream, 0):
                raise Wrong(f"{stream}: the head says {stretch.after.seq}, the log ends at {self.heads.get(stream, 0)}")

    def outcome(self, request: Request, outcome: Outcome) -> None:
        """An outcome is given. Raises Wrong."""
        stream = request.stream
        head = self.heads.get(stream, 0)
        if outcome.position > head:
            raise Wrong(
                f"{stream}: {type(request.command).__name__} was answered at position {outcome.position}, {head} is durable"
            )
        if isinstance(outcome, Refused):
            if outcome.code == "internal_error":
                raise Wrong(f"{stream}: {type(request.command).__name__}: {outcome.message}")
        elif isinstance(outcome, Accepted) and outcome.events:
            self.acknowledged(stream, request.id, outcome.position, len(outcome.events))

    def acknowledged(self, stream: str, command_id: str, position: int, events: int) -> None:
        """Somebody was told that a command was executed. Raises Wrong."""
        made = self.made.get(stream, {}).get(bytes.fromhex(command_id.replace("-", "")))
        if made is None or made.count != events:
            found = made.count if made else 0
            raise Wrong(f"{stream}: {command_id} was acknowledged with {events} events, {found} are durable")
        if made.first + made.count - 1 > position:
            raise Wrong(f"{stream}: {command_id} was acknowledged at {position}, and stands at {made.first}")

    def answered(self, stream: str, command_id: str, events: bytes, repeated: bool) -> None:
        """A client has an answer, with what has happened. Raises Wrong if there was another one before."""
        if len(events) > len(b"[]}"):
            if self.answers.setdefault((stream, command_id), events) != events:
                raise Wrong(f"{stream}: {command_id} was answered otherwise before")
        elif repeated:
            raise Wrong(f"{stream}: {command_id} is said to be repeated, and has made nothing")

    def told_position(self, stream: str, position: int) -> None:
        """A client was told of a position. Raises Wrong if that is not durable."""
        if position > self.heads.get(stream, 0):
            raise Wrong(f"{stream}: position {position} was told, {self.heads.get(stream, 0)} is durable")

    def seen(self, stream: str, session: str, position: int, house: int) -> None:
        """A screen shows what was so at a position. Raises Wrong if that is not durable, or behind the end of its session."""
        self.told_position(stream, position)
        self.told_position(HOUSE, house)
        ended = self.ended.get((stream, session))
        if ended is not None and position > ended:
            raise Wrong(f"{stream}: position {position} is seen in a session that has ended at {ended}")

    def was_used(self, stream: str, command_id: str) -> None:
        """A client was told that an id was used before. Raises Wrong if it was not."""
        if bytes.fromhex(command_id.replace("-", "")) not in self.made.get(stream, {}):
            raise Wrong(f"{stream}: {command_id} is said to be used, and was not")
