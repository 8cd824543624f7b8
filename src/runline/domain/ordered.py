"""Ordered: keys in their order, for pages: what a page costs goes by its rows, not by all that there are.

Rule: an index is derived, never stored, and changed by the event that changes what it orders.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Generic, TypeVar

PART_KEYS_MAX = 1_024
"""Keys in one part; a part that is full is cut in two."""

K = TypeVar("K", bound=Any)


def last_of(part: list[Any]) -> Any:
    """The last key of a part."""
    return part[-1]


class Ordered(Generic[K]):
    """Different keys in their order, in parts: adding one moves its part only, however many there are."""

    __slots__ = ("parts",)

    def __init__(self, keys: Iterable[K] = ()) -> None:
        known = sorted(keys)
        half = PART_KEYS_MAX // 2
        self.parts: list[list[K]] = [known[at : at + half] for at in range(0, len(known), half)]

    def add(self, key: K) -> None:
        """Take a key in, if it is not in."""
        if not self.parts:
            self.parts.append([key])
            return
        number = min(bisect_left(self.parts, key, key=last_of), len(self.parts) - 1)
        part = self.parts[number]
        place = bisect_left(part, key)
        if place < len(part) and part[place] == key:
            return
        part.insert(place, key)
        if len(part) > PART_KEYS_MAX:
            half = len(part) // 2
            self.parts[number : number + 1] = [part[:half], part[half:]]

    def discard(self, key: K) -> None:
        """Take a key out, if it is in."""
        number = bisect_left(self.parts, key, key=last_of)
        if number == len(self.parts):
            return
        part = self.parts[number]
        place = bisect_left(part, key)
        if part[place] == key:
            del part[place]
            if not part:
                del self.parts[number]

    def after(self, key: K) -> Iterator[K]:
        """The keys behind a key, whether that is in or not."""
        number = bisect_right(self.parts, key, key=last_of)
        if number == len(self.parts):
            return
        part = self.parts[number]
        for place in range(bisect_right(part, key), len(part)):
            yield part[place]
        for at in range(number + 1, len(self.parts)):
            yield from self.parts[at]

    def __iter__(self) -> Iterator[K]:
        return chain.from_iterable(self.parts)

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def __bool__(self) -> bool:
        return bool(self.parts)


NO_KEYS: Ordered[Any] = Ordered()
"""What stands where there is no index yet; nothing is added to it."""
