"""Ids of commands, where it does not matter which."""

import os

from runline.engine import ids
from runline.engine.ids import Entropy


def uuid7(at_ns: int, entropy: Entropy = os.urandom) -> str:
    """A new id of this time."""
    return ids.uuid7(at_ns, entropy)
