"""Live: everyone sees a change the moment it is durable.

Rule: position first, then data. A frame says from which position to which it goes, and holds everything between that its
audience may see; what it holds is read at its last position and sent when that is durable. Whoever loses authority gets no
frame that ends above the event that took it.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from hashlib import blake2b
from itertools import chain
from typing import Any

import msgspec

from runline.domain.house import House
from runline.domain.messages import HOUSE, Rejected
from runline.domain.sessions import SessionState
from runline.engine.engine import Engine
from runline.engine.ports import StoreError
from runline.engine.probes import Histogram
from runline.engine.subscription import Committed, Lagged, Subscription
from runline.engine.writer import Happened
from runline.gateway.audience import Audience, audience_at
from runline.gateway.door import Asker, Door, reader_of
from runline.gateway.limits import (
    BACKLOG_BYTES_MAX,
    FLUSH_S,
    HEARTBEAT_S,
    RING_EVENTS,
    STREAMS_MAX,
    STREAMS_PER_USER_MAX,
)
from runline.gateway.topics import TOPICS, Change, change_of, loses_sight, require_topics
from runline.monitor.health import HealthMonitor

logger = logging.getLogger("runline.gateway")

RETRY_S = 0.1
SOON_S = 0.001

Write = Callable[[bytes], bool]

SCREENS_AT_ONCE = 200
"""Screens that are written to before the loop has its turn."""

JOINS_AT_ONCE = 16
"""Screens that are let in before the loop has its turn."""

IMAGE_SCAN_EVENTS = 1_000
"""Events looked at for the last ones in an image."""

DELIVERIES = 1_000
"""The last frames of which it is known when they were written."""

DELIVERY_WAIT_S = 2.0

HEALTH_S = 1.0
KEEP_BEATS = 30

encode = msgspec.json.Encoder().encode


class Resume(msgspec.Struct, frozen=True):
    """Where a stream that comes back has ended: `log:house position:book position`. See `Group.log`."""

    log: str
    house: int
    position: int


def parse_resume(text: str) -> Resume | None:
    """What `Last-Event-ID` says; None without one.

    Raises Rejected `resume_invalid`.
    """
    if not text:
        return None
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isdecimal() and len(part) < 19 for part in parts[1:]) or len(parts[0]) > 64:
        raise Rejected("resume_invalid", "That is no id of a frame of this stream.")
    return Resume(parts[0], int(parts[1]), int(parts[2]))


def chunk_of(frame: bytes) -> bytes:
    """A frame as a piece of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(frame), frame)


class Screen:
    """One connection of the live stream.

    A frame is written at once if the connection takes it. If its buffer is full, frames wait here for the connection's own
    task, up to a bound.
    """

    def __init__(self, asker: Asker, topics: tuple[str, ...], resume: Resume | None, node: str = "") -> None:
        self.asker = asker
        self.node = node
        self.topics = topics
        self.resume = resume
        self.group: Group | None = None
        self.backlog: list[bytes] = []
        self.waiting_bytes = 0
        self.closed = False
        self.wake = asyncio.Event()
        self.refused: Rejected | None = None
        self.write: Write | None = None
        """What takes a chunk at once or says that it cannot, while the connection's task waits for frames."""

    def push(self, frame: bytes, chunk: bytes) -> None:
        """Add a frame; a screen that does not keep up is told so, and cut. (One frame may always wait, however large.)

        chunk: the frame as a piece of a chunked body.
        """
        if self.closed or (self.write is not None and not self.backlog and self.write(chunk)):
            return
        self.waiting_bytes += len(frame)
        if self.backlog and self.waiting_bytes > BACKLOG_BYTES_MAX:
            self.backlog = []
            self.reset("lagged")
            return
        self.backlog.append(frame)
        self.wake.set()

    def reset(self, reason: str) -> None:
        """End the stream with a reason."""
        if not self.closed:
            frame = b'event: reset\ndata: {"reason":"%b"}\n\n' % reason.encode()
            if self.write is None or self.backlog or not self.write(chunk_of(frame)):
                self.backlog.append(frame)
            self.close()

    def close(self) -> None:
        """End the stream once what waits is written."""
        self.closed = True
        self.wake.set()

    async def next(self, write: Write | None = None) -> bytes:
        """What is to be written next; b"" at the end. Meanwhile chunks may be written with `write`.

        Raises Rejected if the stream never began.
        """
        self.write = write
        while not self.backlog and not self.closed:
            self.wake.clear()
            await self.wake.wait()
        self.write = None
        if self.refused is not None:
            raise self.refused
        frames, self.backlog, self.waiting_bytes = self.backlog, [], 0
        return b"".join(frames)


