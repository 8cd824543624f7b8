"""Lateness: what a game's wagers go by that is not played at its start: the starts it has had, and the windows in which it may
still be played.

Rule: a ticket waits by the start as it was when it was placed. Its window is told before it ends (`told`); then every ticket on
its markets and start is void (`ended`), but what the score known by then decides, unless a person has said that they stand
(`stands`).
"""

from typing import TYPE_CHECKING

from runline.domain.bounds import EARLIER_STARTS_MAX
from runline.domain.grading import Score
from runline.domain.messages import Rejected
from runline.domain.ordered import Ordered
from runline.domain.state import Part, Row, State

if TYPE_CHECKING:
    from runline.domain.catalog import Catalog
    from runline.domain.house import House

WINDOW_LIFE: dict[tuple[str, str], str] = {
    ("told", "WindowEnded"): "ended",
    ("told", "WagersLetStand"): "stands",
    ("ended", "WagersLetStand"): "stands",
    ("stands", "WagersLetStand"): "stands",
}
"""(status, event) -> status. A window that is told and over for another reason (the game is back within it) is forgotten, and so
is what was let stand once the rule counts again."""


class EarlierStart(Row, table="earlier_starts", key=2):
    """A start that a game had. until_seq: the house position at which it was moved."""

    fixture: str
    until_seq: int
    start_ns: int
    changed_seq: int = 0


class Postponement(Row, table="postponements"):
    """A game that is postponed or abandoned, and nobody knows yet when it goes on."""

    fixture: str
    since_ns: int
    reason: str
    changed_seq: int = 0


class LateWindow(Row, table="late_windows", key=2):
    """The window of some markets for tickets that were placed while the game had a start.

    number: the house position at which it was told. ends_ns: by the rule. voids_ns: when the tickets are void, later if it was
    told late. score: that was known when it ended, or was confirmed later of the game as it had stood.
    """

    fixture: str
    number: int
    start_ns: int
    ends_ns: int
    markets: tuple[str, ...]
    voids_ns: int
    status: str
    score: Score | None = None
    changed_seq: int = 0


class Lateness(
    Part,
    named="lateness",
    streams=("house",),
    keeps={EarlierStart: "starts", Postponement: "postponed", LateWindow: "windows"},
):
    """The games that are late, or were."""

    __slots__ = ("order", "postponed", "starts", "starts_of", "windows", "windows_of")

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.starts: dict[tuple[str, int], EarlierStart] = {}
        self.postponed: dict[str, Postponement] = {}
        self.windows: dict[tuple[str, int], LateWindow] = {}
        self.starts_of: dict[str, list[EarlierStart]] = {}
        self.windows_of: dict[str, list[LateWindow]] = {}
        """Of each game, in order."""
        self.order: Ordered[str] = Ordered()
        """The games that are postponed, or of which windows were told."""

    def derive(self) -> None:
        self.starts_of = {}
        for key in sorted(self.starts):
            self.starts_of.setdefault(key[0], []).append(self.starts[key])
        self.windows_of = {}
        for window_key in sorted(self.windows):
            self.windows_of.setdefault(window_key[0], []).append(self.windows[window_key])
        self.order = Ordered({**self.postponed, **self.windows_of})

    def list_game(self, fixture: str) -> None:
        """Have a game in the order, or not any more."""
        if fixture in self.postponed or fixture in self.windows_of:
            self.order.add(fixture)
        else:
            self.order.discard(fixture)

    def is_late(self, fixture: str) -> bool:
        """Whether a game was moved, or is postponed, or windows of it were told."""
        return fixture in self.starts_of or fixture in self.postponed or fixture in self.windows_of

    def moved(self, start: EarlierStart) -> None:
        """A game has had this start until now."""
        self.starts[start.fixture, start.until_seq] = self.state.touch(start)
        self.starts_of.setdefault(start.fixture, []).append(start)

    def start_at(self, fixture: str, seq: int, now: int) -> int:
        """The start that a game had at a house position. now: that which it has."""
        for start in self.starts_of.get(fixture, ()):
            if seq < start.until_seq:
                return start.start_ns
        return now

    def tell(self, window: LateWindow) -> None:
        """A window will end."""
        self.windows[window.fixture, window.number] = self.state.touch(window)
        self.windows_of.setdefault(window.fixture, []).append(window)
        self.list_game(window.fixture)

    def forget(self, window: LateWindow) -> None:
        """A window counts no more."""
        self.state.drop(self.windows.pop((window.fixture, window.number)))
        here = self.windows_of[window.fixture]
        here.remove(window)
        if not here:
            del self.windows_of[window.fixture]
            self.list_game(window.fixture)

    def postpone(self, postponement: Postponement) -> None:
        """A game is postponed."""
        self.postponed[postponement.fixture] = self.state.touch(postponement)
        self.list_game(postponement.fixture)

    def goes_on(self, fixture: str) -> None:
        """A game is not postponed any more."""
        known = self.postponed.pop(fixture, None)
        if known is not None:
            self.state.drop(known)
            self.list_game(fixture)

    def archive(self, fixture: str, start_ns: int) -> None:
        """A game leaves memory, which had this start. What its tickets were void by stays, for a book that was away."""
        self.goes_on(fixture)
        windows = self.windows_of.get(fixture, [])
        if any(window.status == "ended" for window in windows):
            self.moved(EarlierStart(fixture, self.state.seq, start_ns))
            return
        for window in list(windows):
            self.forget(window)
        for start in self.starts_of.pop(fixture, ()):
            self.state.drop(self.starts.pop((fixture, start.until_seq)))

    def ended(self, catalog: "Catalog", fixture: str, market: str, seq: int) -> LateWindow | None:
        """The window by which a ticket on a market is void that was placed at a house position; None if there is none."""
        windows = self.windows_of.get(fixture)
        if windows is None:
            return None
        current = catalog.fixtures.get(fixture)
        start_ns = self.start_at(fixture, seq, current.start_ns if current is not None else 0)
        for window in windows:
            if window.status == "ended" and window.start_ns == start_ns and market in window.markets:
                return window
        return None


def require_start_kept(house: "House", fixture: str) -> None:
    """Refuse to move a game that was moved too often: each start that it had is kept.

    Raises Rejected `too_many`.
    """
    if len(house.lateness.starts_of.get(fixture, ())) >= EARLIER_STARTS_MAX:
        raise Rejected("too_many", "This game was moved as often as it may be.", most=EARLIER_STARTS_MAX)
