"""Identifiers, reasons and teams' names: the only free text that enters the core, bounded and printable."""

import re
from typing import Any

from runline.domain.bounds import IDENTIFIER_LENGTH_MAX, REASON_LENGTH_MAX, TEAM_LENGTH_MAX
from runline.domain.messages import Command, Rejected

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


def reason_text(text: str) -> str:
    """The reason itself, if it is short enough and printable.

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
