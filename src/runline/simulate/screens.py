"""Screens: people who follow topics live, as a client does: frames that join, a resume after each end, an image where it must be.

Rule: what a screen has seen is complete: each frame begins where the last one has ended, and what its frames amount to is what
the queries of the same name answer at that position. Nobody sees anything that is after the event that took it from them.
"""

from itertools import pairwise
from typing import Any

from runline.client.frames import ENDS, Follower, Frame, Gap, Parser, Reset
from runline.gateway.tokens import session_name
from runline.simulate.network import Pipe, request
from runline.simulate.people import Person
from runline.simulate.story import Wrong

PAUSE_S = 0.05
PAUSE_S_MAX = 2.0
SILENCE_S = 15.0
AGAIN = (429, 502, 503, 504)

EVENTS = ("wagers", "log", "notifications")
"""The topics in which every event counts."""


HANDED_OVER = ("taken over", "stream adopted by another")
"""The faults by which a stream goes from one living process to another: who was replaced may show what was so before."""


class Told:
    """What a screen has been told: rows by topic and key, and the position of the last event in each topic of events."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.last: dict[str, int] = {}
        self.position = 0

    def take(self, person: Person, frame: Frame) -> None:
        """A frame that joins the one before. Raises Wrong."""
        for topic, told in frame.topics.items():
            if topic in EVENTS:
                self.take_events(person, frame, topic, told["events"])
            elif topic == "figures":
                self.take_rows("agents", "agent", told["whole"], told["rows"])
                self.take_rows("players", "player", told["whole"], told["players"])
            elif topic in ("lines", "exposure"):
                self.take_rows(topic, "fixture" if topic == "lines" else "market", told["whole"], told["rows"])
        if frame.id:
            self.position = frame.position

    def take_rows(self, name: str, key: str, whole: bool, rows: list[Any]) -> None:
        if whole:
            self.rows[name] = {}
        self.rows.setdefault(name, {}).update((row[key], row) for row in rows)

    def take_events(self, person: Person, frame: Frame, topic: str, events: list[Any]) -> None:
        seqs = [one["seq"] for one in events if one.get("stream", person.stream) == person.stream]
        if any(later <= earlier for earlier, later in pairwise(seqs)):
            raise Wrong(f"the events of {topic} come as {seqs}")
        if seqs and (seqs[-1] > frame.position or (frame.kind == "delta" and seqs[0] <= self.last.get(topic, 0))):
            raise Wrong(f"{topic} up to {frame.position} has {seqs}, and {self.last.get(topic, 0)} was told before")
        if topic == "wagers" and person.user.startswith("P"):
            others = [
                one["event"]["player"] for one in events if one["event"].get("player", person.user) != person.user
            ]
            if others:
                raise Wrong(f"{person.name} sees wagers of {others}")
        # An image begins anew: what stands up to there is in it, or is not told any more.
        self.last[topic] = frame.position if frame.kind == "image" else max([self.last.get(topic, 0), *seqs])


class Screen:
    """One screen. world: where it is. topics: what it follows; node: of which part of the tree, "" for all of somebody's own."""

    def __init__(self, world: Any, person: Person, topics: tuple[str, ...], node: str = "") -> None:
        self.world = world
        self.person = person
        self.topics = topics
        self.node = node
        self.follower = Follower()
        self.parser = Parser()
        self.told = Told()
        self.pipe: Pipe | None = None
        self.session = ""
        self.head = b""
        self.body = b""
        self.least = 0
        self.text = b""
        self.begun = False
        self.over = False
        self.heard_s = 0.0
        self.pause_s = PAUSE_S
        self.frames = 0

    @property
    def name(self) -> str:
        """Whose it is, and of what."""
        return f"the screen of {self.person.name} ({','.join(self.topics)}{self.node and f' of {self.node}'})"

    # The connection

    def open(self) -> None:
        """Connect, from where it has ended."""
        if self.over:
            return
        self.head = self.body = self.text = b""
        self.least = 0
        self.begun = False
        self.parser = Parser()
        pipe = self.world.connect(self, self.person.address, self.person.stream)
        if pipe is None or not self.person.token:
            if pipe is not None:
                pipe.hang_up()
            self.later()
            return
        self.pipe = pipe
        self.session = session_name(self.person.token)
        self.heard_s = self.world.loop.time()
        resume = [f"last-event-id: {self.follower.last_id}"] if self.follower.last_id else []
        path = f"/v1/stream?topics={','.join(self.topics)}{self.node and f'&node={self.node}'}"
        self.world.step("request")
        pipe.send(request("GET", path, *resume, token=self.person.token))
        self.world.loop.call_later(SILENCE_S, self.look, pipe)

    def look(self, pipe: Pipe) -> None:
        """Whether something was heard of late; else it is cut, and resumed."""
        if pipe is not self.pipe or self.over:
            return
        silent_s = self.world.loop.time() - self.heard_s
        if silent_s >= SILENCE_S and pipe.reads:
            pipe.hang_up()
            self.later()
        else:
            self.world.loop.call_later(max(SILENCE_S - silent_s, 1.0), self.look, pipe)

    def later(self) -> None:
        """Connect again after a while."""
        self.pipe = None
        if not self.over:
            self.world.loop.call_later(self.pause_s, self.open)
            self.pause_s = min(2 * self.pause_s, PAUSE_S_MAX)

    def lost(self) -> None:
        self.later()

    def close(self) -> None:
        """It is switched off."""
        self.over = True
        pipe, self.pipe = self.pipe, None
        if pipe is not None:
            pipe.hang_up()

    # What comes

    def received(self, data: bytes) -> None:
        if self.over:
            return
        self.heard_s = self.world.loop.time()
        if not self.begun:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            head, data = self.head[:end], self.head[end + 4 :]
            status = int(head[9:12])
            if status != 200:
                self.refused(status)
                return
            self.begun = True
        self.body += data
        self.take_chunks()

    def refused(self, status: int) -> None:
        """It may not be followed now, or not any more."""
        assert self.pipe is not None
        self.pipe.hang_up()
        self.world.step("delivery")
        self.world.coverage.outcomes["stream", str(status)] += 1
        if status == 500:
            self.world.wrong(f"{self.name} was answered 500")
        if status in AGAIN:
            self.later()
        elif status == 401:
            self.person.token = ""
            self.follower.begin_anew()
            self.pause_s = PAUSE_S_MAX
            self.later()
        else:
            self.over = True

    def take_chunks(self) -> None:
        while len(self.body) >= self.least:
            line = self.body.find(b"\r\n")
            if line < 0:
                return
            size = int(self.body[:line], 16)
            self.least = line + 4 + size
            if len(self.body) < self.least:
                return
            self.text += self.body[line + 2 : line + 2 + size]
            self.body = self.body[self.least :]
            self.least = 0
            self.take_text()
            if self.over or self.pipe is None:
                return

    def take_text(self) -> None:
        """Take what is whole of what the chunks say."""
        while (end := self.text.find(b"\n\n")) >= 0:
            event, self.text = self.text[:end], self.text[end + 2 :]
            for text in (*event.decode().split("\n"), ""):
                found = self.parser.take(text)
                if found is not None:
                    self.take(found)
                    if self.over or self.pipe is None:
                        return

    def take(self, event: tuple[str, str, str]) -> None:
        """A frame."""
        pipe = self.pipe
        assert pipe is not None
        try:
            frame = self.follower.frame(event)
        except Reset as reset:
            self.world.coverage.outcomes["stream", f"reset {reset}"] += 1
            if str(reset) in ENDS or str(reset) == "lagged":
                self.follower.begin_anew()
            pipe.hang_up()
            self.later()
            return
        except Gap as gap:
            self.world.wrong(f"{self.name}: {gap}")
            return
        if frame.kind == "heartbeat" and not frame.topics:
            if frame.id:
                self.told.position = max(self.told.position, frame.position)
            return
        self.frames += 1
        self.pause_s = PAUSE_S
        if frame.id:
            self.world.step("delivery")
        self.world.coverage.outcomes["stream", frame.kind] += 1
        try:
            self.world.referee.seen(self.person.stream, self.session, frame.position, frame.house)
            changed_hands = any(self.world.coverage.faults[kind] for kind in HANDED_OVER)
            if frame.id and frame.position < self.told.position and not changed_hands:
                raise Wrong(f"position {frame.position} follows {self.told.position}")
            self.told.take(self.person, frame)
            self.world.watched.frame(self, frame)
        except Wrong as wrong:
            self.world.wrong(f"{self.name}: {wrong}")
        self.world.story.note(event[1].encode())

    @property
    def live(self) -> bool:
        """Whether it shows what is so now, as far as it knows."""
        return self.begun and self.pipe is not None and not self.pipe.ended and not self.over
