"""Owner: the end of a link at the process that owns streams. What gateways say over links is put to the bus of that process.

Rule: a gateway acts in somebody's session, which is judged as if it came from next door, or as itself: it checks passwords, and
is trusted with that, and with nothing else. Other engines follow streams, ask how far they are, and speak for whoever has asked
them. Which of the two an end is, it proves by the secret that it has. What one link holds under way is bounded, and gone with it;
nobody waits long for who hears too slowly.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any

import msgspec

from runline.bus.limits import (
    ASKED_BYTES_MAX,
    FOLLOWINGS_MAX,
    FRAME_BYTES,
    INTAKE_NS,
    LINKS_MAX,
    QUESTIONS_MAX,
    QUIET_BEATS,
    REQUESTS_MAX,
    STRANGERS_MAX,
    UNTAKEN_MAX,
    WATCHINGS_MAX,
)
from runline.bus.said import (
    Answered,
    Ask,
    AskWho,
    Came,
    Ended,
    Follow,
    Happened,
    Heard,
    Known,
    Seated,
    Send,
    Time,
    Told,
    Took,
    Turned,
    Unfollow,
    Unwatch,
    Watch,
    decode_asked,
    encode,
)
from runline.bus.watcher import FarWatcher
from runline.bus.wire import GREETING, NONCE_BYTES, LinkError, Wire, is_proof, proof
from runline.domain.messages import GATEWAY, Rejected
from runline.domain.queries.inside import COPY, PROOF
from runline.engine.bus import Bus
from runline.engine.codec import encode_committed, encode_rejected, outcome_frame, request_told
from runline.engine.ids import Entropy
from runline.engine.ports import Clock
from runline.engine.requests import BUSY, Outcome, Request, Sink, refused
from runline.engine.subscription import Lagged
from runline.engine.watching import Enter, TurnedAway
from runline.sharing.rounds import Rounds

log = logging.getLogger("runline.bus")

OF_ENGINES = (PROOF, COPY)
"""What only other engines ask: up to where a stream is durable that they follow, or a copy of it goes that they wait for."""


class FarSink(Sink):
    """Sends the outcomes of requests back to where they came from. numbers: of the requests, as they are called there."""

    __slots__ = ("end", "numbers")

    def __init__(self, end: "OwnerEnd", numbers: list[int]) -> None:
        self.end = end
        self.numbers = numbers

    def answer(self, index: int, outcome: Outcome) -> None:
        self.end.came(self.numbers[index], outcome)


class OwnerEnd(Wire):
    """One link, as its owner has it."""

    role = "a gateway"

    def __init__(self, listener: "LinkListener") -> None:
        super().__init__(b"", listener.entropy, ASKED_BYTES_MAX)
        self.listener = listener
        self.is_gateway = True
        """Whether the other end is a gateway, and no engine."""
        self.bus = listener.bus
        self.requests = 0
        self.tasks: dict[asyncio.Task[None], None] = {}
        self.followings: dict[int, tuple[asyncio.Task[None], asyncio.Semaphore]] = {}
        self.watchers: dict[int, FarWatcher] = {}
        self.ways: dict[type, Callable[[Any], None]] = {
            Ask: self.ask,
            AskWho: self.ask_who,
            Follow: self.follow,
            Took: self.took,
            Unfollow: self.unfollow,
            Watch: self.watch,
            Seated: self.seated,
            Heard: self.heard,
            Unwatch: self.unwatch,
        }

    # Who is there

    def greet(self) -> None:
        if not self.listener.admit(self):
            self.end("there are too many")
            return
        self.say_bare(GREETING + self.nonce)

    def know(self, frame: bytes) -> None:
        theirs, proved = frame[:NONCE_BYTES], frame[NONCE_BYTES:]
        for secret, is_gateway in self.listener.secrets:
            if is_proof(proved, proof(secret, b"gateway", self.nonce, theirs)):
                self.secret, self.is_gateway = secret, is_gateway
                break
        else:
            raise LinkError("it does not have the secret")
        self.say_bare(proof(self.secret, b"owner", self.nonce, theirs))
        self.begin()
        self.listener.know(self)
        self.say(self.sign_of_life())

    def say(self, said: bytes) -> None:
        if len(said) > FRAME_BYTES:
            # Nothing that is long is urgent.
            self.say_later(said)
        else:
            super().say(said)

    def sign_of_life(self) -> bytes:
        return encode(Time(self.listener.clock.now_ns()))

    def beat(self) -> None:
        super().beat()
        if self.silent_beats >= QUIET_BEATS:
            for watcher in self.watchers.values():
                watcher.room.set()

    def gone(self) -> None:
        self.listener.leave(self)
        for task in (*self.tasks, *(task for task, _ in self.followings.values())):
            task.cancel()
        watchers, self.watchers = self.watchers, {}
        for watcher in watchers.values():
            watcher.close()

    # What is asked

    def take_frame(self, frame: bytes) -> None:
        intake, clock = self.listener.intake, self.listener.clock
        began_ns = clock.host_ns()
        super().take_frame(frame)
        intake.spend(clock.host_ns() - began_ns)
        if intake.over and not self.over:
            self.hold()
            intake.line_up(self)

    def take(self, frame: bytes) -> None:
        try:
            asked = decode_asked(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise LinkError(f"what it says cannot be read: {error}") from None
        requests: list[Request] = []
        numbers: list[int] = []
        for one in asked:
            if self.over:
                # What one of them has ended begins nothing more.
                return
            if type(one) is Send:
                try:
                    self.require_session(one.request.session, one.request.actor)
                    requests.append(request_told(self.bus.vocabulary, one.request))
                    numbers.append(one.number)
                except Rejected as rejected:
                    self.say(encode(Came(one.number, outcome_frame(refused(0, rejected)))))
            else:
                way = self.ways.get(type(one))
                if way is not None:
                    way(one)
        if requests and not self.over:
            self.requests += len(requests)
            if self.requests > REQUESTS_MAX:
                raise LinkError("it has too many requests under way")
            self.bus.submit(requests, FarSink(self, numbers))

    def require_session(self, session: str, actor: str) -> None:
        """A gateway acts as itself, or in somebody's session. Raises Rejected `not_permitted`."""
        if self.is_gateway and not session and actor not in ("", GATEWAY):
            raise Rejected("not_permitted", "A gateway acts as itself, or in a session.")

    def came(self, number: int, outcome: Outcome) -> None:
        """Say what came of a request."""
        self.requests -= 1
        self.say(encode(Came(number, outcome_frame(outcome))))

    def ask(self, asked: Ask) -> None:
        async def answer() -> bytes:
            self.require_session(asked.question.session, asked.question.actor)
            if self.is_gateway and asked.question.name in OF_ENGINES:
                raise Rejected("not_permitted", "A gateway does not ask this.")
            return encode(Answered(asked.number, await self.bus.ask(asked.question)))

        self.begin_answer(asked.number, answer)

    def ask_who(self, asked: AskWho) -> None:
        async def answer() -> bytes:
            return encode(Known(asked.number, await self.bus.who(asked.stream, asked.session)))

        self.begin_answer(asked.number, answer)

    def begin_answer(self, number: int, answer: Callable[[], Coroutine[Any, Any, bytes]]) -> None:
        """Answer a question beside all others."""
        if len(self.tasks) >= QUESTIONS_MAX:
            self.say(encode(Turned(number, encode_rejected(BUSY))))
            return
        task = self.loop.create_task(self.answer(number, answer))
        self.tasks[task] = None
        task.add_done_callback(self.tasks.pop)

    async def answer(self, number: int, answer: Callable[[], Coroutine[Any, Any, bytes]]) -> None:
        try:
            said = await answer()
        except Rejected as rejected:
            said = encode(Turned(number, encode_rejected(rejected)))
        except Exception as error:
            log.exception("what is asked over a link cannot be answered")
            said = encode(Turned(number, encode_rejected(fault(error))))
        self.say(said)

    # What is followed

    def follow(self, asked: Follow) -> None:
        if self.is_gateway:
            raise LinkError("it follows a stream, which a gateway does not")
        if asked.number in self.followings or len(self.followings) >= FOLLOWINGS_MAX:
            raise LinkError("it follows too much")
        room = asyncio.Semaphore(UNTAKEN_MAX)
        task = self.loop.create_task(self.tell_on(asked, room))
        self.followings[asked.number] = task, room

    async def tell_on(self, asked: Follow, room: asyncio.Semaphore) -> None:
        """Tell what happens in a stream, as long as it is taken."""
        number, position = asked.number, asked.after
        ended: bytes | None = None
        try:
            async with aclosing(self.bus.follow(asked.stream, asked.after)) as pieces:  # type: ignore[type-var]
                async for happened in pieces:
                    await room.acquire()
                    after, position = position, happened[-1].seq
                    self.say_later(encode(Happened(number, after, position, encode_committed(happened))))
        except Rejected as rejected:
            ended = encode_rejected(rejected)
        except Lagged:
            pass
        except Exception as error:
            log.exception("%s cannot be followed over a link", asked.stream)
            ended = encode_rejected(fault(error))
        self.followings.pop(number, None)
        self.say_later(encode(Ended(number, ended)))

    def took(self, asked: Took) -> None:
        following = self.followings.get(asked.number)
        if following is not None:
            following[1].release()

    def unfollow(self, asked: Unfollow) -> None:
        following = self.followings.pop(asked.number, None)
        if following is not None:
            following[0].cancel()

    # What is watched

    def watch(self, asked: Watch) -> None:
        if asked.number in self.watchers or len(self.watchers) >= WATCHINGS_MAX:
            raise LinkError("it watches too much")
        watcher = self.watchers[asked.number] = FarWatcher(self, asked.number)
        try:
            watcher.link = self.bus.watch(asked.stream, watcher)
        except Rejected as rejected:
            watcher.reason = rejected

    def seated(self, asked: Seated) -> None:
        watcher = self.watchers.get(asked.number)
        if watcher is None:
            raise LinkError("it seats somebody where nothing is watched")
        if watcher.link is not None:
            watcher.link.tell(asked.seating)
        elif isinstance(asked.seating, Enter) and watcher.reason is not None:
            why = watcher.reason
            away = TurnedAway([asked.seating.seat], why.code, why.message, why.details)
            told = encode(Told(asked.number, [away]))
            watcher.unheard.append(0)
            self.say_later(told)

    def heard(self, asked: Heard) -> None:
        watcher = self.watchers.get(asked.number)
        if watcher is not None:
            watcher.heard()

    def unwatch(self, asked: Unwatch) -> None:
        watcher = self.watchers.pop(asked.number, None)
        if watcher is not None:
            watcher.close()


