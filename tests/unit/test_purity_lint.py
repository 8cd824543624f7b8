"""The lint of law 4: every rule fires on what breaks it, and on nothing else."""

from pathlib import Path
from textwrap import dedent

import pytest

import purity


def findings(*sources: str) -> list[str]:
    files = [(Path(f"{number}.py"), dedent(source)) for number, source in enumerate(sources)]
    return [f"{finding.line}: {finding.message}" for finding in purity.check(files)]


BAD = {
    "async def": ("async def rule(): ...", "`async def`"),
    "await": ("async def rule(): \n    await it()", "`await`"),
    "async for": ("async def rule(): \n    async for one in it: ...", "`async for`"),
    "async with": ("async def rule(): \n    async with it: ...", "`async with`"),
    "async comprehension": ("async def rule(): \n    return [one async for one in it]", "`async for`"),
    "import of the clock": ("import time", "import of `time`"),
    "import of the loop": ("import asyncio as loop", "import of `asyncio`"),
    "import of chance": ("from random import choice", "import of `random`"),
    "import of the system": ("import os.path", "import of `os.path`"),
    "import of datetime": ("from datetime import datetime", "import of `datetime`"),
    "import within a function": ("def rule(): \n    import socket", "import of `socket`"),
    "import of another room": ("from runline.engine.writer import Writer", "import of `runline.engine.writer`"),
    "import of the whole package": ("from runline import domain", "import of `runline`"),
    "relative import": ("from . import odds", "import of `.`"),
    "import of an inexact function": ("from math import sqrt", "import of `math.sqrt`"),
    "import of all of math": ("import math", "import the exact functions by name"),
    "open": ("open('file')", "`open`"),
    "print": ("print(1)", "`print`"),
    "input": ("input()", "`input`"),
    "id": ("id(it)", "`id`"),
    "id as a key": ("sorted(them, key=id)", "`id`"),
    "hash": ("hash('text')", "`hash`"),
    "globals": ("globals()", "`globals`"),
    "float": ("float('1.5')", "`float`"),
    "annotation of a float": ("def rule(odds: float): ...", "`float`"),
    "float literal": ("stake = 1.5", "`1.5`"),
    "float literal with an exponent": ("stake = 1e6", "`1000000.0`"),
    "true division": ("half = stake / 2", "`/`"),
    "true division in place": ("stake /= 2", "`/=`"),
    "negative power": ("cent = 10 ** -2", "`**`"),
    "loop over a literal": ("for one in {1, 2}: ...", "loops over a set"),
    "loop over a call": ("for one in set(them): ...", "loops over a set"),
    "loop over a frozenset": ("for one in frozenset(them): ...", "loops over a set"),
    "loop over a set comprehension": ("for one in {part for part in them}: ...", "loops over a set"),
    "loop over an argument": ("def rule(them: set[str]):\n    for one in them: ...", "loops over a set"),
    "loop over a quoted argument": ("def rule(them: 'set[str]'):\n    for one in them: ...", "loops over a set"),
    "loop over an optional": ("def rule(them: frozenset[str] | None):\n    for one in them: ...", "loops over a set"),
    "loop over a module's name": ("OPEN: frozenset[str] = them\nfor one in OPEN: ...", "loops over a set"),
    "loop over an assigned name": ("them = set()\nfor one in them: ...", "loops over a set"),
    "loop over a union": ("for one in them | {1}: ...", "loops over a set"),
    "loop over a difference": ("def rule(a: set[int]):\n    for one in a.difference(b): ...", "loops over a set"),
    "loop over either": ("for one in (them if them else set()): ...", "loops over a set"),
    "loop over a default": ("for one in table.get(key, set()): ...", "loops over a set"),
    "loop over a mapping's value": (
        "def rule(table: dict[str, set[str]]):\n    for one in table['key']: ...",
        "loops over a set",
    ),
    "loop over each of a mapping's values": (
        "def rule(table: dict[str, set[str]]):\n    for key, them in table.items():\n        for one in them: ...",
        "loops over a set",
    ),
    "loop over what a function returns": (
        "def legs() -> set[str]: ...\nfor one in legs(): ...",
        "loops over a set",
    ),
    "loop over an attribute": (
        "class Book:\n    them: set[str]\ndef rule(book):\n    for one in book.them: ...",
        "loops over a set",
    ),
    "loop over an attribute of self": (
        "class Book:\n    def __init__(self):\n        self.them: set[str] = set()\n"
        "    def rule(self):\n        for one in self.them: ...",
        "loops over a set",
    ),
    "loop over an attribute without annotation": (
        "class Book:\n    def __init__(self):\n        self.them = set()\n"
        "    def rule(self):\n        for one in self.them: ...",
        "loops over a set",
    ),
    "loop over a property": (
        "class Book:\n    @property\n    def them(self) -> frozenset[str]: ...\ndef rule(book):\n"
        "    for one in book.them: ...",
        "loops over a set",
    ),
    "list comprehension": ("them = [one for one in {1, 2}]", "loops over a set"),
    "dict comprehension": ("them = {one: 1 for one in {1, 2}}", "loops over a set"),
    "generator": ("them = tuple(one for one in {1, 2})", "loops over a set"),
    "list": ("list({1, 2})", "`list` goes through a set"),
    "tuple": ("tuple(set(them))", "`tuple` goes through a set"),
    "first": ("next(iter({1, 2}))", "`iter` goes through a set"),
    "enumerate": ("enumerate({1, 2})", "`enumerate` goes through a set"),
    "dict from keys": ("dict.fromkeys({1, 2})", "`fromkeys` goes through a set"),
    "join": ("','.join({'a', 'b'})", "`join` goes through a set"),
    "chain": ("itertools.chain({1}, {2})", "`chain` goes through a set"),
    "extend": ("them.extend({1, 2})", "`extend` goes through a set"),
    "pop": ("{1, 2}.pop()", "takes any element of a set"),
    "star": ("them = [*{1, 2}]", "unpacks a set"),
    "unpacking": ("first, second = {1, 2}", "unpacks a set"),
    "yield from": ("def rule():\n    yield from {1, 2}", "yields from a set"),
    "text": ("f'{set(them)}'", "prints a set"),
    "sorted by a key with ties": ("sorted({1, 2}, key=rank)", "`sorted` with a key"),
    "least by a key with ties": ("min({1, 2}, key=rank)", "`min` with a key"),
    "exemption without a reason": ("key = id(it)  # purity:", "an exemption without a reason"),
    "exemption of nothing": ("key = it  # purity: as ever", "an exemption that exempts nothing"),
}


