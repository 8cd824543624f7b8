"""Identifiers and reasons: the only free text that enters the core, bounded and printable."""

import re

from runline.domain.bounds import IDENTIFIER_LENGTH_MAX, REASON_LENGTH_MAX
from runline.domain.messages import Rejected

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
