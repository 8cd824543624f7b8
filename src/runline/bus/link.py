"""Link: a bus to the streams of another process.

Rule: what was said on a link that is lost is not known to be heard. Requests wait for it and are sent again with their ids, so
that nothing is done twice; questions are `unavailable`; who watches hears that their stream is away, and comes back to it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import count
from typing import Any

import msgspec

from runline.bus.far import FarLink, Following
from runline.bus.gathering import GatheringBus
from runline.bus.limits import (
    AGAIN_PAUSE_S,
    AGAIN_S_MAX,
    QUESTIONS_MAX,
    REQUESTS_BYTES_MAX,
    REQUESTS_MAX,
    TOLD_BYTES_MAX,
)
from runline.bus.said import (
    Answered,
    Answers,
    Ask,
    AskWho,
    Came,
    Ended,
    Follow,
    Happened,
    Here,
    Known,
    Send,
    Time,
    Told,
    Took,
    Turned,
    Unfollow,
    Watch,
    decode_answers,
    encode,
)
from runline.bus.wire import GREETING, NONCE_BYTES, LinkError, Wire, is_proof, proof
from runline.domain.messages import Rejected
from runline.domain.vocabulary import Vocabulary
from runline.engine.bus import Answer, Question, Who
from runline.engine.codec import decode_committed, decode_rejected, outcome_told, request_frame
from runline.engine.ids import Entropy, uuid7
from runline.engine.ports import Clock
from runline.engine.requests import BUSY, UNAVAILABLE, Outcome, Request, Sink, refused, unavailable
from runline.engine.subscription import Committed, Lagged
from runline.engine.watching import Link, Watcher

log = logging.getLogger("runline.bus")


class Sent(msgspec.Struct, gc=False):
    """A request under way. said: how it is said. until_s: when it is not sent again any more, by the loop's time; 0 while no link
    was lost under it."""

    said: bytes
    sink: Sink
    index: int
    until_s: float = 0.0


class GatewayEnd(Wire):
    """One connection of a link, at the gateway."""

    role = "an owner of streams"

    def __init__(self, bus: "LinkBus") -> None:
        super().__init__(bus.secret, bus.entropy, TOLD_BYTES_MAX)
        self.bus = bus
        self.theirs = b""
        self.known: asyncio.Future[bool] = self.loop.create_future()
        self.ended = asyncio.Event()

    def greet(self) -> None:
        """It is the owner who speaks first."""

    def know(self, frame: bytes) -> None:
        if not self.theirs:
            if not frame.startswith(GREETING) or len(frame) != len(GREETING) + NONCE_BYTES:
                raise LinkError("it does not greet as an owner of this version does")
            self.theirs = frame[len(GREETING) :]
            self.say_bare(self.nonce + proof(self.secret, b"gateway", self.theirs, self.nonce))
            return
        if not is_proof(frame, proof(self.secret, b"owner", self.theirs, self.nonce)):
            raise LinkError("it does not have the secret")
        self.begin()
        self.known.set_result(True)

    def take(self, frame: bytes) -> None:
        try:
            answers = decode_answers(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise LinkError(f"what it says cannot be read: {error}") from None
        for one in answers:
            self.bus.hear(one)

    def sign_of_life(self) -> bytes:
        return encode(Here())

    def gone(self) -> None:
        self.ended.set()
        if not self.known.done():
            self.known.set_result(False)


Connect = Callable[[Callable[[], GatewayEnd]], Awaitable[Any]]
"""Makes a connection to an owner, for the end that the function makes."""


class LinkBus(GatheringBus):
    """The streams of another process. connect: how it is reached. secret: what both have. told_time: takes what time it is there.

    end: the connection that stands. given_up: whether there is none for so long that nothing waits for it any more.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        clock: Clock,
        entropy: Entropy,
        secret: bytes,
        connect: Connect,
        told_time: Callable[[int], None] | None = None,
    ) -> None:
        self.vocabulary = vocabulary
        self.clock = clock
        self.entropy = entropy
        self.secret = secret
        self.connect = connect
        self.told_time = told_time
        self.end: GatewayEnd | None = None
        self.given_up = False
        self.changed = asyncio.Event()
        """Set when the link stands, or is given up."""
        self.numbers = count(1)
        self.sent: dict[int, Sent] = {}
        self.sent_bytes = 0
        self.asked: dict[int, asyncio.Future[Any]] = {}
        self.followed: dict[int, Following] = {}
        self.watched: dict[int, FarLink] = {}
        self.waiting = asyncio.get_running_loop().call_later(AGAIN_S_MAX, self.give_up)
        self.task = asyncio.create_task(self.keep())

    async def close(self) -> None:
        """End the link."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task
        self.waiting.cancel()
        if self.end is not None:
            self.end.end("")
            self.lose()
        self.waiting.cancel()
        self.give_up()
        for link in list(self.watched.values()):
            link.close()

    # The link

    async def keep(self) -> None:
        """Connect, and again whenever the connection is lost."""
        while True:
            end = await self.connected()
            if end is not None:
                self.stand(end)
                await end.ended.wait()
                self.lose()
            await asyncio.sleep(AGAIN_PAUSE_S)

    async def connected(self) -> GatewayEnd | None:
        """A connection whose ends know each other; None if there is none to be had now."""
        ends: list[GatewayEnd] = []

        def make() -> GatewayEnd:
            ends.append(GatewayEnd(self))
            return ends[-1]

        try:
            await self.connect(make)
        except OSError:
            return None
        (end,) = ends
        try:
            return end if await end.known else None
        except asyncio.CancelledError:
            end.end("")
            raise

    def stand(self, end: GatewayEnd) -> None:
        """The link stands: what waits for it is said, in its order."""
        self.waiting.cancel()
        self.end, self.given_up = end, False
        now_s = asyncio.get_running_loop().time()
        for number, sent in list(self.sent.items()):
            if sent.until_s and sent.until_s < now_s:
                # Whatever ends each link over which it is sent is not sent for ever.
                self.answer(number, refused(0, UNAVAILABLE))
            else:
                end.say(sent.said)
        for link in self.watched.values():
            link.begin()
        self.changed.set()

    def lose(self) -> None:
        """The link is lost."""
        loop = asyncio.get_running_loop()
        self.end = None
        self.changed.clear()
        self.waiting = loop.call_later(AGAIN_S_MAX, self.give_up)
        until_s = loop.time() + AGAIN_S_MAX
        for sent in self.sent.values():
            sent.until_s = sent.until_s or until_s
        asked, self.asked = self.asked, {}
        for future in asked.values():
            if not future.done():
                future.set_exception(unavailable())
        followed, self.followed = self.followed, {}
        for number, following in followed.items():
            following.hear(Ended(number, None))
        for link in self.watched.values():
            link.lost()

    def give_up(self) -> None:
        """The link is away for too long: nothing waits for it any more."""
        self.given_up = True
        self.changed.set()
        for number in list(self.sent):
            self.answer(number, refused(0, UNAVAILABLE))
        for link in self.watched.values():
            link.turn_away()

    def say(self, said: msgspec.Struct) -> None:
        """Say something, if the link stands; what waits for it is said when it does."""
        if self.end is not None:
            self.end.say(encode(said))

    def hear(self, said: Answers) -> None:
        """Take what the owner says."""
        if type(said) is Came:
            self.answer(said.number, outcome_told(self.vocabulary, said.outcome))
        elif isinstance(said, Told):
            link = self.watched.get(said.number)
            if link is not None:
                link.add(said.news, self.end)
        elif isinstance(said, Answered | Known | Turned):
            future = self.asked.pop(said.number, None)
            if future is not None and not future.done():
                future.set_result(said)
        elif isinstance(said, Happened | Ended):
            following = self.followed.get(said.number)
            if following is not None:
                following.hear(said)
        elif isinstance(said, Time) and self.told_time is not None:
            self.told_time(said.now_ns)

    def answer(self, number: int, outcome: Outcome) -> None:
        """Give the outcome of a request to whoever waits for it."""
        sent = self.sent.pop(number, None)
        if sent is not None:
            self.sent_bytes -= len(sent.said)
            sent.sink.answer(sent.index, outcome)

    # What goes over it

    def new_id(self) -> str:
        """A command id of now."""
        return uuid7(self.clock.now_ns(), self.entropy)

    def submit(self, requests: Sequence[Request], sink: Sink) -> None:
        """Send requests; their outcomes come to the sink."""
        for index, request in enumerate(requests):
            number = next(self.numbers)
            try:
                said = encode(Send(number, request_frame(request)))
            except (ValueError, OverflowError) as error:
                sink.answer(index, refused(0, Rejected("malformed_command", str(error))))
                continue
            if self.given_up:
                sink.answer(index, refused(0, UNAVAILABLE))
            elif len(self.sent) >= REQUESTS_MAX or self.sent_bytes + len(said) > REQUESTS_BYTES_MAX:
                sink.answer(index, refused(0, BUSY))
            else:
                self.sent[number] = Sent(said, sink, index)
                self.sent_bytes += len(said)
                if self.end is not None:
                    self.end.say(said)

    async def stands(self) -> None:
        """Wait until the link stands. Raises Rejected `unavailable` if it is given up."""
        while self.end is None:
            if self.given_up:
                raise unavailable()
            await self.changed.wait()

    async def answered(self, make: Callable[[int], msgspec.Struct]) -> Any:
        """What is said to a question. make: the question of this number."""
        await self.stands()
        if len(self.asked) >= QUESTIONS_MAX:
            raise Rejected(BUSY.code, BUSY.message)
        number, end = next(self.numbers), self.end
        assert end is not None
        try:
            asked = encode(make(number))
        except (ValueError, OverflowError) as error:
            raise Rejected("malformed_request", str(error)) from None
        future = self.asked[number] = asyncio.get_running_loop().create_future()
        end.say(asked)
        try:
            said = await future
        finally:
            self.asked.pop(number, None)
        if isinstance(said, Turned):
            raise decode_rejected(said.body)
        return said

    async def ask(self, question: Question) -> Answer:
        """The answer to a question."""
        said: Answered = await self.answered(lambda number: Ask(number, question))
        return said.answer

    async def who(self, stream: str, session: str) -> Who:
        """Whose a session is."""
        said: Known = await self.answered(lambda number: AskWho(number, stream, session))
        return said.who

    async def follow(self, stream: str, after: int) -> AsyncIterator[list[Committed]]:
        """Every durable event of a stream after a position."""
        await self.stands()
        number, position = next(self.numbers), after
        following = self.followed[number] = Following()
        self.say(Follow(number, stream, after))
        try:
            while True:
                piece = await following.next()
                if isinstance(piece, Ended):
                    if piece.body is not None:
                        raise decode_rejected(piece.body)
                    raise Lagged(f"It goes on after position {position}.")
                if piece.after != position:
                    raise Lagged(f"What comes after position {position} was not told.")
                position = piece.to
                yield decode_committed(self.vocabulary, piece.body)
                self.say(Took(number))
        finally:
            if self.followed.pop(number, None) is not None:
                self.say(Unfollow(number))

    def watch(self, stream: str, watcher: Watcher) -> Link:
        """A link to a stream."""
        if self.given_up:
            raise unavailable()
        number = next(self.numbers)
        link = self.watched[number] = FarLink(self, number, stream, watcher)
        self.say(Watch(number, stream))
        return link