@pytest.mark.parametrize(("source", "message"), BAD.values(), ids=BAD.keys())
def test_a_rule_fires(source, message):
    assert any(message in finding for finding in findings(source)), findings(source)


GOOD = {
    "imports": """
        from __future__ import annotations
        import bisect, functools, itertools, re
        from collections.abc import Sequence
        from fractions import Fraction
        from heapq import heappush
        from math import gcd, lcm
        from typing import Any
        import msgspec, msgspec.json
        import runline.domain.odds
        from runline.domain.messages import Command
        """,
    "integers and fractions": "half = stake // 2 + Fraction(1, 2) * 10 ** 2 % 7",
    "fields called as a builtin": "class Wager:\n    id: str\n    hash: bytes\nwager.id, wager.print()",
    "membership": "1 in {1, 2} and key not in set(them)",
    "sorted": "for one in sorted({1, 2}): ...",
    "sorted generator": "sorted(one + 1 for one in {1, 2})",
    "sorted list": "sorted(list({1, 2})), sorted(map(rank, {1, 2}))",
    "len, least, largest, sum": "len({1}), min({1}), max({1}), sum({1}), sum(one for one in {1})",
    "any and all": "any(one > 1 for one in {1, 2}) or all(one for one in {1, 2})",
    "set of a set": "frozenset(one for one in {1, 2}), {one for one in {1, 2}}, {*{1}, 2}",
    "algebra": "a = {1} | {2}\nb = a - {1}\nb.add(3)\nb.discard(3)\nb <= a",
    "loop over a list": "def rule(them: list[str]):\n    for one in them: ...",
    "loop over a dict of sets": "def rule(them: dict[str, set[str]]):\n    for one in them: ...",
    "loop over a list of sets": "def rule(them: list[set[str]]):\n    for one in them:\n        len(one)",
    "loop over a name that was sorted": "them = set()\nthem = sorted(them)\nfor one in them: ...",
    "names of other functions": "def a(them: set[str]): ...\ndef b(them):\n    for one in them: ...",
    "attribute and local name": "class Book:\n    them: set[str]\ndef rule():\n    for one in them: ...",
    "pop of a list": "them = [1]\nthem.pop()\ntable.pop(key)",
    "literal type": "class Wager:\n    side: Literal['home or', 'away']\nfor one in wager.side:\n    one.pop()",
    "exemption with a reason": "key = id(it)  # purity: identity only marks the row",
    "text about an exemption": "'''# purity: none here'''",
}


@pytest.mark.parametrize("source", GOOD.values(), ids=GOOD.keys())
def test_no_rule_fires(source):
    assert findings(source) == []


def test_a_set_declared_in_another_file_is_known():
    declares = "class Book:\n    them: set[str]"
    assert findings(declares, "for one in book.them: ...") == ["1: " + findings("for one in set(): ...")[0][3:]]


def test_an_attribute_that_means_different_things_in_other_files_is_left_alone():
    assert findings("class A:\n    them: set[str]", "class B:\n    them: list[str]", "for one in it.them: ...") == []


def test_a_finding_names_file_and_line_and_the_exit_status_tells(tmp_path, capsys):
    (tmp_path / "good.py").write_text("stake = 1\n")
    assert purity.main([str(tmp_path)]) == 0
    bad = tmp_path / "room" / "bad.py"
    bad.parent.mkdir()
    bad.write_text("stake = 1\nhalf = stake / 2\n")
    capsys.readouterr()
    assert purity.main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.startswith(f"{bad}:2: `/`: ")
    assert purity.main([str(bad)]) == 1


def test_nothing_to_read_is_not_a_success(tmp_path):
    assert purity.main([str(tmp_path)]) == 2
    assert purity.main([str(tmp_path / "gone")]) == 2
