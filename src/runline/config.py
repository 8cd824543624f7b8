"""Settings: frozen, one Struct for each part."""

from pathlib import Path
from typing import Literal

import msgspec


class StoreSettings(msgspec.Struct, frozen=True):
    """Where the book is kept.

    path: the SQLite file. committer: process (one of its own, on a second core: half as fast again and more, see
    benchmarks/RESULTS.md) or inline (in the engine's process).
    """

    path: Path
    committer: Literal["inline", "process"] = "process"


class EngineSettings(msgspec.Struct, frozen=True):
    """node: this process's name in the log. owner: the user who owns the house that a new database starts with."""

    node: str = "n1"
    owner: str = "platform"
