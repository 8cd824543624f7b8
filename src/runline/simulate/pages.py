"""Pages: every answer to a question, held against what the oracle says of the state in which it was read, and against the log.

Rule: a question is heard as it is asked at the engine. Of a stream's state it is judged where the oracle stands at that very
position, which is before it goes beyond; of history, at the moment at which the disk is looked at.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from itertools import zip_longest
from typing import Any

import msgspec

from runline.bootstrap import Parts
from runline.domain.messages import HOUSE, Rejected
from runline.domain.queries.declared import Query
from runline.domain.times import sibling, time_text
from runline.domain.vocabulary import Vocabulary
from runline.engine.bus import Answer, Question
from runline.simulate.disk import Disk
from runline.simulate.excuses import Came
from runline.simulate.folded import Folded
from runline.simulate.judging import Judging
from runline.simulate.looking_back import LookingBack
from runline.simulate.oracle import asking
from runline.simulate.oracle.answers import Refusal, Refused, difference
from runline.simulate.oracle.asking import Page
from runline.simulate.oracle.board import ANYTHING
from runline.simulate.oracle.model import frozen
from runline.simulate.oracle.rules import Asked
from runline.simulate.story import Wrong

UNJUDGED = ("busy", "unavailable", "position_unknown", "unreadable", "malformed_request", "unknown_book", "not_here")
"""What is refused for before anything is read, or for what is no rule."""

ABOUT_THE_CLUSTER = ("cluster", "cluster_streams")
"""What any process answers, whoever owns the stream."""

READING: "ContextVar[Reading | None]" = ContextVar("reading", default=None)
"""The question that is being answered here."""


class Reading:
    """A question that is being answered. asked: as the oracle takes it. parts, came: who answers it, and how it was then.

    expected: the answer, once that is known; failed: why it cannot be. is_read: whether it was read in a state. looked: whether
    the disk was looked at for it. is_vague: whether it is about a time that cannot be told apart from others. gone: nobody waits
    for the answer any more. began: up to where its stream was durable as it was asked.
    """

    __slots__ = ("asked", "began", "came", "expected", "failed", "gone", "is_read", "is_vague", "looked", "parts")

    def __init__(self, asked: asking.Question, parts: Parts, came: Came, began: int) -> None:
        self.asked = asked
        self.began = began
        self.parts = parts
        self.came = came
        self.expected: Page | Refusal | None = None
        self.failed: Exception | None = None
        self.is_read = self.is_vague = False
        self.looked = False
        self.gone = False


class Pages:
    """The answers of a run. held: what is told if something does not hold. counted: answers by what became of them."""

    def __init__(
        self, vocabulary: Vocabulary, judging: Judging, disk: Disk, folded: Folded, held: Callable[..., None]
    ) -> None:
        self.vocabulary = vocabulary
        self.judging = judging
        self.disk = disk
        self.back = LookingBack(vocabulary, disk, folded)
        self.held = held
        self.waiting: dict[str, list[Reading]] = {}
        self.told: set[bytes] = set()
        self.counted: Counter[str] = Counter()
        self.fenced = False
        """Whether nobody may answer for a stream that another has claimed, since all know whether they hold their leases."""
        judging.passing = self.passes

    # What is heard at an engine

    def listen(self, parts: Parts) -> None:
        """Listen to all that an engine is asked."""
        questions, engine = parts.questions, parts.engine
        ask, answer_now, query, look = questions.ask, questions.answer_now, engine.query, questions.history.look

        async def heard_ask(question: Question) -> Answer:
            declared = self.vocabulary.queries.get(question.name)
            if declared is None or not question.session:
                return await ask(question)
            writer, now_s = engine.writers.get(question.stream), asyncio.get_running_loop().time()
            came = Came(engine.view.seq, engine.clock.now_ns(), now_s, writer)
            reading = Reading(asked_of(question, declared), parts, came, self.head(question.stream))
            token = READING.set(reading)
            try:
                answer = await ask(question)
            except Rejected as rejected:
                self.held(self.refused, reading, rejected)
                raise
            finally:
                reading.gone = True
                READING.reset(token)
            self.held(self.answered, reading, answer)
            return answer

        async def heard_query(stream: str, read: Callable[[Any], Any], *args: Any, **options: Any) -> Any:
            reading = READING.get()
            if reading is None:
                return await query(stream, read, *args, **options)

            def heard_read(state: Any) -> Any:
                self.is_read(reading, state.seq, engine.view.seq, engine.clock.now_ns())
                return read(state)

            return await query(stream, heard_read, *args, **options)

        async def heard_now(question: Question, name: str, declared: Query, asked: Any, spent: list[int]) -> Answer:
            reading, show = READING.get(), declared.show
            assert show is not None

            def heard_show(state: Any, house: Any, user: Any, audience: Any, asked: Any, now_ns: int) -> Any:
                if reading is not None:
                    reading.asked.now_ns = now_ns
                return show(state, house, user, audience, asked, now_ns)

            return await answer_now(question, name, msgspec.structs.replace(declared, show=heard_show), asked, spent)

        async def heard_look(stream: str, read: Any, *args: Any, **options: Any) -> Any:
            found = await look(stream, read, *args, **options)
            reading = READING.get()
            if reading is not None:
                self.held(self.looks, reading, args[-1])
            return found

        questions.ask = heard_ask  # type: ignore[method-assign]
        questions.answer_now = heard_now  # type: ignore[method-assign, assignment]
        questions.history.look = heard_look  # type: ignore[method-assign]
        engine.query = heard_query

    # When it is read

    def is_read(self, reading: Reading, seq: int, house_seq: int, at_ns: int) -> None:
        """A question is read in a state: the oracle is asked once it stands there."""
        asked = reading.asked
        asked.seq, asked.house_seq, asked.at_ns = seq, seq if asked.stream == HOUSE else house_seq, at_ns
        reading.expected, reading.is_read = None, True
        waiting = self.waiting.setdefault(asked.stream, [])
        waiting[:] = [one for one in waiting if not one.gone and one is not reading]
        waiting.append(reading)

    def passes(self, stream: str, seq: int) -> None:
        """The oracle is about to take what stands at a position of a stream."""
        for reading in self.waiting.get(stream, ()):
            if reading.asked.seq < seq and not reading.gone:
                self.expect(reading)

    def expect(self, reading: Reading) -> None:
        """Ask the oracle, where it stands."""
        asked, model = reading.asked, self.judging.model
        if reading.expected is not None or reading.looked or model.stream(asked.stream).seq != asked.seq:
            return
        if asked.stream != HOUSE:
            self.judging.judge_up_to(HOUSE, asked.house_seq)
        try:
            reading.expected = asking.shown(model, asked)
        except Exception as error:
            # It may have been read in a state that never became durable, and is not answered then.
            reading.failed = error

    def looks(self, reading: Reading, now_ns: int) -> None:
        """The disk is looked at for a question. Raises Wrong."""
        asked = reading.asked
        books = self.judging.model.house.opened if asked.name == "result_money" else ()
        for name in (HOUSE, asked.stream, *books):
            self.judging.judge_up_to(name, self.head(name))
        stream = self.judging.model.stream(asked.stream)
        reading.looked, asked.seq, asked.now_ns = True, self.head(asked.stream), now_ns
        try:
            reader = asking.reader_later(stream, asked.session, now_ns)
            asking.may_ask(stream, reader, asked.name)
            if asked.name in ABOUT_THE_CLUSTER:
                # What the registry says changes by itself.
                reading.is_vague, reading.expected = True, None
                return
            if asked.name == "conditions":
                reading.expected = self.conditions(reading, stream.name, reader)
                return
            if (asked.fields.get("since") or asked.fields.get("until")) and self.back.goes_back(asked.stream):
                # A window is found by halves, which is not exact there (docs/explanation/limits.md).
                reading.is_vague, reading.expected = True, None
                return
                return
            fields = {**asked.fields, "limit": min(asked.fields["limit"], asking.QUERIES[asked.name].most)}
            self.back.now_ns, self.back.model = now_ns, self.judging.model
            reading.expected = self.back.pages[asked.name](stream, reader, Asked(fields))
        except Refused as refused:
            reading.expected = refused.refusal

    def head(self, stream: str) -> int:
        """Up to where a stream is durable."""
        known = self.disk.kept.known_heads.get(stream)
        return known.seq if known is not None else 0

    def conditions(self, reading: Reading, stream: str, reader: asking.Reader) -> Page:
        """What is not well, as the process says: the house hears all of it, the staff of a whole book what stops their book, in
        words that name nothing of others."""
        rows = []
        for one in reading.parts.engine.conditions.standing.values():
            of_stream = one.part in ("stream", "work", "aside")
            if of_stream and stream != HOUSE and one.subject not in (stream, HOUSE):
                continue
            whole = stream == HOUSE or (of_stream and one.subject == stream and reader.node == "root")
            row = {name: getattr(one, name) for name in ("part", "subject", "level", "since_ns")}
            rows.append((f"{one.part}:{one.subject}", {**row, "reason": one.reason if whole else ANYTHING}))
        rows = sorted((row for row in rows if row[0] > reading.asked.fields["after"]), key=lambda row: row[0])
        return asking.cut(rows, min(reading.asked.fields["limit"], asking.ROWS_MOST))

    # What is answered

    def answered(self, reading: Reading, answer: Answer) -> None:
        """An answer is given. Raises Wrong."""
        self.told.add(answer.body)
        found = msgspec.json.decode(answer.body)
        asked = reading.asked
        writer = reading.parts.engine.writers.get(asked.stream)
        if asked.name in ABOUT_THE_CLUSTER:
            writer = None
        if self.fenced and writer is not None and self.disk.is_others(asked.stream, writer.head.epoch):
            raise Wrong(f"{words(asked)} is answered by who has it no more")
        expected = self.expected(reading)
        if expected is None:
            return
        if isinstance(expected, Refusal):
            raise Wrong(f"{words(asked)} is answered, and must be refused: {expected}")
        position = {"position": asked.seq}
        if not self.vocabulary.queries[asked.name].history and not reading.looked:
            position["house"] = asked.house_seq
        elif "house" in found:
            del found["house"]
        told = page_difference(position, expected, without_times(found))
        if told:
            raise Wrong(f"{words(asked)} at {asked.seq}: {told}")
        self.counted[f"pages of {asked.name}"] += 1

    def refused(self, reading: Reading, rejected: Rejected) -> None:
        """A question is refused. Raises Wrong."""
        excuses = self.judging.excuses
        if reading.asked.name in ABOUT_THE_CLUSTER and excuses.about_the_cluster(rejected.code, reading.came):
            self.counted["pages about the nodes while their registry is away"] += 1
            return
        if rejected.code in UNJUDGED or not (reading.is_read or reading.looked):
            excuses.refused_page(reading.asked.stream, rejected.code, reading.parts, reading.came)
            self.counted[f"pages not judged: {rejected.code}"] += 1
            return
        expected = self.expected(reading)
        if expected is None:
            return
        asked = reading.asked
        if reading.looked and asked.seq != reading.began:
            # Whether somebody may ask was looked at before the disk was.
            self.counted["pages refused while the stream went on"] += 1
            return
        if not isinstance(expected, Refusal):
            raise Wrong(f"{words(asked)} at {asked.seq} is refused as {rejected.code}, and must be answered")
        known = {name: value for name, value in rejected.details.items() if name in expected.details}
        if expected.code != rejected.code or difference(frozen(expected.details), frozen(known)):
            raise Wrong(f"{words(asked)} at {asked.seq} is refused as {rejected.code} {known}, not as {expected}")
        self.counted["pages refused"] += 1

    def expected(self, reading: Reading) -> Page | Refusal | None:
        """What must be answered, None where the oracle has gone beyond."""
        if not reading.looked:
            self.judging.judge_up_to(reading.asked.stream, reading.asked.seq)
            self.expect(reading)
        if reading.failed is not None:
            raise Wrong(f"{words(reading.asked)} at {reading.asked.seq}: {reading.failed!r}") from reading.failed
        if reading.expected is None:
            self.counted["pages late" if not reading.is_vague else "pages that nothing tells exactly"] += 1
        return reading.expected

    def was_told(self, body: bytes) -> None:
        """A client has a page. Raises Wrong if it is none that was judged."""
        if body not in self.told:
            raise Wrong(f"a client has a page that nobody has answered: {body[:200]!r}")


def asked_of(question: Question, declared: Query) -> asking.Question:
    """What is asked, with the defaults of what is not said."""
    fields = {field.name: field.default for field in msgspec.structs.fields(declared.asked)}
    fields.update(msgspec.json.decode(question.fields))
    return asking.Question(question.stream, question.name, question.session, fields)


def words(asked: asking.Question) -> str:
    """A question, in a story."""
    fields = {name: value for name, value in asked.fields.items() if value != ""}
    return f"{asked.stream}: {asked.name} {fields} by {asked.session[:8]}"


def page_difference(position: dict[str, int], expected: Page, found: dict[str, Any]) -> str:
    """In what a page differs from the one that must be."""
    told = rows_difference(expected.items, found.pop("items"))
    return told or difference({**position, "next": expected.next}, found)


def rows_difference(expected: list[Any], items: list[Any]) -> str:
    """In what rows differ from those that must be."""
    rows = with_sentences(expected, items)
    for number, (row, item) in enumerate(zip(rows, items, strict=False)):
        told = difference(frozen(row), frozen(item), f"row {number}")
        if told:
            return told
    if len(rows) != len(items):
        more = rows if len(rows) > len(items) else items
        return f"{len(rows)} rows expected, but {len(items)}: {more[min(len(rows), len(items))]}"
    return ""


def without_times(value: Any) -> Any:
    """A plain value without the texts beside its times. Raises Wrong where one of them tells another time."""
    if isinstance(value, list):
        return [without_times(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {name: without_times(one) for name, one in value.items()}
    for name, one in value.items():
        beside = sibling(name)
        if beside and (one is None or isinstance(one, int)):
            text = found.pop(beside, None)
            if text != (time_text(one) if one is not None and one >= 2**53 else None):
                raise Wrong(f"{name} {one} is told as {text}")
    return found


def with_sentences(expected: Any, found: Any) -> Any:
    """What is expected, with the sentences that nobody predicts."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return {name: with_sentences(one, found.get(name)) for name, one in expected.items()}
    if isinstance(expected, list | tuple) and isinstance(found, list):
        return [with_sentences(one, other) for one, other in zip_longest(expected, found)][: len(expected)]
    told = isinstance(found, str) or (isinstance(found, list) and all(isinstance(one, str) for one in found))
    return found if expected == ANYTHING and told else expected
