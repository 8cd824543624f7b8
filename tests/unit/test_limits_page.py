"""The page of limits: it names every bound that the source has."""

import ast
import re
from pathlib import Path

import runline

SOURCE = Path(runline.__file__).parent
PAGE = (SOURCE.parents[1] / "docs" / "explanation" / "limits.md").read_text()

ROOMS = (
    "bus",
    "cluster",
    "domain",
    "engine",
    "gateway",
    "live",
    "reads",
    "sharing",
    "store",
    "helpers.py",
    "config.py",
    "serve.py",
)
"""What is reached from outside."""

CLEANED = ("bus", "cluster", "gateway", "live", "reads", "sharing")
"""Rooms whose bounds are all in their file of limits: what else is a number there is none."""

NO_BOUNDS = {"SECOND_NS", "SALT_BYTES", "NONCE_BYTES", "IPV6_PREFIX", "SOON_S"}
"""A unit, the lengths of a salt and of a nonce, what one client has of IPv6 addresses, how exact timers are."""


def constants(path: Path) -> list[str]:
    """The public constants of a module."""
    found = []
    for node in ast.parse(path.read_text()).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        found += [one.id for one in targets if isinstance(one, ast.Name) and re.fullmatch(r"[A-Z][A-Z0-9_]*", one.id)]
    return found


def numbers(path: Path) -> list[str]:
    """The public constants of a module that are numbers."""
    return [
        target.id
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and re.fullmatch(r"[-+*/() \d_.]+", ast.unparse(node.value))
        for target in node.targets
        if isinstance(target, ast.Name) and target.id.isupper()
    ]


def bounds() -> list[str]:
    """The names of all bounds."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        if path.relative_to(SOURCE).parts[0] in ROOMS:
            found |= {
                name
                for name in constants(path)
                if path.name in ("limits.py", "bounds.py") or name.endswith(("_MAX", "_MIN"))
            }
    return sorted(found)


def test_every_bound_is_named_on_the_page_of_limits():
    assert [name for name in bounds() if not re.search(rf"\b{name}\b", PAGE)] == []


def test_every_number_of_a_room_is_in_its_file_of_limits():
    found = {
        f"{path.relative_to(SOURCE)}: {name}"
        for room in CLEANED
        for path in (SOURCE / room).rglob("*.py")
        if path.name != "limits.py"
        for name in numbers(path)
        if name not in NO_BOUNDS
    }
    assert found == set()


def test_every_bound_that_the_page_names_is_there():
    named = set(re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)`", PAGE)) - {"CLOCK_BOOTTIME"}
    known = {name for path in SOURCE.rglob("*.py") for name in constants(path)}
    assert named <= known
