"""Small changes of the domain: what is changed, and who answers for what nobody notices."""

import os
import re
import signal
from textwrap import dedent
from typing import Any, ClassVar

import libcst
import pytest

import survivors
import trying
from survivors import Change, Tried, judge, read_answers, table, undecorated, values_only, words_only

AT = Change("odds.parse", "if a < b:", "if a <= b:")


def test_a_decorator_stands_after_its_function_and_a_cache_nowhere():
    source = """
    @decides(Place)
    @noted(1, by="me")
    def place(book):
        return book


    @lru_cache(maxsize=2)
    def parse(text):
        return text


    class Player(Row):
        @property
        def number(self):
            return 1

        @staticmethod
        def kept():
            return 2
    """
    found = """
    def place(book):
        return book
    place = decides(Place)(noted(1, by='me')(place))


    def parse(text):
        return text


    class Player(Row):
        def number(self):
            return 1
        number = property(number)

        @staticmethod
        def kept():
            return 2
    """
    assert undecorated(dedent(source)) == dedent(found)


def changes(operator, text):
    return [libcst.Module([]).code_for_node(one) for one in operator(libcst.parse_expression(text))]


def test_a_word_is_changed_and_a_sentence_is_not():
    assert changes(words_only, '"home"') == ['"XXhomeXX"', '"HOME"']
    assert changes(words_only, '"The home side."') == []
    assert changes(values_only, 'Rejected("late", f"It was {it}.")') == [
        'Rejected(None, f"It was {it}.")',
        'Rejected(f"It was {it}.")',
    ]
    assert changes(values_only, 'NotGradable("It is "  f"{it}")') == []
    assert changes(values_only, "check(balance)") == ["check(None)"]


def test_what_nothing_notices_and_nobody_answers_for_is_wrong():
    tried = [Tried(AT, "odds", "survives"), Tried(AT._replace(becomes="if b:"), "odds", "fails")]
    assert judge(tried, ["odds"], {}) == [f"survives: {AT}"]
    assert judge(tried, ["odds"], {AT: "They are never equal."}) == []


def test_what_no_test_reaches_is_not_noticed():
    assert judge([Tried(AT, "odds", "untested")], ["odds"], {}) == [f"survives: {AT}"]


def test_an_answer_to_a_change_that_is_none_is_wrong_where_its_module_was_looked_at():
    assert judge([], ["odds"], {AT: "They are never equal."}) == [f"answered, and there is no such change: {AT}"]
    assert judge([], ["grading"], {AT: "They are never equal."}) == []


def test_a_table_has_a_row_a_module_and_one_for_all():
    tried = [Tried(AT, "odds", "survives"), Tried(AT, "odds", "hangs"), Tried(AT, "money", "fails")]
    tried.append(Tried(AT, "odds", "simulated"))
    assert table(tried).splitlines()[2:] == [
        "| money | 1 | 1 | 0 | 0 | 0 |",
        "| odds | 3 | 0 | 1 | 1 | 1 |",
        "| all | 4 | 1 | 1 | 1 | 1 |",
    ]


class Doubled:
    """A class as mutmut leaves it."""

    changes: ClassVar[dict[str, Any]] = {}

    def twice(self, number):
        raise AssertionError("Only what is chosen is called.")

    def kept(self, number):
        return 2 * number

    def changed(self, number):
        return 3 * number

    changes.update({"_mutmut_orig": kept, "xǁDoubledǁtwice__mutmut_1": changed})
    twice = trying.wrap(changes)(twice)


def test_a_function_is_as_it_was_until_a_change_is_chosen():
    name = f"{__name__}.xǁDoubledǁtwice"
    trying.REACHED.clear()
    assert Doubled().twice(2) == 4
    assert {name} == trying.REACHED
    switch = trying.SWITCHES[name]
    switch.chosen = f"{name}__mutmut_1".rpartition(".")[2]
    try:
        assert Doubled().twice(2) == 6
    finally:
        switch.chosen = "_mutmut_orig"
    assert trying.switch_of(f"{name}__mutmut_12") == name


def test_a_change_is_there_from_the_first_import_on_where_a_program_begins_anew(monkeypatch):
    def tripled(number):
        return 3 * number

    monkeypatch.setattr(trying, "SWITCHES", {})
    owner = test_a_change_is_there_from_the_first_import_on_where_a_program_begins_anew.__name__
    name = f"{__name__}.xǁ{owner}.<locals>ǁtwice"
    monkeypatch.setitem(trying.CHOSEN, name, "xǁtwice__mutmut_1")

    @trying.wrap({"xǁtwice__mutmut_1": tripled})
    def twice(number):
        return 2 * number

    assert twice(2) == 6


def test_who_has_noticed_others_of_a_function_is_asked_first_then_who_is_about_it_then_who_is_quick(tmp_path):
    change = "runline.domain.odds.x_parse__mutmut_3"
    asked = trying.Trying([change], tmp_path / "results.jsonl", 4.0, 0)
    took_s = {
        "a/test_far.py::slow": 0.5,
        "a/test_far.py::quick": 0.1,
        "a/test_odds.py::own": 0.15,
        "a/test_far.py::once": 0.4,
        "a/test_near.py::near": 0.3,
        "a/test_far.py::beside": 0.2,
    }
    asked.reach, asked.took_s = {"runline.domain.odds.x_parse": list(took_s)}, took_s
    asked.uses = {"a/test_near.py": {"runline.domain.odds"}, "a/test_far.py": {"runline.domain.money"}}
    for number, by in ((1, "a/test_far.py::once"), (2, "a/test_far.py::once")):
        asked.note(trying.Came(f"runline.domain.odds.x_parse__mutmut_{number}", "fails", by))
    asked.note(trying.Came("runline.domain.odds.x_shade__mutmut_1", "fails", "a/test_far.py::beside"))
    asked.note(trying.Came("runline.domain.odds.x_shade__mutmut_2", "survives"))
    asked.note(trying.Came("runline.domain.money.x_round__mutmut_1", "fails", "a/test_far.py::slow"))
    ids, limit_s = asked.tests_of(change)
    assert [one.partition("::")[2] for one in ids] == ["once", "own", "beside", "near", "quick", "slow"]
    assert limit_s == pytest.approx(3 * 1.65 + trying.BESIDE_S)
    assert asked.quick(ids) == 2


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        (lambda: os._exit(0), "survives"),
        (lambda: os._exit(1), "fails"),
        (lambda: os._exit(trying.SIMULATED_CODE), "simulated"),
        (lambda: os._exit(trying.UNCLEAR_CODE), "unclear"),
        (lambda: os.kill(os.getpid(), signal.SIGXCPU), "hangs"),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), "ends"),
    ],
)
def test_the_end_of_a_process_says_what_came_of_a_change(end, outcome):
    if not (pid := os.fork()):
        end()
    assert trying.outcome_of(os.waitpid(pid, 0)[1]) == outcome


def test_what_is_answered_for_stands_in_the_source_with_a_reason():
    modules, answers = read_answers()
    assert modules
    for change, why in answers.items():
        module, _, function = change.function.partition(".")
        source = (survivors.ROOT / survivors.DOMAIN / f"{module}.py").read_text()
        assert re.search(rf"def {function.rpartition('.')[2]}\(", source)
        assert change.was in " ".join(line.strip() for line in source.splitlines())
        assert change.becomes != change.was
        assert len(why.split()) > 3
