"""Hints: what one database is told beside a statement, or says in its own way. Statements are the same for all but for these."""

from collections.abc import Callable, Collection
from typing import Any

import msgspec


class Hints(msgspec.Struct, frozen=True):
    """A database's own words.

    through: by which index to read, after a table's name; "" where its planner finds that out. looked_up: joins a table that is
    looked up for each row of the one before. among: that a value is one of a list, which is given as one value. listed: makes
    that value. by_bytes: that a text that is given is sorted by its bytes, like those that are stored.
    """

    through: Callable[[str], str]
    looked_up: str
    among: str
    listed: Callable[[Collection[str]], Any]
    by_bytes: str = ""
