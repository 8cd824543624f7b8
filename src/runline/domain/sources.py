"""Sources: how late it is by the clock of each source of lines, game by game.

Rule: a source's clock moves with every post, also with one that repeats what stands and makes no event. What the same source
has entered before that time and comes late is refused. Clocks of repeated posts are in memory only: after a restart a source's
clock is that of its lines that stand.
"""

from runline.domain.bounds import SOURCE_CLOCKS_MAX
from runline.domain.state import Part, State


class Sources(Part, named="sources", streams=("house",)):
    """The clocks of repeated posts."""

    __slots__ = ("clocks",)

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.clocks: dict[tuple[str, str], int] = {}
        """The source's time of the last post that repeated what stood, by game and source; the last one at the end."""

    def heard(self, fixture: str, source: str, entered_ns: int) -> None:
        """A post has repeated what stands."""
        clocks, which = self.clocks, (fixture, source)
        clocks[which] = max(entered_ns, clocks.pop(which, 0))
        if len(clocks) > SOURCE_CLOCKS_MAX:
            del clocks[next(iter(clocks))]
