"""Architecture: the page and its picture name files that are there, the way that is drawn never goes back, and no
file is longer than one noun needs."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "runline"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
SVG = "{http://www.w3.org/2000/svg}"
PICTURE = ElementTree.parse(ROOT / "docs" / "way-of-a-wager.svg").getroot()


LINES_MAX = 400
"""A file is one noun. What is longer has a second one in it."""


def of_class(kind, name):
    """The shapes of the picture that bear a class."""
    return [shape for shape in PICTURE.iter(f"{SVG}{kind}") if name in shape.get("class", "").split()]


def holds(area, shape):
    """Whether a shape begins within a rectangle."""
    x, y = float(shape.get("x")) - float(area.get("x")), float(shape.get("y")) - float(area.get("y"))
    return 0 <= x <= float(area.get("width")) and 0 <= y <= float(area.get("height"))


def test_no_file_of_the_package_has_more_lines_than_one_noun_needs():
    lines = {path: len(path.read_bytes().splitlines()) for path in SOURCE.rglob("*.py")}
    assert [f"{path.relative_to(ROOT)}: {count}" for path, count in lines.items() if count > LINES_MAX] == []


def test_every_file_that_the_page_names_is_there():
    named = set(re.findall(r"`(\w[\w/.-]*/[\w.-]*|\w+\.py)`", PAGE)) - {"limits.py", "bounds.py", "src/runline/console"}
    assert len(named) > 50
    assert [name for name in sorted(named) if not (SOURCE / name).exists() and not (ROOT / name).exists()] == []


def test_every_step_of_the_picture_is_a_file_of_the_room_in_which_it_stands():
    rooms = {}
    for area in of_class("rect", "room"):
        [name] = [text.text for text in of_class("text", "name") if holds(area, text)]
        rooms[name] = area
    assert set(rooms) == {"gateway/", "engine/", "domain/", "store/", "live/"}
    steps = of_class("text", "file")
    for step in steps:
        [room] = [name for name, area in rooms.items() if holds(area, step)]
        files, _, function = step.text.partition(": ")
        for file in files.split(", "):
            text = (SOURCE / room / file).read_text(encoding="utf-8")
            assert f"def {function}(" in text or not function, step.text
    assert len(steps) > 12


@pytest.mark.parametrize("way", [shape.get("d") for shape in of_class("path", "way")])
def test_no_step_of_the_picture_goes_back(way):
    assert re.fullmatch(r"M\d+ \d+( [HV]\d+)+", way)
    heights = [int(height) for height in re.findall(r"(?:M\d+ |V)(\d+)", way)]
    assert heights == sorted(heights)
