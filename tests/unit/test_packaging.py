"""The package: what is pinned, what is built, and what must not travel with it."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import runline

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))

PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>\S+?)(?P<marker> ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")

INDEX = re.compile(
    rb"https?://[^\s\"'<>]*/simple\b"
    rb"|https?://([^\s/]*[.])?(py[p]i|python[h]osted|npm[j]s|yarn[p]kg)[.]"
    rb"|--(extra-)?index[-]url|--find[-]links|--trusted[-]host"
)
"""An address of a package index, or an option that takes one; written so that it does not match itself."""


def files_of_the_project() -> list[Path]:
    """What is tracked or would be: everything that git does not ignore, or all there is in an unpacked archive."""
    if (ROOT / ".git").exists():
        git = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(git, check=True, capture_output=True, text=True).stdout.split("\0")
        return [ROOT / name for name in listed if name and (ROOT / name).is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]


def pins(path: Path) -> dict[str, str]:
    """The versions that a compiled file pins, by name."""
    found = map(PIN.match, path.read_text(encoding="utf-8").splitlines())
    return {pin["name"]: pin["version"] for pin in found if pin}


def test_no_file_holds_the_address_of_a_package_index():
    files = files_of_the_project()
    assert ROOT / "pyproject.toml" in files
    assert [str(path.relative_to(ROOT)) for path in files if INDEX.search(path.read_bytes())] == []


def test_nothing_is_tracked_that_git_is_told_to_ignore():
    if (ROOT / ".git").exists():
        git = ["git", "-C", str(ROOT), "ls-files", "--cached", "--ignored", "--exclude-standard"]
        assert subprocess.run(git, check=True, capture_output=True, text=True).stdout == ""


@pytest.mark.parametrize("parts", [("https://py", "pi.org/"), ("http://host", "/simple/"), ("--extra-index", "-url")])
def test_the_address_of_a_package_index_is_recognized(parts):
    assert INDEX.search("".join(parts).encode())


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_every_pin_has_a_hash_and_nothing_else_is_in_the_file(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert any(PIN.match(line) for line in lines)
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        assert line.lstrip().startswith("#") or PIN.match(line) or HASH.match(line), line
        if PIN.match(line):
            assert HASH.match(after), line


def test_requirements_are_there_and_agree():
    assert [path.name for path in REQUIREMENTS] == ["build.txt", "dev.txt", "patroni.txt", "postgresql.txt", "run.txt"]
    build, dev, patroni, postgresql, run = map(pins, REQUIREMENTS)
    assert {**run, **build, **postgresql}.items() <= dev.items()
    assert {name: dev.get(name, version) for name, version in patroni.items()} == patroni
    assert postgresql.keys() - run.keys() == {"asyncpg"}
    assert run.items() <= postgresql.items()


def test_every_dependency_is_pinned():
    names = {re.split(r"[<>=~!\[ ;]", line)[0] for line in PYPROJECT["project"]["dependencies"]}
    backend = {re.split(r"[<>=~!\[ ;]", line)[0] for line in PYPROJECT["build-system"]["requires"]}
    assert names <= pins(ROOT / "requirements" / "run.txt").keys()
    assert backend <= pins(ROOT / "requirements" / "build.txt").keys()


def test_the_version_is_said_once_and_the_same():
    assert PYPROJECT["project"]["version"] == runline.__version__


def test_the_wheel_holds_the_whole_package_and_nothing_else(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    folders = {name.split("/")[0] for name in names}
    assert folders == {"runline", f"runline-{runline.__version__}.dist-info"}
    source = ROOT / "src"
    written = {str(path.relative_to(source)) for path in source.rglob("*.py")} | {"runline/py.typed"}
    assert {name for name in names if name.startswith("runline/")} >= written
    assert f"runline-{runline.__version__}.dist-info/licenses/LICENSE" in names
