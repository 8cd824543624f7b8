"""Text: ids, reasons and teams' names, the only free text that there is."""

import string

from runline.simulate.oracle.answers import refuse_unless

ID_LENGTH = 64
REASON_LENGTH = 500
TEAM_LENGTH = 100
BEGINNINGS = string.ascii_letters + string.digits
CHARACTERS = BEGINNINGS + "._@+-"


def an_id(text: str) -> str:
    """Letters, digits and `. _ @ + -`, not too many; the first is a letter or a digit."""
    sound = 0 < len(text) <= ID_LENGTH and text[0] in BEGINNINGS and all(letter in CHARACTERS for letter in text)
    refuse_unless(sound, "identifier_invalid")
    return text


def a_line(text: str) -> str:
    """One printable line, or nothing."""
    refuse_unless(len(text) <= REASON_LENGTH and text.isprintable(), "reason_invalid")
    return text


def a_reason(text: str) -> str:
    """One printable line that says something."""
    refuse_unless(text.strip(), "reason_invalid")
    return a_line(text)


def two_teams(away: str, home: str) -> None:
    """Two names that are not the same to who reads them."""
    for name in (away, home):
        refuse_unless(name.strip() and len(name) <= TEAM_LENGTH and name.isprintable(), "team_invalid")
    refuse_unless(" ".join(away.casefold().split()) != " ".join(home.casefold().split()), "team_invalid")
