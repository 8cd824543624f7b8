"""Write the reference pages that follow from the source: commands, events, queries, permissions, lives, settings, the command
line. They are kept in the repository, for whoever reads it there.

python tools/reference.py FOLDER
"""

import inspect
import io
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from cyclopts import App
from rich.console import Console

from runline.cli import app
from runline.config import FLAGS, SECRETS, Settings, variable_of
from runline.domain.catalog import FIXTURE_LIFE
from runline.domain.legs import LEG_LIFE
from runline.domain.permissions import FEED_MAY, PLAYER_MAY, VIEW_ONLY, Permission, permissions_of
from runline.domain.ticket_life import TICKET_LIFE
from runline.domain.vocabulary import plain_vocabulary
from runline.gateway.door import path_name, public_commands
from runline.gateway.fields import about_field, text_of
from runline.shell import VARIABLES

VOCABULARY = plain_vocabulary()

WIDTH = 100

WRITTEN = "<!-- Written by `make reference` from the source: change it there. -->"


def about(kind: type) -> str:
    """What a type says of itself."""
    return inspect.cleandoc(kind.__doc__ or "")


def type_name(kind: Any) -> str:
    """A field's type in words."""
    kind = getattr(kind, "__origin__", kind) if hasattr(kind, "__metadata__") else kind
    text = kind.__name__ if isinstance(kind, type) else str(kind)
    return (
        text.replace("typing.", "").replace("runline.domain.", "").replace("|", "or").replace("<", "").replace(">", "")
    )


def fields_table(kind: type) -> list[str]:
    """A Struct's fields as a table."""
    fields = msgspec.structs.fields(kind)
    if not fields:
        return ["No fields.", ""]
    lines = ["| field | type | what | |", "|---|---|---|---|"]
    for field in fields:
        by_default = msgspec.to_builtins(field.default) if isinstance(field.default, msgspec.Struct) else field.default
        default = "" if field.required else f"by default `{by_default!r}`"
        what = about_field(kind, field.name).replace("|", "\\|")
        lines.append(f"| `{field.name}` | {type_name(field.type)} | {what} | {default} |")
    return [*lines, ""]


def commands() -> Iterable[str]:
    """Every command that may be sent."""
    yield 'Each is `POST /v1/its-name` with its fields as the JSON body, and `{"type", "id", "command"}` in `POST /v1/commands`.'
    yield ""
    for kind in sorted(public_commands(VOCABULARY), key=lambda one: one.__name__):
        yield from (f"## {kind.__name__}", "", text_of(kind), "")
        yield from (f"`POST /v1/{path_name(kind.__name__)}`; needs `{kind.needs}`; for: {', '.join(kind.streams)}.", "")
        yield from fields_table(kind)
    internal = sorted(name for name, kind in VOCABULARY.commands.items() if kind not in public_commands(VOCABULARY))
    yield from ("## Not to be sent", "", "Commands of the engine and the gateway: " + ", ".join(internal) + ".", "")


def events() -> Iterable[str]:
    """Every event of the log."""
    for name in sorted(VOCABULARY.events):
        kind = VOCABULARY.events[name]
        shown = f"Shown to whoever has `{kind.shown_to}`." if kind.shown_to else "Shown to nobody but its subject."
        yield from (f"## {name}", "", text_of(kind), "", shown, "")
        yield from fields_table(kind)


def queries() -> Iterable[str]:
    """Queries and topics."""
    yield "Each query is `GET /v1/its-name`; every answer says at which `position` it is true. "
    yield "With `at_least` it is given only once that position is reached (5 s at most)."
    yield ""
    for name, query in sorted(VOCABULARY.queries.items()):
        needs = f"Needs `{query.needs}`." if query.needs else "For everyone who is signed in."
        yield from (f"## {name}", "", query.about, "", needs, "", text_of(query.asked), "", "What is asked for:", "")
        yield from fields_table(query.asked)
        yield from ("A row:", "")
        yield from fields_table(query.row)
    yield from ("## Topics of the live stream", "", "| topic | what | needs |", "|---|---|---|")
    for topic in VOCABULARY.topics.values():
        yield f"| `{topic.name}` | {topic.about} | `{topic.needs}` |"