class Delivery(msgspec.Struct, frozen=True):
    """When a position was on the screens that follow its stream.

    after, position: where the frame that had it begins and ends. screens: how many it went to. delivered_ms: from durable until
    it was written to the last of them.
    """

    after: int
    position: int
    screens: int
    delivered_ms: float


class Group:
    """Screens that see the same: one audience, the same topics.

    log: tells the ids of its frames from those of any other log, audience and topics.
    """

    def __init__(self, audience: Audience, topics: tuple[str, ...], genesis: bytes) -> None:
        self.audience = audience
        self.topics = topics
        shown = (audience.node, audience.player, sorted(audience.permissions), topics)
        self.log = blake2b(genesis + repr(shown).encode(), digest_size=8).hexdigest()
        self.screens: dict[Screen, None] = {}
        self.position = 0
        """Where the last frame for all of them has ended, from where the next one begins."""


Frames = list[tuple[Screen, bytes]]


class Hub:
    """The live streams of one stream of events."""

    def __init__(
        self,
        engine: Engine,
        stream: str,
        genesis: bytes,
        delivery: Histogram,
        monitor: HealthMonitor,
        keep: Callable[[str, str], None],
    ) -> None:
        self.engine = engine
        self.monitor = monitor
        self.keep = keep
        self.stream = stream
        self.genesis = genesis
        self.delivery = delivery
        self.groups: dict[tuple[Audience, tuple[str, ...]], Group] = {}
        self.joining: dict[Screen, None] = {}
        self.ring: deque[Happened] = deque(maxlen=RING_EVENTS)
        self.house_ring: deque[Happened] = deque(maxlen=RING_EVENTS)
        self.subscriptions: dict[str, Subscription] = {}
        self.position = 0
        self.house_position = 0
        self.ring_after = 0
        self.house_ring_after = 0
        self.wake = asyncio.Event()
        self.urgent = asyncio.Event()
        self.published_ns = 0
        self.deliveries: deque[Delivery] = deque(maxlen=DELIVERIES)
        self.delivered = asyncio.Event()
        self.tasks = [asyncio.create_task(self.flush_on()), asyncio.create_task(self.beat())]
        streams = (stream,) if stream == HOUSE else (stream, HOUSE)
        self.streams = streams
        self.tasks += [asyncio.create_task(self.follow(one)) for one in streams]

    async def close(self) -> None:
        """End all streams."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for screen in self.screens():
            screen.reset("stopping")

    def screens(self) -> list[Screen]:
        """All screens."""
        joined = chain.from_iterable(group.screens for group in self.groups.values())
        return [*joined, *self.joining]

    # What comes in

    async def follow(self, stream: str) -> None:
        """Take in what is durable, as long as this runs."""
        while True:
            try:
                after = max(self.engine.require(stream).durable_seq - RING_EVENTS, 0)
                subscription = self.engine.subscribe(stream, after)
            except Rejected:
                await asyncio.sleep(RETRY_S)
                continue
            if stream == self.stream:
                self.ring.clear()
                self.ring_after = after
            else:
                self.house_ring.clear()
                self.house_ring_after = after
            self.subscriptions[stream] = subscription
            self.wake.set()
            try:
                while True:
                    self.take(stream, await subscription.batch())
            except (Lagged, StoreError) as error:
                logger.warning("the live stream of %s begins anew: %s", stream, error)
                self.cut("lagged")
                await asyncio.sleep(RETRY_S)
            finally:
                del self.subscriptions[stream]
                subscription.close()

    def take(self, stream: str, batch: list[Committed]) -> None:
        """Keep events for the next flush and for those who come back."""
        if not batch:
            return
        if not self.published_ns:
            self.published_ns = time.perf_counter_ns()
        if stream == self.stream:
            for one in batch:
                self.ring.append((one.seq, one.at_ns, one.actor, one.command, one.event))
                if loses_sight(one.event):
                    self.urgent.set()
            if len(self.ring) == RING_EVENTS:
                self.ring_after = self.ring[0][0] - 1
        else:
            for one in batch:
                self.house_ring.append((one.seq, one.at_ns, one.actor, one.command, one.event))
            if len(self.house_ring) == RING_EVENTS:
                self.house_ring_after = self.house_ring[0][0] - 1
        self.wake.set()

    # What goes out

    async def flush_on(self) -> None:
        """Write to the screens whenever something has happened: the first event at once, then every FLUSH_S at most."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            if not self.groups and not self.joining:
                self.published_ns = 0
                continue
            published_ns, self.published_ns = self.published_ns, 0
            try:
                position, composed = await self.engine.query(self.stream, self.compose)
            except Exception as error:
                # Nothing of this is durable. The engine recovers, and the screens come back.
                if not isinstance(error, Rejected):
                    logger.exception("a frame of %s cannot be made", self.stream)
                self.cut("unavailable")
                await asyncio.sleep(RETRY_S)
                continue
            if composed is None:
                await asyncio.sleep(SOON_S)
                self.wake.set()
                continue
            frames, self.house_position = composed
            after, self.position = self.position, position
            began = time.perf_counter()
            last = chunk = b""
            for number, (screen, frame) in enumerate(frames, 1):
                if frame is not last:
                    last, chunk = frame, chunk_of(frame)
                screen.push(frame, chunk)
                if number % SCREENS_AT_ONCE == 0:
                    await asyncio.sleep(0)
            if published_ns and frames:
                took_ns = time.perf_counter_ns() - published_ns
                self.delivery.add(took_ns)
                self.deliveries.append(Delivery(after, position, len(frames), took_ns / 1e6))
                self.delivered.set()
                self.delivered.clear()
            # Writing to many screens takes its time; others have had their turns meanwhile, and get half as long again.
            # Screens that join wait as well: for each of them all would have everything written, and an image be made.
            took = time.perf_counter() - began
            await asyncio.sleep(took / 2)
            if took * 3 / 2 < FLUSH_S:
                self.urgent.clear()
                try:
                    async with asyncio.timeout(FLUSH_S - took * 3 / 2):
                        await self.urgent.wait()
                except TimeoutError:
                    pass

    def current(self) -> bool:
        """Take in what is durable and was not taken yet; false while that is still being read from the log."""
        for stream in self.streams:
            subscription = self.subscriptions.get(stream)
            batch = subscription.take() if subscription is not None else None
            if batch is None:
                return False
            self.take(stream, batch)
        return True

    def cut(self, reason: str) -> None:
        """End the streams of all screens; they will come back."""
        for screen in self.screens():
            screen.reset(reason)
        self.groups, self.joining = {}, {}

    def compose(self, state: Any) -> tuple[Frames, int] | None:
        """What every screen is to get as of the state's position, and the house position; None if it is too early to say.

        Called by the engine, in one step with the state.
        """
        if not self.current():
            return None
        now_ns = self.engine.clock.now_ns()
        house: House = state if self.stream == HOUSE else self.engine.view
        undurable = self.engine.writers[self.stream].undurable()
        after, position = self.position, state.seq
        happened = self.since(after, position, undurable)
        moved = self.house_since(self.house_position)
        frames: Frames = []
        if any(loses_sight(one[4]) for one in happened):
            self.judge(state, now_ns)
        if (happened or moved) and self.groups:
            change = change_of(state, house, happened, moved, after, now_ns)
            for group in self.groups.values():
                body = self.payloads(group, change, image=False)
                if body:
                    span = (group.position, position, house.seq, state.at_ns)
                    head = b'"from":%d,"to":%d,"house":%d,"at_ns":%d' % span
                    group.position = position
                    frame = self.frame(group.log, b"delta", head, body, house.seq, position)
                    frames += [(screen, frame) for screen in group.screens]
        images: dict[tuple[Group, Resume | None], bytes] = {}
        joining, self.joining = self.joining, {}
        for screen in joining:
            if not screen.closed:
                self.welcome(screen, state, house, images, undurable, now_ns, frames)
        return frames, house.seq

    def since(self, after: int, position: int, undurable: list[Happened]) -> list[Happened]:
        """The events after a position up to another, those that are not durable yet included."""
        found: list[Happened] = []
        for one in reversed(self.ring):
            if one[0] <= after:
                break
            if one[0] <= position:
                found.append(one)
        found.reverse()
        last = found[-1][0] if found else after
        return found + [one for one in undurable if last < one[0] <= position]

    def house_since(self, after: int) -> list[Happened]:
        """The house's events after a position."""
        if not self.house_ring or self.house_ring[-1][0] <= after:
            return []
        return [one for one in self.house_ring if one[0] > after]

    def judge(self, state: SessionState, now_ns: int) -> None:
        """Cut every screen whose session, permissions or place have changed."""
        for key, group in list(self.groups.items()):
            for screen in list(group.screens):
                try:
                    user = reader_of(state, screen.asker, now_ns)
                    if audience_at(state, user, screen.node) != group.audience:
                        raise Rejected("not_permitted", "This user sees other things now.")
                except Rejected as rejected:
                    del group.screens[screen]
                    screen.reset("signed_out" if rejected.code == "signed_out" else "revoked")
            if not group.screens:
                del self.groups[key]

    def welcome(
        self,
        screen: Screen,
        state: Any,
        house: House,
        images: dict[tuple[Group, Resume | None], bytes],
        undurable: list[Happened],
        now_ns: int,
        frames: Frames,
    ) -> None:
        """Let a screen in: with what it has missed if that can be proved, else with an image."""
        try:
            user = reader_of(state, screen.asker, now_ns)
            audience = audience_at(state, user, screen.node)
            require_topics(screen.topics, state, audience)
        except Rejected as rejected:
            screen.refused = rejected
            screen.close()
            return
        group = self.group_of(audience, screen.topics, state.seq)
        group.screens[screen] = None
        screen.group = group
        known = images.get((group, screen.resume))
        if known is None:
            known = images[group, screen.resume] = self.first_frame(
                group, screen.resume, state, house, undurable, now_ns
            )
        frames.append((screen, known))

    def group_of(self, audience: Audience, topics: tuple[str, ...], position: int) -> Group:
        """The group of an audience and topics."""
        group = self.groups.get((audience, topics))
        if group is None:
            group = self.groups[audience, topics] = Group(audience, topics, self.genesis)
            group.position = position
        return group

    def first_frame(
        self,
        group: Group,
        resume: Resume | None,
        state: Any,
        house: House,
        undurable: list[Happened],
        now_ns: int,
    ) -> bytes:
        """What a screen begins with: what it has missed, or an image."""
        position = state.seq
        missed = self.missed(group.log, resume, position, house.seq, undurable)
        if missed is not None and resume is not None:
            happened, moved = missed
            change = change_of(state, house, happened, moved, resume.position, now_ns)
            head = b'"from":%d,"to":%d,"house":%d,"at_ns":%d' % (resume.position, position, house.seq, state.at_ns)
            return self.frame(group.log, b"delta", head, self.payloads(group, change, image=False), house.seq, position)
        happened = self.since(max(position - IMAGE_SCAN_EVENTS, 0), position, undurable)
        change = change_of(state, house, happened, [], 0, now_ns)
        head = b'"position":%d,"house":%d,"at_ns":%d' % (position, house.seq, state.at_ns)
        return self.frame(group.log, b"image", head, self.payloads(group, change, image=True), house.seq, position)

    def missed(
        self, log: str, resume: Resume | None, position: int, house_position: int, undurable: list[Happened]
    ) -> tuple[list[Happened], list[Happened]] | None:
        """(events, house events) since a frame, if it is sure that nothing is missing; else None."""
        if resume is None or resume.log != log:
            return None
        if not self.ring_after <= resume.position <= position:
            return None
        if self.stream != HOUSE and not self.house_ring_after <= resume.house <= house_position:
            return None
        happened = self.since(resume.position, position, undurable)
        expected = range(resume.position + 1, position + 1)
        if [one[0] for one in happened] != list(expected) or any(loses_sight(one[4]) for one in happened):
            return None
        return happened, self.house_since(resume.house)

    def payloads(self, group: Group, change: Change, *, image: bool) -> bytes:
        """What each topic of a group has to say; b"" for nothing."""
        parts: list[bytes] = []
        for name in group.topics:
            payload = TOPICS[name].payload(change, group.audience, image)
            if payload is not None:
                parts.append(b'"%b":%b' % (name.encode(), payload))
        return b",".join(parts)

    def frame(self, log: str, kind: bytes, head: bytes, body: bytes, house: int, position: int) -> bytes:
        """A server-sent event."""
        return b'id: %b:%d:%d\nevent: %b\ndata: {%b,"topics":{%b}}\n\n' % (
            log.encode(), house, position, kind, head, body,
        )  # fmt: skip

    # Time

    async def beat(self) -> None:
        """Say now and then that the stream is alive, and each second how the engine is."""
        beats = 0
        while True:
            await asyncio.sleep(HEALTH_S)
            beats += 1
            if not self.groups:
                continue
            if beats % KEEP_BEATS == 0:
                for asker in {screen.asker for screen in self.screens()}:
                    self.keep(asker.stream, asker.session)
            health = self.health()
            now_ns = self.engine.clock.host_ns()
            head = b'{"position":%d,"house":%d,"server_ns":%d}' % (self.position, self.house_position, now_ns)
            for group in self.groups.values():
                frame = health if "health" in group.topics else b""
                if beats % int(HEARTBEAT_S / HEALTH_S) == 0:
                    place = (group.log.encode(), self.house_position, self.position, head)
                    frame += b"id: %b:%d:%d\nevent: heartbeat\ndata: %b\n\n" % place
                if frame:
                    chunk = chunk_of(frame)
                    for screen in group.screens:
                        screen.push(frame, chunk)

    def health(self) -> bytes:
        """The frame of the topic `health`. It has no id: it moves no position."""
        probes, recent = self.engine.probes, self.monitor.percentile_ms
        values = {
            "accepted": probes.accepted,
            "refused": sum(probes.refused.values()),
            "logged": probes.events,
            "recoveries": probes.recoveries,
            "commit_ms_p50": recent("commit", 50),
            "commit_ms_p99": recent("commit", 99),
            "answer_ms_p99": recent("answer", 99),
            "delivery_ms_p99": recent("delivery", 99),
            "loop_ms_p99": recent("loop", 99),
            "screens": len(self.screens()),
            "slow": list(self.engine.view.slownesses),
            "server_ns": self.engine.clock.host_ns(),
        }
        return b'event: delta\ndata: {"topics":{"health":%b}}\n\n' % encode(values)


