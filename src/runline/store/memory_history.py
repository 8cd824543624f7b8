"""History in memory: what a snapshot says, read in the plainest way."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from runline.domain.catalog import Fixture
from runline.domain.hierarchy import Agent, Player
from runline.domain.messages import HOUSE
from runline.domain.rows import rows_of
from runline.domain.state import R, Row
from runline.engine.ports import Found, Refusal, RefusalKey, Snapshot, Wanted
from runline.store.batches import times_of

if TYPE_CHECKING:
    from runline.store.memory import MemoryStore

V = TypeVar("V")
P = ParamSpec("P")


class MemoryHistory:
    """Looks in this process, while nothing else happens: so it is one state that is seen."""

    at_once = 1

    def __init__(self, store: "MemoryStore") -> None:
        self.store = store

    async def look(
        self, stream: str, read: Callable[Concatenate[Snapshot, P], V], *args: P.args, **kwargs: P.kwargs
    ) -> V:
        return read(MemorySnapshot(self.store, stream), *args, **kwargs)

    def close(self) -> None:
        """There is nothing to end."""


class MemorySnapshot:
    """A stream as it is now."""

    def __init__(self, store: "MemoryStore", stream: str) -> None:
        self.store = store
        self.stream = stream
        head = store.known_heads.get(stream)
        self.position = head.seq if head is not None else 0

    def of_stream(self, stream: str) -> Snapshot:
        return MemorySnapshot(self.store, stream)

    def row(self, row_type: type[R], *key: Any) -> R | None:
        found = self.store.rows.get(row_type.table, {}).get((self.stream, *key))
        return rows_of(row_type, [found[1:]])[0] if found is not None else None

    def subtree(self, top: str) -> frozenset[str]:
        found = {top}
        agents = self.store.stored(self.stream, Agent)
        while more := {agent.name for agent in agents if agent.parent in found} - found:
            found |= more
        return frozenset(found)

    def find(self, row_type: type[Row], wanted: Wanted, limit: int, *beside: str) -> Found:
        def is_wanted(row: Any) -> bool:
            if not wanted.above < row.key() < wanted.below:
                return False
            if not all(self.store.is_found(self.stream, row, field, value) for field, value in wanted.fields.items()):
                return False
            if any(getattr(row, field) < value for field, value in wanted.least.items()):
                return False
            if any(getattr(row, field) > value for field, value in wanted.most.items()):
                return False
            if wanted.game:
                game = house.row(Fixture, row.fixture)
                if not all(game is not None and getattr(game, field) == value for field, value in wanted.game.items()):
                    return False
            if wanted.agents is None:
                return True
            player = self.row(Player, row.player)
            return player is not None and player.agent in wanted.agents

        house = self.of_stream(HOUSE)
        stored = self.store.stored(self.stream, row_type)
        rows = [row for row in (stored if wanted.ascending else reversed(stored)) if is_wanted(row)]
        numbers = [(row.key(), *(getattr(row, field) for field in beside)) for row in rows[:limit]]
        return Found(numbers, numbers[-1][0] if len(rows) > limit else 0)

    def rows(self, row_type: type[R], numbers: Iterable[int]) -> list[R]:
        found = (self.row(row_type, number) for number in numbers)
        return [row for row in found if row is not None]

    def named(self, row_type: type[R], text: str, having: Mapping[str, Collection[str]]) -> Iterator[R | None]:
        held = row_type.held_while
        for row in self.store.stored(self.stream, row_type):
            if row.key().startswith(text) and (held is None or getattr(row, held[0]) == held[1]):
                yield row if all(getattr(row, field) in values for field, values in having.items()) else None

    def entries(self, before: int, limit: int) -> Iterator[tuple[int, bytes]]:
        log = self.store.log.get(self.stream, [])
        return ((row[1], row[4]) for row in islice(reversed(log[: max(before - 1, 0)]), limit))

    def made_by(self, command: bytes, limit: int) -> list[bytes]:
        return [row[4] for row in self.store.log.get(self.stream, []) if row[2] == command][:limit]

    def refusals(self, before: RefusalKey | None) -> Iterator[Refusal]:
        keys = sorted((key for key in self.store.refusals if key[0] == self.stream), reverse=True)
        return (self.store.refusals[key] for key in keys if before is None or key[1:] < before)

    def batch_of(self, node: str, decided_ns: int) -> tuple[int | None, int | None]:
        times = [one[1:] for one in self.store.batches if one[0] == node and one[1] >= decided_ns]
        return times_of(times)
