"""The page of codes says what the code says."""

import ast
import re
from pathlib import Path

from runline.gateway.app import CODES

ROOT = Path(__file__).parents[2]


def codes_in_the_source():
    found = set()
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Rejected", "Error") and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    found.add(first.value)
    return found | {"credit_exceeded", "limit_exceeded"} | set(CODES.values())


def test_every_code_is_documented_and_no_other():
    page = (ROOT / "docs" / "codes.md").read_text()
    codes, _, _ = page.partition("| rule |")
    rows = [line.split("|")[1] for line in codes.splitlines() if line.startswith("| `")]
    documented = {code for row in rows for code in re.findall(r"`([a-z_]+)`", row)}
    assert documented == codes_in_the_source()
