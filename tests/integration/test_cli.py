"""The commands, as a shell runs them."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from runline.evaluate.bench.run import BENCHES


def runline(*words, stdin=b""):
    return subprocess.run(
        [sys.executable, "-m", "runline", *map(str, words)], input=stdin, capture_output=True, check=False
    )


@pytest.mark.parametrize("name", sorted(BENCHES))
def test_a_quick_bench_writes_its_figures_its_floor_and_the_machine(name, tmp_path):
    file = tmp_path / "bench.json"
    done = runline("bench", name, "--quick", "--json", file, "--folder", tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    found = msgspec.json.decode(file.read_bytes())
    assert found["name"] == name
    assert found["figures"]
    assert found["floor"]
    assert found["ratio"] > 0
    assert "synchronous=FULL" in found["machine"]["fsync"]
    if name == "engine":
        assert found["figures"]["wagers_per_s"] > 0
        assert found["figures"]["rows_per_wager"] <= 3


def test_grade_answers_each_line_and_exits_1_if_one_was_an_error():
    good = b'{"id":1,"sport":"football","market":"spread","side":"home","line":"-3","price":"-110","stake":"100.00",'
    good += b'"score":{"home":24,"away":20}}\n'
    done = runline("grade", stdin=good)
    assert done.returncode == 0
    assert done.stdout == b'{"id":1,"result":"won","returned":"190.91"}\n'
    done = runline("grade", stdin=good + b"nonsense\n")
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 2


def test_grade_of_a_file_that_is_not_there_says_so(tmp_path):
    done = runline("grade", tmp_path / "nothing.jsonl")
    assert done.returncode == 2
    assert b"nothing.jsonl" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("content", [None, b"", b"not a database, but long enough to be read as one " * 20])
def test_verify_and_trace_of_what_is_no_database_exit_2(tmp_path, content):
    path = tmp_path / "some.db"
    if content is not None:
        path.write_bytes(content)
    for words in (
        ("verify", path),
        ("trace", path, "01890a5d-ac96-7b7c-8000-000000000000"),
        ("anchor", path, tmp_path / "anchor"),
    ):
        done = runline(*words)
        assert done.returncode == 2, words
        assert b"Traceback" not in done.stderr + done.stdout


def test_help_names_every_command():
    shown = runline("--help").stdout.decode()
    for command in ("demo", "verify", "trace", "anchor", "grade", "bench"):
        assert command in shown


def test_the_readme_names_only_commands_that_there_are():
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert "make demo" in readme
    assert "make test" in readme
    known = runline("--help").stdout.decode()
    for line in readme.splitlines():
        if line.startswith("runline "):
            assert line.split()[1] in known
