"""The console's sources keep their law: nothing asks the server on a timer, and nothing comes from elsewhere."""

import re
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "console" / "src"
FILES = [file for file in SOURCES.rglob("*") if file.suffix in (".ts", ".svelte") and file.name != "api-types.ts"]
ASKS = re.compile(r"\b(fetch|ask|send|get|post)\s*(<[^>]*>+)?\(")
TIMER = re.compile(r"\b(setInterval|setTimeout|requestAnimationFrame)\s*\(")


def called_by(text, at):
    """What stands between the parentheses that open at a place."""
    depth = 0
    for place in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if not depth:
            return text[at + 1 : place]
    raise AssertionError("parentheses do not close")


def test_nothing_is_asked_for_on_a_timer():
    timers = 0
    for file in FILES:
        text = file.read_text()
        for found in TIMER.finditer(text):
            timers += 1
            assert not ASKS.search(called_by(text, found.end() - 1)), f"{file.name} asks the server on a timer"
    assert timers


def test_what_runs_on_an_interval_asks_nothing():
    (page,) = [file.read_text() for file in FILES if "setInterval(" in file.read_text()]
    assert page.count("setInterval(") == 1
    tick = re.search(r"  private tick\(\): void \{(.*?)\n  \}", page, re.DOTALL)
    assert tick
    assert "setInterval(() => this.tick()" in page
    assert not ASKS.search(tick[1])


def test_nothing_comes_from_elsewhere():
    for file in [*FILES, SOURCES.parent / "index.html"]:
        addresses = re.findall(r"https?://[^\s'\"]+", file.read_text())
        assert [one for one in addresses if "www.w3.org/2000/svg" not in one] == [], file.name
