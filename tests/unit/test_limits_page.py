"""The page of limits: it names every bound that the source has."""

import ast
import re
from pathlib import Path

import runline

SOURCE = Path(runline.__file__).parent
PAGE = (SOURCE.parents[1] / "docs" / "explanation" / "limits.md").read_text()

ROOMS = ("domain", "engine", "gateway", "live", "reads", "store", "helpers.py", "config.py", "serve.py")
"""What is reached from outside."""


def constants(path: Path) -> list[str]:
    """The public constants of a module."""
    found = []
    for node in ast.parse(path.read_text()).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        found += [one.id for one in targets if isinstance(one, ast.Name) and re.fullmatch(r"[A-Z][A-Z0-9_]*", one.id)]
    return found


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


def test_every_bound_that_the_page_names_is_there():
    named = set(re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)`", PAGE)) - {"CLOCK_BOOTTIME"}
    known = {name for path in SOURCE.rglob("*.py") for name in constants(path)}
    assert named <= known
