"""The page "Add a capability" is followed as it stands, in a copy of the source."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "add-a-capability.md"
BLOCK = re.compile(r'^```(?P<kind>\w+) title="(?P<file>[^"]+)"\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL)


def blocks() -> dict[str, tuple[str, str]]:
    """What the page says of each file: (python or diff, the text)."""
    return {found["file"]: (found["kind"], found["text"]) for found in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))}


def patched(text: str, diff: str) -> str:
    """A text with the hunks of a diff applied, one behind the other."""
    done, rest = "", text
    for hunk in diff.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in " -")
        after = "".join(line[1:] for line in lines if line[0] in " +")
        place = rest.index(before)
        done += rest[:place] + after
        rest = rest[place + len(before) :]
    return done + rest


def follow(copy: Path) -> None:
    """Do what the page says."""
    for name, (kind, text) in blocks().items():
        file = copy / name
        if kind == "diff":
            file.write_text(patched(file.read_text(encoding="utf-8"), text), encoding="utf-8")
        elif file.exists():
            assert file.name == "0003_book.py"
            kept = file.read_text(encoding="utf-8")
            file.write_text(
                kept.replace("def upgrade() -> None:\n", f"def upgrade() -> None:\n{text}"), encoding="utf-8"
            )
        else:
            file.write_text(text, encoding="utf-8")


def test_the_page_is_followed_as_it_stands(tmp_path):
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "console"))
    shutil.copytree(ROOT / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__", "e2e"))
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    follow(tmp_path)
    assert len(blocks()) == 4
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, (tmp_path / "src", tmp_path / "tools", tmp_path)))
    }
    quick = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--import-mode=importlib"]
    for tests in (
        "tests/integration/test_notes.py",
        "tests/unit/test_vocabulary.py",
        "tests/integration/test_schema.py",
    ):
        run = [sys.executable, "-m", "pytest", *quick, tests]
        if "vocabulary" in tests:
            run += ["--deselect", f"{tests}::test_every_event_has_a_line_in_the_golden_log"]
        ran = subprocess.run(
            run, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