def permissions() -> Iterable[str]:
    """Permissions and who starts with which."""
    yield from ("A role is a list of permissions; nobody can grant what they do not hold.", "")
    yield from (
        "| permission | house's owner | book's owner | new sub-agent | player | feed | commands |",
        "|---|---|---|---|---|---|---|",
    )
    for permission in Permission:
        held_by = (permissions_of("house"), permissions_of("book"), VIEW_ONLY, PLAYER_MAY, FEED_MAY)
        marks = ["yes" if permission.value in held else "" for held in held_by]
        needing = ", ".join(f"`{kind.__name__}`" for kind in public_commands(VOCABULARY) if kind.needs is permission)
        yield f"| `{permission.value}` | {' | '.join(marks)} | {needing} |"


def settings() -> Iterable[str]:
    """Settings, with their names in the file and in the environment."""
    yield "From a TOML file, over which goes the environment, over which go flags. `runline config` prints what holds, and of "
    yield "each value where it comes from. What is not known is refused, in the file as in the environment."
    yield ""
    for part in Settings.__struct_fields__:
        values = getattr(Settings(), part)
        yield from (
            f"## [{part}]",
            "",
            about(type(values)),
            "",
            "| setting | environment | flag | by default |",
            "|---|---|---|---|",
        )
        for field in msgspec.structs.fields(type(values)):
            default = "secret, not set" if (part, field.name) in SECRETS else f"`{getattr(values, field.name)}`"
            flag = f"`{FLAGS[part, field.name]}`" if (part, field.name) in FLAGS else ""
            yield f"| `{field.name}` | `{variable_of(part, field.name)}` | {flag} | {default} |"
        yield ""
    yield from ("## Other names in the environment", "", "| name | what it is |", "|---|---|")
    yield from (f"| `{name}` | {what} |" for name, what in VARIABLES.items())


def command_line() -> Iterable[str]:
    """What `runline COMMAND --help` says, of every command."""
    yield from ("```text", help_of(), "```", "")
    for words in sorted(named(app)):
        yield from (f"## runline {' '.join(words)}", "", "```text", help_of(*words), "```", "")


def named(within: App, *before: str) -> Iterable[tuple[str, ...]]:
    """The commands by all their words, groups of commands left out."""
    for name in within:
        if name.startswith("-"):
            continue
        command = within[name]
        if any(not one.startswith("-") for one in command):
            yield from named(command, *before, name)
        else:
            yield (*before, name)


def help_of(*words: str) -> str:
    """The help of a command, as wide as a page."""
    written = io.StringIO()
    app.help_print(list(words), console=Console(file=written, width=WIDTH, color_system=None))
    return "\n".join(line.rstrip() for line in written.getvalue().rstrip().splitlines())


def lives() -> Iterable[str]:
    """The lives of what has a status, drawn from their tables."""
    yield "What has a status changes it by these events only; anything else is a broken invariant, and stops the stream."
    yield ""
    for what, steps in LIVES.items():
        yield from (f"## {what}", "", "```text")
        wide = max(len(status) for status, _ in steps)
        long = max(len(event) for _, event in steps)
        for (status, event), after in steps.items():
            yield f"{status:>{wide}}  ── {event} {'─' * (long - len(event))}──▶  {after}"
        yield from ("```", "")


LIVES: dict[str, Mapping[Any, str]] = {"A ticket": TICKET_LIFE, "A leg of a ticket": LEG_LIFE, "A game": FIXTURE_LIFE}

PAGES = {
    "commands": ("Commands", commands),
    "events": ("Events", events),
    "queries": ("Queries and topics", queries),
    "permissions": ("Permissions", permissions),
    "lives": ("Lives", lives),
    "settings": ("Settings", settings),
    "cli": ("Command line", command_line),
}


def pages() -> dict[str, str]:
    """The text of every page, by its file's name."""
    return {
        f"{name}.md": "\n".join([f"# {title}", "", WRITTEN, "", *lines()]).rstrip() + "\n"
        for name, (title, lines) in PAGES.items()
    }


def main(folder: Path) -> None:
    """Write all pages, and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = pages()
    for old in folder.glob("*.md"):
        if old.name not in texts:
            old.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
