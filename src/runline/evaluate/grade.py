"""Grade: JSON lines of wagers in, one JSON line of result or error out for each. For disputes, and anyone's checks.

A line in:

    {"id", "sport", "league", "market", "period", "side", "line", "price", "stake", "score": {"home", "away"},
     "periods": [[home, away], …], "overtime": [[home, away], …], "length", "final", "scheduled", "level_after_regulation",
     "rounding"}

`id` is any JSON scalar and comes back as it was written. `line` (the handicap of `side` for a spread, the total for a total),
`price` and `stake` are strings, as people type them or as a page shows them (`−3½`, `o8½`, `EV`, `1,250.00`). `league` matters
where its rules differ from its sport's. `period` is `game` unless given; `rounding` is `half_up`, or `half_up to 0.05`. `periods`
to `level_after_regulation` are those of a score (`length`: how much was played of a game that was called, in minutes, of baseball
in half-innings; `final`: false while the game goes on; `scheduled`: 7 for baseball of seven innings).

A line out is `{"id", "result", "returned"}` or `{"id", "error": {"line_number", "code", "message"}}`: which line in it was, from
1, blank ones counted. Where a game that does not say for how
much it was scheduled ended just where a shorter one ends, and that makes a difference, the result is that of the shorter game and
`"if"` says so.

Data files write American prices without the sign of underdogs, and as numbers: `"price": 145`. Who asks for that (`american`) has
every price read so; else an unsigned price from 100 up could as well be decimal, and is refused.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from json import JSONDecoder
from typing import Any, BinaryIO, TypeVar

import msgspec

from runline.domain.grading import (
    NotGradable,
    Score,
    SelectionInvalid,
    grade,
    league_rules,
    require_period,
    require_selection,
    returned,
)
from runline.domain.money import Minor, format_money, parse_money, parse_rounding
from runline.domain.odds import Price, parse_american, parse_price
from runline.domain.official import Layout, LeagueRules, Terms
from runline.domain.points import parse_points

LINE_BYTES_MAX = 64 * 1024
"""A longer line is an error; no more than this is ever in memory."""

NULL = msgspec.Raw(b"null")

Points = tuple[int, int]
T = TypeVar("T")


class FinalScore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The final score, overtime included."""

    home: int
    away: int


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A line in."""

    id: msgspec.Raw
    sport: str
    market: str
    side: str
    price: str
    stake: str
    score: FinalScore
    period: str = "game"
    league: str = ""
    line: str | None = None
    periods: tuple[Points, ...] | None = None
    overtime: tuple[Points, ...] | None = None
    length: int | None = None
    final: bool = True
    scheduled: int | None = None
    level_after_regulation: bool = False
    rounding: str = "half_up"


class AmericanCase(Case, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A line in whose price is American, whether it says so by its sign or not."""

    price: str | int | float  # type: ignore[assignment]


