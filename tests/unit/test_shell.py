"""The shell: what is printed can be pasted, and what goes wrong is said with its file, its setting and a remedy."""

import shutil
import subprocess
import sys

import pytest

from runline.shell import nearest, reason_of, to_paste


@pytest.fixture
def called(tmp_path, monkeypatch):
    """A program `runline` in a folder, called by its path."""
    program = tmp_path / "bin" / "runline"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    monkeypatch.setattr(sys, "argv", [str(program), "demo"])
    return program


def test_a_command_begins_with_its_name_where_the_shell_finds_it(called, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: str(called))
    assert to_paste("verify", "/tmp/a day/runline.db") == "runline verify '/tmp/a day/runline.db'"


def test_it_begins_with_its_path_where_the_shell_finds_none_or_another_one(called, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert to_paste("verify", "a.db") == f"{called} verify a.db"
    other = tmp_path / "runline"
    other.write_text("")
    monkeypatch.setattr(shutil, "which", lambda name: str(other))
    assert to_paste("verify", "a.db") == f"{called} verify a.db"


def test_a_path_within_this_folder_stays_short_if_the_shell_is_there_too(called, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["bin/runline", "demo"])
    monkeypatch.chdir(called.parents[1])
    monkeypatch.setenv("PWD", str(called.parents[1]))
    assert to_paste("verify", "a.db") == "bin/runline verify a.db"
    monkeypatch.setenv("PWD", "/")
    assert to_paste("verify", "a.db") == f"{called} verify a.db"


def test_called_as_a_module_it_is_that_unless_its_program_is_found(called, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/src/runline/__main__.py", "demo"])
    monkeypatch.setattr(shutil, "which", lambda name: str(called))
    assert to_paste("verify", "a.db") == f"{sys.executable} -m runline verify a.db"
    monkeypatch.setattr(sys, "executable", str(called.with_name("python")))
    assert to_paste("verify", "a.db") == "runline verify a.db"


def test_what_is_pasted_is_one_command_whatever_is_in_a_path(tmp_path):
    odd = tmp_path / "a [b] 'c' $d"
    said = subprocess.run(["sh", "-c", f"printf %s {to_paste(odd)}"], capture_output=True, text=True, check=True)
    assert said.stdout.endswith(str(odd))


def test_what_the_system_refuses_is_said_with_its_file_and_without_its_number(tmp_path):
    missing = tmp_path / "none.toml"
    with pytest.raises(OSError) as refused:  # noqa: PT011 -- whatever the system calls it
        missing.read_bytes()
    assert reason_of(refused.value) == f"{missing}: no such file or directory"
    assert reason_of(OSError("odd")) == "odd"
    assert reason_of(ValueError("a number")) == "a number"
    assert reason_of(KeyError()) == "KeyError"


def test_the_nearest_name_is_named():
    assert nearest("prot", ["host", "port"]) == "Did you mean port? "
    assert nearest("nothing", ["host", "port"]) == ""
