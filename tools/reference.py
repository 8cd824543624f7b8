"""Write the reference pages that follow from the source: commands, events, queries, permissions, lives, settings, the command
line.

python tools/reference.py FOLDER
"""

import inspect
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from runline.config import ENVIRONMENT, SECRETS, Settings
from runline.domain.catalog import FIXTURE_LIFE
from runline.domain.permissions import FEED_MAY, PLAYER_MAY, VIEW_ONLY, Permission, permissions_of
from runline.domain.tickets import LEG_LIFE, TICKET_LIFE
from runline.domain.vocabulary import plain_vocabulary
from runline.gateway.door import path_name, public_commands
from runline.gateway.fields import about_field, text_of

VOCABULARY = plain_vocabulary()

CLI = ("demo", "serve", "config", "verify", "anchor", "trace", "clock", "grade", "bench")
WIDTH = "100"


def about(kind: type) -> str:
    """What a type says of itself."""
    return inspect.cleandoc(kind.__doc__ or "")


def type_name(kind: Any) -> str:
    """A field's type in words."""
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
        default = "" if field.required else f"by default `{field.default!r}`"
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
    yield "From a TOML file, over which goes the environment, over which go flags. `runline config` prints what holds."
    yield ""
    for part in Settings.__struct_fields__:
        values = getattr(Settings(), part)
        yield from (
            f"## [{part}]",
            "",
            about(type(values)),
            "",
            "| setting | environment | by default |",
            "|---|---|---|",
        )
        for field in msgspec.structs.fields(type(values)):
            default = "secret, not set" if (part, field.name) in SECRETS else f"`{getattr(values, field.name)}`"
            yield f"| `{field.name}` | `{f'{ENVIRONMENT}{part}_{field.name}'.upper()}` | {default} |"
        yield ""


def command_line() -> Iterable[str]:
    """What `runline COMMAND --help` says."""
    environment = {"COLUMNS": WIDTH, "NO_COLOR": "1", "PATH": "", "TERM": "dumb"}
    for name in CLI:
        done = subprocess.run(
            [sys.executable, "-m", "runline", name, "--help"],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        yield from (f"## runline {name}", "", "```text", done.stdout.rstrip(), "```", "")


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


def main(folder: Path) -> None:
    """Write all pages."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (title, lines) in PAGES.items():
        (folder / f"{name}.md").write_text("\n".join([f"# {title}", "", *lines()]).rstrip() + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
