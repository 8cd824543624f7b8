"""Identifiers, reasons and teams' names: the only free text that enters the core, bounded and printable."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import msgspec

from runline.domain.bounds import IDENTIFIER_LENGTH_MAX, REASON_LENGTH_MAX, TEAM_LENGTH_MAX
from runline.domain.messages import Command, Decided, Rejected

ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*")


def identifier(text: str, what: str) -> str:
    """The id itself, if it is one: letters, digits and `. _ @ + -`, at most IDENTIFIER_LENGTH_MAX characters.

    Raises Rejected `identifier_invalid`.
    """
    if len(text) > IDENTIFIER_LENGTH_MAX or not ALLOWED.fullmatch(text):
        raise Rejected(
            "identifier_invalid",
            f"A {what} id has letters, digits and . _ @ + - only, at most {IDENTIFIER_LENGTH_MAX} of them.",
        )
    return text


Reason = Annotated[str, msgspec.Meta(description="Why, for the activity log: one printable line, never blank.")]
"""Why somebody does something. A command with such a field is decided only if that says something (see `reasons_given`)."""

Remark = Annotated[
    str, msgspec.Meta(description="What there is to say, for the activity log: one printable line, or blank.")
]
"""Why, where that may go without saying: the log has what was done, and it moves neither money nor authority."""


def line_text(text: str) -> str:
    """The text itself, if it is short enough and printable.

    Raises Rejected `reason_invalid`.
    """
    if len(text) > REASON_LENGTH_MAX or not text.isprintable():
        raise Rejected("reason_invalid", f"A reason is one printable line of at most {REASON_LENGTH_MAX} characters.")
    return text


def team_names(away: str, home: str) -> tuple[str, str]:
    """The names of the two sides of a game themselves, if they are names, and of two teams.

    Raises Rejected `team_invalid`.
    """
    for name in (away, home):
        if len(name) > TEAM_LENGTH_MAX or not name.isprintable() or not name.strip():
            raise Rejected(
                "team_invalid", f"A team's name is one printable line of 1 to {TEAM_LENGTH_MAX} characters, not blank."
            )
    if plain(away) == plain(home):
        raise Rejected("team_invalid", "The same team stands on both sides.")
    return away, home


def plain(name: str) -> str:
    """A name without what makes no difference to who reads it: capitals, and how many blanks."""
    return " ".join(name.split()).casefold()


def same_again(command: Command, what: str, *, active: bool = True, **stands: Any) -> tuple[()]:
    """To create what is there already as it stands changes nothing. what: its id. stands: its values, by the command's fields.
    active: whether it is as good as new.

    Raises Rejected `already_exists` with those that differ, as they stand.
    """
    differs = {field: value for field, value in stands.items() if value != getattr(command, field)}
    if not active:
        differs["active"] = False
    if differs:
        raise Rejected("already_exists", f"{what} is there already, and differs.", id=what, differs=differs)
    return ()


def reason_text(text: str) -> str:
    """The reason itself, if it is one: a line that is not blank.

    Raises Rejected `reason_invalid`.
    """
    if not line_text(text).strip():
        raise Rejected("reason_invalid", "This needs a reason.")
    return text


def reasons_given(kind: type[Command], decide: Callable[..., Decided]) -> Callable[..., Decided]:
    """What decides such commands, but only if what they say of their reasons holds.

    Raises Rejected `reason_invalid` for a command that does not.
    """
    fields = [
        (field.name, reason_text if field.type == Reason else line_text)
        for field in msgspec.structs.fields(kind)
        if field.type in (Reason, Remark)
    ]
    if not fields:
        return decide

    @wraps(decide)
    def decide_with_reasons(state: Any, command: Any, context: Any) -> Decided:
        for name, require in fields:
            require(getattr(command, name))
        return decide(state, command, context)

    return decide_with_reasons
