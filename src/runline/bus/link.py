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
from runline.bus.gateway import GatewayEnd
from runline.bus.gathering import GatheringBus
from runline.bus.limits import (
    AGAIN_PAUSE_S,
    AGAIN_S_MAX,
    QUESTION_BYTES_MIN,
    QUESTIONS_BYTES_MAX,
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
    Known,
    Send,
    Time,
    Told,
    Took,
    Turned,
    Unfollow,
    Watch,
    encode,
)
from runline.bus.waiting import Lines, Sent, UnderWay, counted_as, note_who, rank_of
from runline.domain.messages import Rejected
from runline.domain.vocabulary import Vocabulary
from runline.engine.bus import Answer, Question, Who
from runline.engine.codec import decode_committed, decode_rejected, outcome_told, request_frame
from runline.engine.ids import Entropy, uuid7
from runline.engine.ports import Clock
from runline.engine.requests import BUSY, UNAVAILABLE, Outcome, Request, Sink, refused, unavailable
from runline.engine.subscription import Committed, Lagged
from runline.engine.watching import Link, Watcher
from runline.sharing.sharers import Sharer
from runline.sharing.shares import Shares

log = logging.getLogger("runline.bus")


class Asked(msgspec.Struct):
    """A question under way. size: what it takes of the places for questions. (Its answer, where that is a refusal, keeps the
    frames that it came through, and they the question: the collector has to see that.)"""

    answer: asyncio.Future[Any]
    sharer: Sharer
    size: int


Connect = Callable[[Callable[[], GatewayEnd]], Awaitable[Any]]
"""Makes a connection to an owner, for the end that the function makes."""


