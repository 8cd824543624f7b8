"""The way of a command is told in the same words by the page and in a terminal."""

import re
from pathlib import Path

from runline.evaluate.trace import STEPS
from runline.shell import in_words

DIALOG = Path(__file__).parents[2] / "console" / "src" / "shell" / "TraceDialog.svelte"


def test_the_steps_have_the_names_of_the_page_in_its_order():
    assert tuple(re.findall(r'<th scope="row">([^<]+)</th>', DIALOG.read_text(encoding="utf-8"))) == STEPS


def test_an_event_is_named_in_words():
    assert in_words("CreditAdjusted") == "credit adjusted"
