"""The commands, as a shell runs them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from runline import __version__
from runline.cli import app
from runline.evaluate.bench.run import BENCHES


def runline(*words, stdin=b""):
    return subprocess.run(
        [sys.executable, "-m", "runline", *map(str, words)], input=stdin, capture_output=True, check=False
    )


def test_every_bench_writes_its_figures_its_floor_and_the_machine(tmp_path):
    file = tmp_path / "bench.json"
    done = runline("bench", *BENCHES, "--quick", "--json", file, "--folder", tmp_path)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    results = {found["name"]: found for found in msgspec.json.decode(file.read_bytes())}
    assert set(results) == set(BENCHES)
    for name, found in results.items():
        assert found["figures"], name
        assert found["floor"], name
        assert found["ratio"] > 0, name
        assert "synchronous=FULL" in found["machine"]["fsync"]
    assert results["engine"]["figures"]["wagers_per_s"] > 0
    assert results["engine"]["figures"]["rows_per_wager"] <= 3


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
    assert b"nothing.jsonl: no such file or directory" in done.stderr
    assert b"[Errno" not in done.stderr
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


@pytest.mark.parametrize("content", [None, b"not a database, but long enough to be read as one " * 20])
def test_what_cannot_be_read_is_said_as_json_where_that_is_asked_for(tmp_path, content):
    path = tmp_path / "some.db"
    if content is not None:
        path.write_bytes(content)
    for words in (
        ("verify", path),
        ("trace", path, "01890a5d-ac96-7b7c-8000-000000000000"),
        ("anchor", path, tmp_path / "anchor"),
    ):
        done = runline(*words, "--json")
        assert done.returncode == 2, words
        assert msgspec.json.decode(done.stdout)["error"]["code"] == "unreadable"


def test_help_and_completion_name_every_command_and_say_what_it_is_for():
    shown = runline("--help").stdout.decode()
    for name in app:
        if not name.startswith("-"):
            assert re.search(rf"│ {name} +\w", shown), name
    script = app.generate_completion(shell="bash")
    assert {name for name in app if not name.startswith("-") and name not in script} == set()


def test_completion_is_installed_for_a_shell_which_then_completes(tmp_path):
    home = {**os.environ, "HOME": str(tmp_path), "SHELL": "/bin/bash", "XDG_DATA_HOME": str(tmp_path / "data")}
    done = subprocess.run(
        [sys.executable, "-m", "runline", "--install-completion", "--shell", "bash"],
        capture_output=True,
        text=True,
        check=False,
        env=home,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (script,) = [file for file in tmp_path.rglob("*") if file.is_file() and file.name == "runline"]
    function = re.search(r"complete .*-F (\S+) runline", script.read_text())
    assert function
    asked = f"source {script}; COMP_WORDS=(runline ver); COMP_CWORD=1; {function[1]}; echo ${{COMPREPLY[@]}}"
    said = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    assert "verify" in said.stdout.split()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("verfy",), 'Did you mean "verify"?'),
        (("verify",), "DATABASE"),
        (("serve", "--prot", "1"), "Did you mean --port?"),
        (("serve", "--port", "many"), "--port"),
        (("tail", "everything"), '"notifications"'),
    ],
)
def test_what_cannot_be_read_of_a_command_is_said_and_exits_2(words, says):
    done = runline(*words)
    assert done.returncode == 2
    assert says in " ".join((done.stdout + done.stderr).decode().replace("│", " ").split())


def test_the_version_is_said():
    for flag in ("-V", "--version"):
        assert runline(flag).stdout.decode() == f"runline {__version__}\n"


def test_the_readme_names_only_commands_that_there_are():
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert "make demo" in readme
    assert "make test" in readme
    known = runline("--help").stdout.decode()
    for line in readme.splitlines():
        if line.startswith("runline "):
            assert line.split()[1] in known
