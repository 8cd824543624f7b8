"""The reference: it is in the repository, as the source is now, and every link of the documents leads somewhere."""

import re
import shlex
from pathlib import Path

import pytest

from reference import pages
from runline.cli import app
from runline.cli.asking import api
from runline.remote.asking import Call, request_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"
WRITTEN = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "data").rglob("*.md")]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def test_the_reference_in_the_repository_is_that_of_the_source():
    found = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.md")}
    texts = pages()
    old = [name for name in {*found, *texts} if found.get(name) != texts.get(name)]
    assert sorted(old) == [], "they are written anew by: make reference"


def test_every_command_is_on_the_page_of_the_command_line():
    page = pages()["cli.md"]
    for name in app:
        if not name.startswith("-"):
            assert f"## runline {name}" in page
    assert "## runline book create" in page


def test_types_and_defaults_are_said_as_those_who_send_them_write_them():
    commands = pages()["commands.md"]
    assert "Annotated" not in commands
    assert "| `reason` | str |" in commands
    assert "| `prices` | Prices | Of a lock, by the names of the market's sides. | by default `{}` |" in commands


@pytest.mark.parametrize("file", WRITTEN, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_link_within_the_repository_leads_somewhere(file):
    text = re.sub(r"```.*?```", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link for link in LINK.findall(text) if not re.match(r"[a-z]+:", link)]
    assert [link for link in links if not (file.parent / link).exists()] == []


def test_every_command_line_of_the_documents_can_be_read():
    """Blocks of lines that begin with `runline`: the command is there, and so is every flag; what is sent can be."""
    found = 0
    for file in WRITTEN:
        if file.is_relative_to(FOLDER):
            continue
        for block in re.findall(r"^```(?:sh)?\n(.*?)^```", file.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            for line in block.splitlines():
                if line.startswith("runline "):
                    words = shlex.split(line, comments=True)[1:]
                    command, given, _ = app.parse_args(words, exit_on_error=False, print_error=False)
                    if command is api:
                        fields = given.arguments.get("field", ())
                        request_of(Call(given.arguments["to"], fields=tuple(fields)))
                    found += 1
    assert found > 30


def test_every_page_is_in_the_table_of_contents():
    pages = {str(file.relative_to(ROOT / "docs")) for file in (ROOT / "docs").rglob("*.md")}
    assert pages == set(re.findall(r": (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE))
