"""Placed: where streams are, as a test says."""

from collections.abc import Callable


class Placed:
    """Where streams are. at: the address of each that there is, None for nowhere. there: the addresses of all who are there."""

    def __init__(self, at: dict[str, str | None], there: frozenset[str] = frozenset()) -> None:
        self.at = at
        self.there = there
        self.changed: list[Callable[[], None]] = []

    def put(self, stream: str, address: str | None) -> None:
        """A stream is there now."""
        self.at[stream] = address
        self.tell()

    def tell(self) -> None:
        """Say that something has changed."""
        for changed in self.changed:
            changed()

    def where(self, stream: str) -> str | None:
        return self.at.get(stream)

    def known(self, stream: str) -> bool:
        return stream in self.at

    def anybody(self) -> str | None:
        return next(iter(sorted(self.there)), None)

    def addresses(self) -> frozenset[str]:
        return self.there

    def listen(self, changed: Callable[[], None]) -> None:
        self.changed.append(changed)

    def seen_from(self, address: str) -> "SeenFrom":
        """The same, by somebody who is there."""
        return SeenFrom(self, address)


class SeenFrom(Placed):
    """Where streams are, by somebody at an address."""

    def __init__(self, placed: Placed, address: str) -> None:
        super().__init__(placed.at, placed.there)
        self.changed = placed.changed
        self.address = address

    def where(self, stream: str) -> str | None:
        address = super().where(stream)
        return "" if address == self.address else address