class Graded(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line out. returned: the money back, stake included. condition: what must be true for it, if that was not said."""

    id: msgspec.Raw
    result: str
    returned: str
    condition: str = msgspec.field(default="", name="if")


class Fault(msgspec.Struct, frozen=True):
    """Why a line has no result. line_number: which it is of those that came in. code: stable. message: for people."""

    line_number: int
    code: str
    message: str


class Failure(msgspec.Struct, frozen=True):
    """A line out, for a line that has no result."""

    id: msgspec.Raw
    error: Fault


class Identified(msgspec.Struct, frozen=True):
    """What can be told of a line that is not a question."""

    id: msgspec.Raw = NULL


class Unanswerable(Exception):
    """A question that has no answer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


CASES = msgspec.json.Decoder(Case)
AMERICAN_CASES = msgspec.json.Decoder(AmericanCase)
IDENTIFIED = msgspec.json.Decoder(Identified)


def unique(pairs: list[tuple[str, Any]]) -> None:
    """Refuse an object that has a field twice: which of them counts differs from reader to reader."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("Object has a field twice")


FIELDS = JSONDecoder(object_pairs_hook=unique, parse_int=str, parse_float=str)


def grade_lines(source: BinaryIO, sink: BinaryIO, *, american: bool = False) -> int:
    """Answer every line of the source on the sink, in order. Blank lines are skipped. american: every price is.

    Returns the exit status: 1 if any line was an error, else 0. Memory does not grow with the input.
    """
    encoder = msgspec.json.Encoder()
    failed = 0
    for number, line in numbered_lines(source):
        answer = answer_line(number, line, american)
        failed |= isinstance(answer, Failure)
        sink.write(encoder.encode(answer) + b"\n")
        sink.flush()  # who asks line by line gets each answer before the next question
    return int(failed)


def numbered_lines(source: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """The lines that are not blank, and their numbers; None for one beyond LINE_BYTES_MAX, the rest of which is skipped."""
    number = 0
    while line := source.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(line.rstrip(b"\r\n")) > LINE_BYTES_MAX:
            yield number, None
            while line and not line.endswith(b"\n"):
                line = source.readline(LINE_BYTES_MAX)
        elif line := line.strip():
            yield number, line


def answer_line(number: int, line: bytes | None, american: bool) -> Graded | Failure:
    """The answer to one line; an error becomes a Failure here, at the edge."""
    if line is None:
        return malformed(number, NULL, f"a line has at most {LINE_BYTES_MAX} bytes")
    try:
        FIELDS.decode(line.decode())
        question = (AMERICAN_CASES if american else CASES).decode(line)
    except (ValueError, RecursionError) as error:
        return malformed(number, identity(line), str(error))
    if not is_scalar(question.id):
        return malformed(number, NULL, "the id is a string, a number, true, false or null")
    try:
        return answer(question, read("price_invalid", parse_american if american else parse_price, str(question.price)))
    except (NotGradable, SelectionInvalid, Unanswerable) as error:
        return Failure(question.id, Fault(number, error.code, str(error)))


def malformed(number: int, name: msgspec.Raw, message: str) -> Failure:
    return Failure(name, Fault(number, "malformed", f"{message[:1].upper()}{message[1:]}."))


def identity(line: bytes) -> msgspec.Raw:
    """The id of a line that is not a question, if there is one to be found."""
    try:
        line.decode()
        name = IDENTIFIED.decode(line).id
    except (ValueError, RecursionError):
        return NULL
    return name if is_scalar(name) else NULL


def is_scalar(value: msgspec.Raw) -> bool:
    return bytes(value)[:1] not in (b"{", b"[")


def answer(question: Case, price: Price) -> Graded:
    """The answer to a question at a price. Raises NotGradable, SelectionInvalid and Unanswerable."""
    market = question.market.replace(" ", "_")  # a page shows it in words
    rules = league_rules(question.sport, question.league)
    line = None
    if question.line is not None:
        line = read("line_invalid", partial(parse_line, market, question.side), question.line)
    require_selection(market, question.side, line)
    if market == "total" and line is not None and line < 0:
        raise Unanswerable("line_invalid", "A total is not negative.")
    require_period(rules, question.period)
    stake_minor = read("stake_invalid", parse_stake, question.stake)
    rounding = read("rounding_invalid", parse_rounding, question.rounding)

    def answer_by(score: Score) -> tuple[str, Minor]:
        result = grade(rules, market, question.period, question.side, line, score)
        return result, returned(price, stake_minor, result, rounding)

    score = score_of(question)
    layout = shorter_game(rules, rules.terms(market, question.period), score)
    if layout is None:
        result, money = answer_by(score)
        return Graded(question.id, result, format_money(money))
    result, money = answer_by(msgspec.structs.replace(score, scheduled=layout.count))
    try:
        differs = answer_by(score) != (result, money)
    except NotGradable:
        differs = True
    condition = f"the game was scheduled for {layout.count} {layout.name}" if differs else ""
    return Graded(question.id, result, format_money(money), condition)


def score_of(question: Case) -> Score:
    return Score(
        question.score.home,
        question.score.away,
        question.periods,
        question.overtime,
        question.length,
        question.final,
        question.scheduled,
        question.level_after_regulation,
    )


def shorter_game(rules: LeagueRules, terms: Terms, score: Score) -> Layout | None:
    """The shorter game of the league of which this score is the end, if the score does not say for how much it was scheduled."""
    own, *others = rules.layouts
    if score.scheduled is not None or not score.final:
        return None
    unplayed = terms.less_if_home_leads if score.home > score.away else 0
    for layout in others:
        ends = (
            len(score.periods or ()) == layout.count
            if score.length is None
            else layout.length - unplayed <= score.length <= layout.length
        )
        if ends and layout.part_length == own.part_length:
            return layout
    return None


AMOUNT_WITH_COMMAS = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]{1,2})?")


def parse_stake(text: str) -> Minor:
    """The minor units of a stake, with or without commas between thousands. Raises ValueError."""
    return parse_money(text.replace(",", "") if AMOUNT_WITH_COMMAS.fullmatch(text) else text, positive=True)


def parse_line(market: str, side: str, text: str) -> int:
    """The quarter points of a line; a total may have the letter of its side before it, as on a board. Raises ValueError."""
    return parse_points(text[1:] if market == "total" and side and text.startswith(side[0]) else text)


def read(code: str, parse: Callable[[str], T], text: str) -> T:
    """What a text means, or Unanswerable by this code."""
    try:
        return parse(text)
    except ValueError as error:
        sentence = str(error)
        raise Unanswerable(code, f"{sentence[:1].upper()}{sentence[1:]}.") from None
