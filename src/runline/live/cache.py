"""Cache: rows that are made, as JSON, for all who see them alike."""

from collections.abc import Hashable
from typing import Any

import msgspec

from runline.domain.times import with_times


class Cache:
    """Rows that were made, by kind, key and flavour. Whoever learns that rows have changed forgets them here."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, dict[Hashable, bytes]]] = {}

    def forget(self, kind: str, keys: tuple[str, ...]) -> None:
        """Rows have changed."""
        made = self.rows.get(kind)
        if made:
            for key in keys:
                made.pop(key, None)

    def forget_all(self, kind: str) -> None:
        """Any row of a kind may have changed."""
        self.rows.pop(kind, None)

    def find(self, kind: str, flavour: Hashable, key: str) -> bytes | None:
        """A row, if it was made."""
        made = self.rows.get(kind, {}).get(key)
        return made.get(flavour) if made is not None else None

    def keep(self, kind: str, flavour: Hashable, key: str, row: Any) -> bytes:
        """Keep a row; returns it as JSON."""
        text = with_times(msgspec.json.encode(row))
        self.rows.setdefault(kind, {}).setdefault(key, {})[flavour] = text
        return text
