"""Waits: the lint that keeps tests from waiting by the clock.

Rule: a test waits for the thing itself (an event, a position, a line that a process writes), so that it is neither slow on a
fast machine nor wrong on a slow one. `asyncio.sleep(0)` is no wait but a turn for others.

    python tools/waits.py [FOLDER or FILE]...       (tests unless told otherwise)

Prints `file:line: message` for each sleep that lasts and each loop that does nothing but give turns until something holds.
Exits 0 if there is none, 1 if there are some, 2 if there is nothing to read. A line that must be as it is says why:
`# waits: REASON` on it or in a line of its own right before it exempts it.
"""

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

TESTS = Path("tests")
REASON = re.compile(r"#\s*waits:\s*\S")
REASON_ALONE = re.compile(r"^\s*#\s*waits:\s*\S")


class Finding(NamedTuple):
    """A wait by the clock."""

    path: Path
    line: int
    message: str


def called(node: ast.AST) -> str:
    """The name of the function that an expression calls, awaited or not; "" if it calls none."""
    call = node.value if isinstance(node, ast.Await) else node
    function = call.func if isinstance(call, ast.Call) else None
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def lasts(call: ast.Call) -> bool:
    """Whether a sleep lasts: anything but a plain zero."""
    return not (call.args and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0)


def polls(loop: ast.While) -> bool:
    """Whether a loop does nothing but sleep until something holds."""
    return all(isinstance(step, ast.Expr) and called(step.value) in ("sleep", "passes") for step in loop.body)


def waits(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The lines of a file that wait by the clock."""
    for node in ast.walk(tree):
        if isinstance(node, ast.While) and polls(node):
            yield node.lineno, "a loop that polls: wait for what it looks for"
        elif isinstance(node, ast.Call) and called(node) == "sleep" and lasts(node):
            yield node.lineno, "a sleep: wait for what must have happened"


def check(path: Path, source: str) -> list[Finding]:
    """What is found in one file, in the order of its lines."""
    lines = source.splitlines()

    def exempt(line: int) -> bool:
        return bool(REASON.search(lines[line - 1]) or (line > 1 and REASON_ALONE.match(lines[line - 2])))

    found = sorted(set(waits(ast.parse(source))))
    return [Finding(path, line, message) for line, message in found if not exempt(line)]


def main(words: Sequence[str]) -> int:
    """Read the files and print what is found."""
    places = [Path(word) for word in words] or [TESTS]
    files = [file for place in places for file in (sorted(place.rglob("*.py")) if place.is_dir() else [place])]
    if not files:
        print("waits: there is nothing to read", file=sys.stderr)
        return 2
    findings = [finding for file in files for finding in check(file, file.read_text(encoding="utf-8"))]
    for finding in findings:
        print(f"{finding.path}:{finding.line}: {finding.message}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
