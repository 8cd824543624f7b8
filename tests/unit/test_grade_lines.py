"""`runline grade`: one JSON line out for each line in, whatever comes in."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runline.evaluate.grade import LINE_BYTES_MAX, grade_lines

CASES = Path(__file__).parents[1] / "cases"

BETS = {
    "id": 7,
    "sport": "football",
    "market": "spread",
    "side": "home",
    "line": "-3.75",
    "price": "-110",
    "stake": "100.00",
    "score": {"home": 24, "away": 20},
}


def raw(*lines, american=False):
    """The exit status and the lines out for these lines in, as bytes."""
    sink = io.BytesIO()
    status = grade_lines(io.BytesIO(b"\n".join(lines)), sink, american=american)
    assert sink.getvalue().endswith(b"\n") or not sink.getvalue()
    return status, sink.getvalue().splitlines()


def asked(**changes):
    """The exit status and the answer to one question; a change to `...` leaves the field out."""
    fields = {name: value for name, value in {**BETS, **changes}.items() if value is not ...}
    status, lines = raw(json.dumps(fields).encode())
    return status, json.loads(lines[0])


def refused(line):
    """The id and the code that one bad line gets."""
    status, lines = raw(line)
    assert (status, len(lines)) == (1, 1)
    failure = json.loads(lines[0])
    assert list(failure) == ["id", "error"]
    assert list(failure["error"]) == ["line_number", "code", "message"]
    assert failure["error"]["line_number"] == 1
    assert failure["error"]["message"]
    return failure["id"], failure["error"]["code"]


def test_a_line_in_is_a_line_out():
    assert raw(json.dumps(BETS).encode()) == (0, [b'{"id":7,"result":"half_won","returned":"145.45"}'])


@pytest.mark.parametrize(
    ("changes", "result", "money"),
    [
        ({}, "half_won", "145.45"),
        ({"line": "-4¼"}, "half_lost", "50.00"),
        ({"line": "-4"}, "push", "100.00"),
        ({"line": "PK"}, "won", "190.91"),
        ({"line": "-7"}, "lost", "0.00"),
        ({"line": "PK", "price": "1.91"}, "won", "191.00"),
        ({"line": "PK", "price": "10/11"}, "won", "190.91"),
        ({"line": "PK", "price": "+125", "stake": "7.5"}, "won", "16.88"),
        ({"line": "PK", "rounding": "down"}, "won", "190.90"),
        ({"line": "PK", "rounding": "half_up"}, "won", "190.91"),
        ({"line": "PK", "rounding": "half_up to 0.05"}, "won", "190.90"),
        ({"line": "PK", "rounding": "half_up to 1.00"}, "won", "191.00"),
        ({"market": "moneyline", "line": ...}, "won", "190.91"),
        ({"market": "moneyline", "line": None}, "won", "190.91"),
        ({"market": "moneyline", "line": ..., "score": {"home": 3, "away": 3}}, "push", "100.00"),
        ({"market": "draw_no_bet", "line": ..., "score": {"home": 3, "away": 3}}, "push", "100.00"),
        ({"market": "three_way", "line": ..., "side": "draw", "score": {"home": 3, "away": 3}}, "won", "190.91"),
        ({"market": "draw no bet", "line": ..., "score": {"home": 3, "away": 3}}, "push", "100.00"),
        ({"market": "total", "side": "over", "line": "44"}, "push", "100.00"),
        ({"period": "game"}, "half_won", "145.45"),
        ({"period": "1h", "line": "0", "periods": [[7, 10], [17, 10]], "scheduled": 2}, "lost", "0.00"),
        ({"period": "1h", "line": "0", "periods": [[7, 0], [3, 14]], "final": False}, "lost", "0.00"),
        ({"sport": "basketball", "line": "PK", "length": 40}, "void", "100.00"),
        ({"sport": "basketball", "league": "NCAAB", "line": "PK", "length": 40}, "won", "190.91"),
        ({"market": "three_way", "line": ..., "side": "draw", "level_after_regulation": True}, "won", "190.91"),
        ({"line": "\u22123¾", "price": "\u2212110"}, "half_won", "145.45"),
        ({"line": "PK", "price": "EV"}, "won", "200.00"),
        ({"line": "PK", "stake": "1,250.50"}, "won", "2387.32"),
        ({"market": "total", "side": "over", "line": "o43½"}, "won", "190.91"),
        ({"market": "total", "side": "under", "line": "u43½"}, "lost", "0.00"),
        ({"periods": None, "overtime": None}, "half_won", "145.45"),
        ({"periods": [], "overtime": []}, "half_won", "145.45"),
        ({"length": 54}, "void", "100.00"),
        ({"sport": "baseball", "length": 17}, "half_won", "145.45"),
        (
            {"sport": "soccer", "market": "three_way", "line": ..., "side": "draw", "score": {"home": 2, "away": 1}}
            | {"periods": [[0, 1], [1, 0]], "overtime": [[1, 0], [0, 0]]},
            "won",
            "190.91",
        ),
    ],
)
def test_a_wager_is_graded(changes, result, money):
    assert asked(**changes) == (0, {"id": 7, "result": result, "returned": money})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sport": "cricket"}, "sport_invalid"),
        ({"market": "parlay"}, "market_invalid"),
        ({"side": "draw"}, "side_invalid"),
        ({"side": "over"}, "side_invalid"),
        ({"period": "q5"}, "period_invalid"),
        ({"period": ""}, "period_invalid"),
        ({"line": ...}, "line_invalid"),
        ({"line": "3.1"}, "line_invalid"),
        ({"line": ""}, "line_invalid"),
        ({"line": "9" * 5_000}, "line_invalid"),
        ({"market": "moneyline"}, "line_invalid"),
        ({"market": "total", "side": "over", "line": "u44"}, "line_invalid"),
        ({"line": "h-3.5"}, "line_invalid"),
        ({"market": "total", "side": "over", "line": "-44"}, "line_invalid"),
        ({"price": "110"}, "price_invalid"),
        ({"price": "-99"}, "price_invalid"),
        ({"price": "1"}, "price_invalid"),
        ({"price": "9" * 5_000}, "price_invalid"),
        ({"stake": "0"}, "stake_invalid"),
        ({"stake": "-5.00"}, "stake_invalid"),
        ({"stake": "1.005"}, "stake_invalid"),
        ({"stake": "1" + "0" * 18}, "stake_invalid"),
        ({"stake": ""}, "stake_invalid"),
        ({"stake": "1,25.00"}, "stake_invalid"),
        ({"stake": "1250,00"}, "stake_invalid"),
        ({"rounding": "nearest"}, "rounding_invalid"),
        ({"rounding": "half_up to 0"}, "rounding_invalid"),
        ({"score": {"home": -1, "away": 0}}, "not_gradable"),
        ({"score": {"home": 10**40, "away": 0}}, "not_gradable"),
        ({"length": -1}, "not_gradable"),
        ({"period": "q1"}, "not_gradable"),
        ({"period": "q1", "sport": "hockey"}, "not_gradable"),
        ({"period": "1h", "sport": "hockey"}, "not_gradable"),
        ({"periods": [[24, 20]]}, "not_gradable"),
        ({"period": "1h", "line": "0", "periods": [[7, 10], [17, 10]]}, "not_gradable"),
        ({"final": False}, "not_gradable"),
        ({"final": False, "length": 60}, "not_gradable"),
        ({"scheduled": 3}, "not_gradable"),
        ({"periods": [[10, 10], [10, 10]]}, "not_gradable"),
        ({"overtime": [[25, 0]]}, "not_gradable"),
        ({"periods": [[0, 0]] * 500}, "not_gradable"),
        ({"overtime": [[0, 0]] * 500}, "not_gradable"),
        ({"sport": ...}, "malformed"),
        ({"price": ...}, "malformed"),
        ({"price": -110}, "malformed"),
        ({"price": None}, "malformed"),
        ({"stake": 100}, "malformed"),
        ({"line": -3.5}, "malformed"),
        ({"sport": None}, "malformed"),
        ({"score": [24, 20]}, "malformed"),
        ({"score": {"home": 24}}, "malformed"),
        ({"score": {"home": 24, "away": 20, "draw": 0}}, "malformed"),
        ({"score": {"home": "24", "away": 20}}, "malformed"),
        ({"score": {"home": True, "away": 20}}, "malformed"),
        ({"score": {"home": 24.5, "away": 20}}, "malformed"),
        ({"score": {"home": 1e308, "away": 20}}, "malformed"),
        ({"periods": [[1, 2, 3]]}, "malformed"),
        ({"periods": [1, 2]}, "malformed"),
        ({"unknown": 1}, "malformed"),
        ({"final": 0}, "malformed"),
        ({"final": None}, "malformed"),
        ({"scheduled": "7"}, "malformed"),
    ],
)
def test_a_wager_that_cannot_be_graded_has_its_code(changes, code):
    status, failure = asked(**changes)
    assert (status, failure["id"], failure["error"]["code"]) == (1, 7, code)


def test_every_error_names_its_line():
    bad: list[dict[str, object]] = [
        {"id": 1, "line": "3.1"},
        {"id": 2, "score": {"home": -1, "away": 0}},
        {"id": 3, "stake": 100},
    ]
    questions = [json.dumps({**BETS, **one}).encode() for one in bad]
    _, lines = raw(b"", questions[0], json.dumps(BETS).encode(), b"", questions[1], questions[2])
    errors = [json.loads(line) for line in lines if b"error" in line]
    assert [(one["id"], one["error"]["line_number"]) for one in errors] == [(1, 2), (2, 5), (3, 6)]


@pytest.mark.parametrize(
    ("price", "money"),
    [
        ("145", "245.00"),
        ("+145", "245.00"),
        ("-110", "190.91"),
        ("\u2212110", "190.91"),
        ("100", "200.00"),
        ("145.0", "245.00"),
        ("-110.00", "190.91"),
        ("EV", "200.00"),
        (145, "245.00"),
        (-110, "190.91"),
        (145.0, "245.00"),
    ],
    ids=repr,
)
def test_prices_are_read_as_data_files_have_them_where_that_is_asked_for(price, money):
    status, lines = raw(json.dumps({**BETS, "line": "PK", "price": price}).encode(), american=True)
    assert (status, json.loads(lines[0]).get("returned")) == (0, money)


@pytest.mark.parametrize(
    "price", ["1.91", "10/11", "99", "-99", "0", "145.5", "1e3", "", "--110", "9" * 20, 99, 1.91, 1e300, -0.0], ids=repr
)
def test_what_is_no_american_price_is_refused_where_every_price_is_one(price):
    status, lines = raw(json.dumps({**BETS, "price": price}).encode(), american=True)
    assert (status, json.loads(lines[0])["error"]["code"]) == (1, "price_invalid")


@pytest.mark.parametrize("price", [True, None, [145], {"american": 145}])
def test_a_price_is_a_text_or_a_number_even_there(price):
    status, lines = raw(json.dumps({**BETS, "price": price}).encode(), american=True)
    assert (status, json.loads(lines[0])["error"]["code"]) == (1, "malformed")


@pytest.mark.parametrize("quarters", range(-30, 31))
def test_what_a_page_shows_is_read(quarters):
    parts = ["", "¼", "½", "¾"]
    size = abs(quarters)
    number = f"{size // 4 if size >= 4 or not size else ''}{parts[size % 4]}"
    handicap = "PK" if not quarters else f"\u2212{number}" if quarters < 0 else f"+{number}"
    for line, meant in ((handicap, quarters / 4), (f"o{number}", size / 4)):
        fields = {"line": line, "price": "\u2212110", "stake": "1,100.00", "score": {"home": 40, "away": 3}}
        if line[0] == "o":
            fields |= {"market": "total", "side": "over"}
        assert asked(**fields) == asked(**{**fields, "line": str(meant), "price": "-110", "stake": "1100"})
        assert asked(**fields)[0] == 0


@pytest.mark.parametrize(
    "name", ["7", "-0.0", "1e400", "9" * 6_000, "true", "false", "null", '""', '"a\\u00e9b"', '"ticket é ½"', '"\\"[{"']
)
def test_an_id_comes_back_as_it_was_written(name):
    fields = json.dumps(BETS)[len('{"id": 7') :]
    status, lines = raw(f'{{"id": {name}{fields}'.encode())
    assert (status, lines) == (0, [f'{{"id":{name},"result":"half_won","returned":"145.45"}}'.encode()])


@pytest.mark.parametrize("name", [[1], {}, {"a": 1}])
def test_an_id_that_is_no_scalar_is_malformed(name):
    assert refused(json.dumps({**BETS, "id": name}).encode()) == (None, "malformed")


def test_a_wager_without_an_id_is_malformed():
    assert refused(json.dumps({name: value for name, value in BETS.items() if name != "id"}).encode()) == (
        None,
        "malformed",
    )


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"}",
        b"[]",
        b"null",
        b"7",
        b'"id"',
        b"garbage",
        b"{}",
        b"{}{}",
        b"\xff\xfe",
        b'{"id": "\xff"}',
        b'{"id": "\xed\xa0\x80"}',
        b'{"id": "\\ud800"}',
        b'{"id": NaN}',
        b'{"id": -Infinity}',
        b'{"id": 01}',
        b"\x00",
        b"\xef\xbb\xbf{}",
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"id":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    ],
    ids=lambda line: repr(line[:24]),
)
def test_garbage_is_malformed_and_nothing_worse(line):
    assert refused(line) == (None, "malformed")


def test_a_field_that_stands_twice_is_malformed():
    line = json.dumps(BETS).replace('"away": 20', '"away": 20, "away": 27').encode()
    assert refused(line) == (7, "malformed")
    assert refused(json.dumps(BETS).replace('"id": 7', '"id": 7, "stake": "1.00"').encode()) == (7, "malformed")


def test_not_a_number_is_malformed():
    assert refused(json.dumps(BETS).replace("24", "NaN").encode()) == (None, "malformed")


def test_blank_lines_are_skipped_and_every_other_line_is_answered_in_order():
    good = [json.dumps({**BETS, "id": number}).encode() for number in range(3)]
    status, lines = raw(b"", good[0], b"  \t", b"\r", good[1] + b"\r", b"oops", b"", good[2])
    assert status == 1
    assert [json.loads(line)["id"] for line in lines] == [0, 1, None, 2]
    assert json.loads(lines[2])["error"]["line_number"] == 6


def test_nothing_in_is_nothing_out():
    assert raw() == (0, [])
    assert raw(b"", b"\n \n") == (0, [])


@pytest.mark.parametrize("excess", [1, 2, LINE_BYTES_MAX, 5 * LINE_BYTES_MAX + 17])
def test_a_line_that_is_too_long_is_one_error_and_the_next_is_read(excess):
    question = json.dumps(BETS).encode()
    status, lines = raw(question, b"x" * (LINE_BYTES_MAX + excess), question)
    assert (status, len(lines)) == (1, 3)
    assert [json.loads(line).get("result") for line in lines] == ["half_won", None, "half_won"]
    assert json.loads(lines[1])["error"]["code"] == "malformed"
    assert json.loads(lines[1])["error"]["line_number"] == 2


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_the_longest_line_allowed_is_read(end):
    question = json.dumps(BETS).encode().ljust(LINE_BYTES_MAX)
    status, lines = raw(question + end + json.dumps(BETS).encode() if end else question)
    assert status == 0
    assert len(lines) == (2 if end else 1)


class Endless(io.BytesIO):
    """A line of 100 MB that is never in memory, and how much of it was asked for at once."""

    def __init__(self):
        super().__init__()
        self.left = 100 * 1024 * 1024
        self.asked_max = 0

    def readline(self, size=-1, /):
        self.asked_max = max(self.asked_max, size if size is not None and size >= 0 else 2**62)
        given = min(self.left, size)
        self.left -= given
        return b"x" * given


def test_memory_does_not_grow_with_a_line():
    source, sink = Endless(), io.BytesIO()
    assert grade_lines(source, sink) == 1
    assert source.left == 0
    assert source.asked_max <= LINE_BYTES_MAX + 2
    assert sink.getvalue().count(b"\n") == 1


class Conversation(io.BytesIO):
    """A sink that remembers how much had been flushed."""

    flushed = 0

    def flush(self):
        self.flushed = self.tell()


def test_each_answer_is_out_before_the_next_question_is_read():
    sink = Conversation()
    seen = []

    class Source(io.BytesIO):
        def readline(self, size=-1, /):
            seen.append(sink.flushed)
            return json.dumps(BETS).encode() + b"\n" if len(seen) < 4 else b""

    grade_lines(Source(), sink)
    answer = len(sink.getvalue()) // 3
    assert seen == [0, answer, 2 * answer, 3 * answer]


@given(st.binary(max_size=200))
def test_whatever_comes_in_gets_a_json_line_for_each_line_that_is_not_blank(data):
    sink = io.BytesIO()
    status = grade_lines(io.BytesIO(data), sink)
    answers = [json.loads(line) for line in sink.getvalue().splitlines()]
    assert len(answers) == sum(bool(line.strip()) for line in data.split(b"\n"))
    assert status == any("error" in answer for answer in answers)


texts = st.text('aé½"\\/-+.0\x00\ud800', max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from([*BETS, "period", "periods", "overtime", "rounding", "length", "final", "scheduled"]),
        json_values,
    )
)
def test_any_value_in_any_field_gets_an_answer(changes):
    status, lines = raw(json.dumps({**BETS, **changes}).encode())
    assert len(lines) == 1
    assert ("error" in json.loads(lines[0])) == bool(status)


# Cases of the field


def lines_of(name):
    return [json.loads(line) for line in (CASES / name).read_text().splitlines()]


@pytest.mark.parametrize(
    ("case", "expected"),
    list(zip(lines_of("grade.jsonl"), lines_of("grade.expected.jsonl"), strict=True)),
    ids=[case["id"] for case in lines_of("grade.jsonl")],
)
def test_a_case_of_the_field_is_graded_as_the_field_grades_it(case, expected):
    answer = json.loads(raw(json.dumps(case).encode())[1][0])
    if "error" in expected:
        assert (answer["id"], answer["error"]["code"]) == (expected["id"], "not_gradable")
        assert "not a final score, or ambiguous" in answer["error"]["message"]
        return
    least = expected["returned"].removeprefix("at least ")
    if least != expected["returned"]:
        assert float(answer["returned"]) >= float(least)
        answer["returned"] = expected["returned"]
    assert answer == expected


SEVEN = "the game was scheduled for 7 innings"
RUN_LINE = {"sport": "baseball", "line": "-1.5", "price": "+140", "score": {"home": 4, "away": 1}}
INNINGS = [[1, 0], [0, 0], [0, 1], [0, 0], [2, 0], [0, 0], [1, 0]]


@pytest.mark.parametrize(
    ("changes", "result", "condition"),
    [
        ({"length": 14}, "won", SEVEN),
        ({"length": 13}, "won", SEVEN),
        ({"length": 13, "score": {"home": 1, "away": 4}}, "void", None),
        ({"length": 12}, "void", None),
        ({"length": 15}, "void", None),
        ({"length": 14, "scheduled": 7}, "won", None),
        ({"length": 14, "scheduled": 9}, "void", None),
        ({"periods": INNINGS}, "won", SEVEN),
        ({"periods": INNINGS, "scheduled": 7}, "won", None),
        ({"periods": INNINGS, "length": 14, "scheduled": 9}, "void", None),
        ({"market": "moneyline", "line": None, "length": 14}, "won", None),
        ({}, "won", None),
    ],
)
def test_a_result_that_rests_on_a_shorter_schedule_says_so(changes, result, condition):
    status, answer = asked(**{**RUN_LINE, **changes})
    assert (status, answer.get("result"), answer.get("if")) == (0, result, condition)


def test_no_schedule_is_made_up_for_a_game_that_says_its_own_or_goes_on():
    for said in ({"scheduled": 9}, {"final": False}):
        status, failure = asked(**RUN_LINE, periods=INNINGS, **said)
        assert (status, failure["error"]["code"]) == (1, "not_gradable")
    goes_on = {**RUN_LINE, "market": "three_way", "line": None, "periods": INNINGS, "final": False}
    assert asked(**goes_on)[1]["error"]["code"] == "not_gradable"
