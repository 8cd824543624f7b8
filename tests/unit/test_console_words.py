"""The console has words for whatever the engine may say: no code stands where people read."""

import re
from pathlib import Path
from typing import get_args

from tests.doubles.plain import VOCABULARY

from runline.domain.catalog import OffBoard
from runline.domain.guard import Check
from runline.domain.permissions import Permission
from runline.domain.suspension import SCOPES
from runline.live.facts import LINE_EVENTS, LOCKED_LINE

LIB = Path(__file__).parents[2] / "console" / "src" / "lib"
TEXTS = LIB.parent / "texts"


def words_in(file, name):
    """The keys of a table of words, of the catalogue (lower case) or of what makes words."""
    place, begin, indent = (LIB, f"const {name}: Record<[^\n]*=", "") if name.isupper() else (TEXTS, f"  {name}:", "  ")
    found = re.search(rf"{begin} \{{\n(.*?)\n{indent}\}}", (place / file).read_text(encoding="utf-8"), re.DOTALL)
    assert found, name
    return set(re.findall(rf"^{indent}  (\w+):", found[1], re.MULTILINE))


def test_every_kind_of_notification_has_a_name():
    kinds = {event.notice for event in VOCABULARY.events.values() if event.notice} | {LOCKED_LINE}
    assert words_in("notices.ts", "kinds") == kinds


def test_what_happens_to_games_and_lines_is_told_in_words_where_somebody_should_look_at_it():
    about = {"market", "fixture", "league"}
    told = {name for name, event in VOCABULARY.events.items() if event.notice and about & set(event.__struct_fields__)}
    assert words_in("notices.ts", "WORDS") == told | {event.__name__ for event in LINE_EVENTS}
    assert words_in("notices.ts", "checks") == set(get_args(Check))


def test_whatever_closes_a_market_is_said_in_words():
    assert words_in("lines.ts", "closed") == {*SCOPES, "past_cutoff", "postponed", "account"}
    assert words_in("lines.ts", "own") == {*get_args(OffBoard), "hide", "offset", "lock"} - {""}


def test_every_permission_is_said_in_words():
    texts = (TEXTS / "permissions.ts").read_text(encoding="utf-8")
    assert set(re.findall(r"^  (\w+): '", texts, re.MULTILINE)) == {one.value for one in Permission}


def test_every_permission_by_which_something_happens_can_be_asked_for_in_the_log():
    source = (LIB / "permissions.ts").read_text(encoding="utf-8")
    for kind, name in (("book", "OF_BOOK"), ("house", "OF_HOUSE")):
        found = re.search(rf"const {name} = \[\n(.*?)\n\];", source, re.DOTALL)
        assert found
        uses = {one.needs.value for one in VOCABULARY.commands.values() if one.needs and kind in one.streams}
        assert set(re.findall(r"'(\w+)'", found[1])) == uses
