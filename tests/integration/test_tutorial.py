"""The tutorial is followed as it stands: what it says to call is called, and says what it promises."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
PASSWORD = "in-real-time"


def block(first):
    """The lines to call that begin so."""
    found = re.search(rf"^```(?:sh)?\n({re.escape(first)}.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found, first
    return found[1]


@pytest.fixture
def shell(tmp_path):
    """Runs lines in a shell that knows our program, in a folder of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RUNLINE_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**kept, "XDG_CONFIG_HOME": str(tmp_path / "home"), "PATH": path, "COLUMNS": "200"}

    def run(lines, stdin=""):
        done = subprocess.run(
            ["bash", "-e", "-c", lines],
            cwd=tmp_path,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{lines}\n{done.stdout}{done.stderr}"
        return done.stdout

    return run


def test_the_tutorial_is_followed_in_another_terminal_and_afterwards(shell, tmp_path):
    program = Path(sys.executable).with_name("runline")
    command = [str(program), "demo", "--for", "15s", "--port", "0", "--data", str(tmp_path / "a day")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        address = next(found[0] for line in demo.stdout if (found := re.search(r"http://[\d.:]+", line)))
        login = block("runline login").replace("http://127.0.0.1:8000", address)
        assert "Signed in" in shell(login.strip() + " --password-stdin", stdin=f"{PASSWORD}\n")
        assert "The day is over: the last result is in." in "".join(iter_until(demo.stdout, "The day is over"))
        looks = block("runline player").replace("--min 500", "--min 1 --last 1 --limit 1")
        said = shell(looks)
        assert "A1021, below " in said
        assert "credit limit" in said
        assert "risk" in said
        before = shell("runline player A1021 --json")
        preview = json.loads(shell(block("runline api AdjustCredit")))
        assert preview["events"][0]["type"] == "CreditAdjusted"
        assert shell("runline player A1021 --json") == before
        entry = json.loads(shell(block("runline log --last 1")))
        demo.send_signal(signal.SIGINT)
        rest = demo.stdout.read()
    assert demo.returncode == 0
    # What is printed can be pasted as it is, whatever is in the path.
    pasted = [line for line in rest.splitlines() if re.search(r"runline['\"]? (verify|serve) ", line)]
    assert [line.split(" ")[0] for line in pasted] == [pasted[0].split(" ")[0]] * 2
    assert "Verified: log = tables = chain." in shell(pasted[0])
    path = pasted[0].partition(" verify ")[2]
    traced = shell(block("runline trace PATH").replace("PATH", path).replace("COMMAND_ID", entry["command"]))
    assert "agent created by" in traced
    assert "handed to the store" in traced


def iter_until(lines, text):
    """Lines up to one that has a text."""
    for line in lines:
        yield line
        if text in line:
            return


def test_the_file_of_wagers_is_written_and_graded(shell):
    said = [json.loads(line) for line in shell(block("cat > wagers.jsonl")).splitlines()]
    assert said == [
        {"id": 1, "result": "won", "returned": "190.91"},
        {"id": 2, "result": "push", "returned": "50.00"},
    ]