def fault(error: Exception) -> Rejected:
    """The refusal of what a fault of ours has ended."""
    return Rejected("internal_error", f"This cannot be answered: {type(error).__name__}.")


class Intake(Rounds):
    """What is taken in of all links in turns with everything else on the loop. waiting: the ends that wait for their turn."""

    def __init__(self) -> None:
        super().__init__(INTAKE_NS)
        self.waiting: deque[OwnerEnd] = deque()

    def line_up(self, end: OwnerEnd) -> None:
        """Have an end wait for its turn."""
        self.waiting.append(end)
        self.plan()

    def serve(self) -> bool:
        while self.waiting and not self.over:
            self.waiting.popleft().let_go()
        return bool(self.waiting)


class LinkListener:
    """All links to the streams of this process.

    bus: of this process. engines, gateways: the secrets of other engines and of gateways; b"": none of these is let in.
    """

    def __init__(self, bus: Bus, clock: Clock, entropy: Entropy, engines: bytes = b"", gateways: bytes = b"") -> None:
        self.bus = bus
        self.clock = clock
        self.entropy = entropy
        self.secrets = [(secret, is_gateway) for secret, is_gateway in ((engines, False), (gateways, True)) if secret]
        self.intake = Intake()
        self.strangers: dict[OwnerEnd, None] = {}
        self.known: dict[OwnerEnd, None] = {}

    def admit(self, end: OwnerEnd) -> bool:
        """Whether there is room for another connection."""
        if len(self.strangers) >= STRANGERS_MAX:
            return False
        self.strangers[end] = None
        return True

    def know(self, end: OwnerEnd) -> None:
        """An end has proved that it has the secret. Raises LinkError."""
        self.strangers.pop(end, None)
        if len(self.known) >= LINKS_MAX:
            raise LinkError("there are too many links")
        self.known[end] = None

    def leave(self, end: OwnerEnd) -> None:
        """An end is gone."""
        self.strangers.pop(end, None)
        self.known.pop(end, None)

    def protocol(self) -> OwnerEnd:
        """The end of a connection that comes in."""
        return OwnerEnd(self)

    def close(self) -> None:
        """Close all links."""
        for end in (*self.strangers, *self.known):
            end.end("")
