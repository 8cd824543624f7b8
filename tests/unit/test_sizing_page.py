"""The page of sizing: its model is what its formulas make of its inputs."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "explanation" / "sizing.md").read_text()
CASES = ((1_000, 2), (10_000, 3), (100_000, 10))
"""The columns of the model: wagers a second, nodes."""


def row(begins):
    """The cells of the row that begins so."""
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| {begins}")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def number(text):
    """The first number of a cell."""
    found = re.search(r"\d[\d,]*(\.\d+)?", text)
    assert found, text
    return float(found[0].replace(",", ""))


def measured(name):
    """The value of an input, in bytes or microseconds."""
    return number(row(f"*{name}* |")[2])


MODEL = {
    "disk of the primary": lambda rate, nodes: rate * measured("w") / 1e6,
    "link to each standby": lambda rate, nodes: rate * measured("w") / 1e6,
    "tables that grow": lambda rate, nodes: rate * measured("t") / 1e6,
    "cores of PostgreSQL's backends": lambda rate, nodes: rate * measured("p") / 1e6,
    "cores of each engine": lambda rate, nodes: rate / nodes * measured("e") / 1e6,
    "cores of each committer": lambda rate, nodes: rate / nodes * measured("c") / 1e6,
    "links, all together: wagers": lambda rate, nodes: rate * (196 + 280) / 1e6,
    "connections to PostgreSQL": lambda rate, nodes: 7 * nodes,
}


@pytest.mark.parametrize("begins", MODEL)
def test_a_row_of_the_model_is_what_its_formula_makes(begins):
    for (rate, nodes), cell in zip(CASES, row(begins)[2:], strict=True):
        found, exact = number(cell), MODEL[begins](rate, nodes)
        assert found == pytest.approx(exact, rel=0.05, abs=0.006), (cell, exact)


def test_a_link_carries_what_the_model_says():
    assert re.findall(r"\d+", row("*l* |")[2]) == ["196", "280"]


def test_the_example_is_of_its_inputs():
    players, open_wagers = 1_000 * 500, 1_000 * 500 * 5
    gigabytes = (players * measured("m₂") + open_wagers * measured("m₃")) / 1e9
    said = re.search(r"are 500,000 players and 2,500,000 open wagers: ([\d.]+) GB", PAGE)
    assert said
    assert float(said[1]) == pytest.approx(gigabytes, rel=0.05)