class LinkBus(GatheringBus):
    """The streams of another process. connect: how it is reached. secret: what both have. told_time: takes what time it is there.

    end: the connection that stands. given_up: whether there is none, and nothing was heard for so long that nothing waits for it
    any more. heard_s: when the last word was heard on the one before, by the loop's time. lines: what waits until it can be said.
    sharers: whose sessions are, as far as this was asked.
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
        self.lines = Lines()
        self.sharers: dict[str, Sharer] = {}
        self.under_way = UnderWay(self.sharer_of)
        self.asked: dict[int, Asked] = {}
        self.questions = Shares(QUESTIONS_BYTES_MAX)
        self.followed: dict[int, Following] = {}
        self.watched: dict[int, FarLink] = {}
        loop = asyncio.get_running_loop()
        self.heard_s = loop.time()
        self.waiting = loop.call_later(AGAIN_S_MAX, self.give_up)
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
        for link in self.watched.values():
            link.begin()
        for number, sent in list(self.under_way.sent.items()):
            if sent.until_s and sent.until_s < now_s:
                # Whatever ends each link over which it is sent is not sent for ever.
                self.answer(number, refused(0, UNAVAILABLE))
            else:
                self.line_up(sent)
        self.go_on()
        self.changed.set()

    def lose(self) -> None:
        """The link is lost."""
        loop = asyncio.get_running_loop()
        assert self.end is not None
        self.heard_s = loop.time() - self.end.silent_s
        self.end = None
        self.lines.clear()
        self.changed.clear()
        until_s = self.heard_s + AGAIN_S_MAX
        self.waiting = loop.call_at(until_s, self.give_up)
        for sent in self.under_way.sent.values():
            sent.until_s = sent.until_s or until_s
        for number in list(self.asked):
            answer = self.answered_by(number)
            if answer is not None:
                answer.set_exception(unavailable())
        followed, self.followed = self.followed, {}
        for number, following in followed.items():
            following.hear(Ended(number, None))
        for link in self.watched.values():
            link.lost()

    @property
    def silent_s(self) -> float:
        """For how long nothing is heard of the owner."""
        return self.end.silent_s if self.end is not None else asyncio.get_running_loop().time() - self.heard_s

    def give_up(self) -> None:
        """The link is away for too long: nothing waits for it any more."""
        self.given_up = True
        self.changed.set()
        for number in list(self.under_way.sent):
            self.answer(number, refused(0, UNAVAILABLE))
        for link in self.watched.values():
            link.turn_away()

    def say(self, said: msgspec.Struct) -> None:
        """Say something, if the link stands; what waits for it is said when it does."""
        if self.end is not None:
            self.end.say(encode(said))

    def line_up(self, sent: Sent) -> None:
        """Have a request wait until it can be said."""
        sharer = sent.sharer or self.sharer_of(sent.stream, sent.session, sent.actor)
        self.lines.add(sent.rank, sharer, sent.said)

    def go_on(self) -> None:
        """Say what waits, until the owner takes no more."""
        end = self.end
        while self.lines.size and end is not None and not end.full and not end.over:
            end.say(self.lines.take())

    def sharer_of(self, stream: str, session: str, actor: str) -> Sharer:
        """As whom it counts what is sent in a session, or by a program."""
        return counted_as(self.sharers, stream, session, actor)

    def hear(self, said: Answers) -> None:
        """Take what the owner says."""
        if type(said) is Came:
            self.answer(said.number, outcome_told(self.vocabulary, said.outcome))
        elif isinstance(said, Told):
            link = self.watched.get(said.number)
            if link is not None:
                link.add(said.news, self.end)
        elif isinstance(said, Answered | Known | Turned):
            answer = self.answered_by(said.number)
            if answer is not None:
                answer.set_result(said)
        elif isinstance(said, Happened | Ended):
            following = self.followed.get(said.number)
            if following is not None:
                following.hear(said)
        elif isinstance(said, Time) and self.told_time is not None:
            self.told_time(said.now_ns)

    def answer(self, number: int, outcome: Outcome) -> None:
        """Give the outcome of a request to whoever waits for it."""
        sent = self.under_way.take(number)
        if sent is not None:
            sent.sink.answer(sent.index, outcome)

    def withdraw(self, is_void: Callable[[Sink], bool]) -> None:
        """Send no more what nobody waits for here any more. is_void: by the sink that it has."""
        for number, sent in list(self.under_way.sent.items()):
            if is_void(sent.sink):
                sharer = sent.sharer or self.sharer_of(sent.stream, sent.session, sent.actor)
                self.lines.withdraw(sent.rank, sharer, sent.said)
                self.under_way.take(number)

    def answered_by(self, number: int) -> asyncio.Future[Any] | None:
        """A question is under way no more. Returns what is to be told of it, if anybody waits for that."""
        asked = self.asked.pop(number, None)
        if asked is None:
            return None
        self.questions.give_back(asked.sharer, asked.size)
        return asked.answer if not asked.answer.done() else None

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
            sent = Sent(said, sink, index, rank_of(request), request.stream, request.session, request.actor)
            if self.given_up:
                sink.answer(index, refused(0, UNAVAILABLE))
            elif not self.under_way.admit(number, sent):
                sink.answer(index, refused(0, BUSY))
            elif (end := self.end) is not None:
                if end.full or self.lines.size:
                    self.line_up(sent)
                else:
                    end.say(said)

    async def stands(self) -> None:
        """Wait until the link stands. Raises Rejected `unavailable` if it is given up."""
        while self.end is None:
            if self.given_up:
                raise unavailable()
            await self.changed.wait()

    async def answered(self, sharer: Sharer, make: Callable[[int], msgspec.Struct]) -> Any:
        """What is said to a question. sharer: who asks. make: the question of this number."""
        await self.stands()
        number, end = next(self.numbers), self.end
        assert end is not None
        try:
            said = encode(make(number))
        except (ValueError, OverflowError) as error:
            raise Rejected("malformed_request", str(error)) from None
        size = max(len(said), QUESTION_BYTES_MIN)
        if not self.questions.take(sharer, size):
            raise Rejected(BUSY.code, BUSY.message)
        asked = self.asked[number] = Asked(asyncio.get_running_loop().create_future(), sharer, size)
        if end.full or self.lines.size:
            self.lines.add("questions", sharer, said)
        else:
            end.say(said)
        try:
            answer = await asked.answer
        except asyncio.CancelledError:
            if self.lines.withdraw("questions", sharer, said):
                self.answered_by(number)
            # What was said is under way until it is answered.
            raise
        if isinstance(answer, Turned):
            raise decode_rejected(answer.body)
        return answer

    async def ask(self, question: Question) -> Answer:
        """The answer to a question."""
        sharer = self.sharer_of(question.stream, question.session, question.actor)
        said: Answered = await self.answered(sharer, lambda number: Ask(number, question))
        return said.answer

    async def who(self, stream: str, session: str) -> Who:
        """Whose a session is."""
        sharer = self.sharer_of(stream, session, "")
        said: Known = await self.answered(sharer, lambda number: AskWho(number, stream, session))
        note_who(self.sharers, said.who)
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
