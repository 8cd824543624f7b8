"""Small changes of the domain: what is changed, and who answers for what nobody notices."""

import re
from textwrap import dedent

import libcst

import survivors
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
    assert table(tried).splitlines()[2:] == [
        "| money | 1 | 1 | 0 | 0 |",
        "| odds | 2 | 0 | 1 | 1 |",
        "| all | 3 | 1 | 1 | 1 |",
    ]


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