class Live:
    """All hubs of the process."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.hubs: dict[str, Hub] = {}
        self.delivery = Histogram()
        probes = door.engine.probes
        self.monitor = HealthMonitor(probes.commit, probes.answer, self.delivery, door.report)
        self.monitoring = asyncio.create_task(self.monitor.run())
        self.per_user: dict[tuple[str, str], int] = {}
        self.count = 0
        self.entering = asyncio.Semaphore(JOINS_AT_ONCE)

    async def join(self, asker: Asker, topics: tuple[str, ...], resume: Resume | None, node: str = "") -> Screen:
        """Let a screen follow its stream, or what concerns one node; it gets its first frame as soon as that is durable.

        Raises Rejected `busy`.
        """
        async with self.entering:
            # When a thousand come back at once, everyone else has their turns between them.
            await asyncio.sleep(0)
        key = (asker.stream, asker.user)
        if self.count >= STREAMS_MAX or self.per_user.get(key, 0) >= STREAMS_PER_USER_MAX:
            raise Rejected("busy", "Too many live streams. Try again in a moment.")
        hub = self.hubs.get(asker.stream)
        if hub is None:
            hub = self.hubs[asker.stream] = Hub(
                self.door.engine,
                asker.stream,
                f"{self.door.engine.store.log_id} {asker.stream}".encode(),
                self.delivery,
                self.monitor,
                self.door.keep,
            )
        self.count += 1
        self.per_user[key] = self.per_user.get(key, 0) + 1
        screen = Screen(asker, topics, resume, node)
        hub.joining[screen] = None
        hub.wake.set()
        return screen

    async def delivery_of(self, stream: str, position: int) -> Delivery:
        """When a position of a stream was on its screens; waits for it for a moment.

        Raises Rejected `unknown_delivery` if it was too long ago, or nobody follows the stream.
        """
        hub = self.hubs.get(stream)
        try:
            async with asyncio.timeout(DELIVERY_WAIT_S):
                while hub is not None and hub.screens():
                    found = next((one for one in hub.deliveries if one.position >= position), None)
                    if found is not None and found.after < position:
                        return found
                    if found is not None:
                        break
                    await hub.delivered.wait()
        except TimeoutError:
            pass
        raise Rejected("unknown_delivery", "It is not known when this was on screens.", position=position)

    def leave(self, screen: Screen) -> None:
        """A screen has gone."""
        key = (screen.asker.stream, screen.asker.user)
        self.count -= 1
        self.per_user[key] -= 1
        if not self.per_user[key]:
            del self.per_user[key]
        screen.close()
        hub = self.hubs[screen.asker.stream]
        hub.joining.pop(screen, None)
        group = screen.group
        if group is not None:
            group.screens.pop(screen, None)
            if not group.screens:
                hub.groups.pop((group.audience, group.topics), None)

    async def close(self) -> None:
        """End all streams."""
        self.monitoring.cancel()
        await asyncio.gather(self.monitoring, return_exceptions=True)
        for hub in self.hubs.values():
            await hub.close()


def split_topics(text: str) -> tuple[str, ...]:
    """The topics of a query string: each once, in the order of their declaration.

    Raises Rejected `topic_invalid`.
    """
    asked = set(text.split(","))
    unknown = asked - set(TOPICS)
    if unknown or not asked:
        raise Rejected("topic_invalid", "There is no such topic.", topics=list(TOPICS))
    return tuple(name for name in TOPICS if name in asked)
