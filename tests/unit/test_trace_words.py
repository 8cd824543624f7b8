"""The way of a command is told in the same words by the page and in a terminal."""

import re
from pathlib import Path

from runline.evaluate.trace import STEPS
from runline.shell import in_words

CONSOLE = Path(__file__).parents[2] / "console" / "src"


def test_the_steps_have_the_names_of_the_page_in_its_order():
    dialog = (CONSOLE / "shell" / "TraceDialog.svelte").read_text(encoding="utf-8")
    _, said = (CONSOLE / "texts" / "deeds.ts").read_text(encoding="utf-8").split("  trace: {")
    named = re.findall(r'<th scope="row">\{texts\.(\w+)\}</th>', dialog)
    found = [re.search(rf"^    {name}: '([^']+)',$", said, re.MULTILINE) for name in named]
    assert tuple(one and one[1] for one in found) == STEPS


def test_an_event_is_named_in_words():
    assert in_words("CreditAdjusted") == "credit adjusted"
