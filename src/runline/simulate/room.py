"""Room: in some runs there is little of it: of what has a bound so little may be that the bound is met within minutes.

Rule: a bound is met as it stands in `bounds.py`, `limits.py` and the oracle, everywhere where it is used, and is as it was after
the run.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from runline.simulate.decisions import Decisions
from runline.simulate.oracle.bounds import MOST

TOGETHER: tuple[dict[str, Any], ...] = (
    {
        "LANE_DEPTH_MAX": {"control": 64, "wagers": 8, "bulk": 16, "last": 4},
        "ACTOR_WAITING_MAX": {"control": 3, "wagers": 3, "bulk": 4, "last": 2},
        "LANE_COUNTED_FROM": 1,
        "CONTROL_KEPT": 56,
        "WAGERS_WAITING_MAX": 8,
    },
    {"BATCH_EVENTS_MAX": 16, "BULK_EVENTS_MAX": 4},
    {"REPEATS_WAITING_MAX": 4, "REPEATS_PER_USER_MAX": 2},
    {"AWAITING_MAX": 6, "AWAITING_PER_USER_MAX": 1},
)
"""What hangs together is small together."""

SMALL: dict[str, Any] = {
    "AGENTS_MAX": 9,
    "BOOKS_MAX": 3,
    "BOOK_LINES_MAX": 5,
    "EARLIER_STARTS_MAX": 2,
    "FEEDS_MAX": 1,
    "FIXTURES_MAX": 30,
    "GUARD_RULES_MAX": 2,
    "HELD_LINES_MAX": 2,
    "LEAGUES_MAX": 4,
    "MARKETS_MAX": 60,
    "MARKETS_PER_POST_MAX": 3,
    "MOVED_WAGERS_MAX": 2,
    "OPEN_WAGERS_MAX": 25,
    "PLAYERS_MAX": 12,
    "ROLES_MAX": 9,
    "ROLES_PER_NODE_MAX": 5,
    "RULINGS_PER_LEAGUE_MAX": 2,
    "SESSIONS_MAX": 24,
    "SESSIONS_PER_USER_MAX": 2,
    "SET_ASIDE_MAX": 2,
    "SETTLE_SLICE_WAGERS": 2,
    "STAFF_MAX": 14,
    "SUSPENSIONS_MAX": 5,
    "SUSPENSIONS_PER_NODE_MAX": 2,
    "WISHES_MAX": 1,
    "SOURCE_CLOCKS_MAX": 2,
    "ROLES_ENDED_MAX": 1,
    "ROLES_ENDED_LOOKED_MAX": 1,
    "WINDOW_COMMANDS_MAX": 60,
    "FORGOTTEN_COMMANDS_MAX": 40,
    "SPANS_MAX": 3,
    "SPAN_GAP_MS": 50,
    "CONTROL_TURN": 2,
    "TURN_COMMANDS": 2,
    "LAST_TURN": 1,
    "TIMERS_PER_ROUND": 1,
    "SUBSCRIPTION_EVENTS_MAX": 40,
    "REFUSAL_KINDS_MAX": 3,
    "REFUSALS_KEPT_MAX": 20,
    "READ_EVENTS": 3,
    "DUTY_TRIES_MAX": 3,
    "NOTED_SESSIONS_MAX": 2,
}
"""Bounds of the core and the engine, by their names, that leave room for how a run begins and for little else."""


def draw_small(decisions: Decisions) -> dict[str, Any]:
    """Which bounds are small in a run: plainly, none."""
    if not decisions.rarely(3):
        return {}
    alone = [{name: most} for name, most in SMALL.items()]
    return {name: most for some in (*alone, *TOGETHER) if decisions.rarely(2) for name, most in some.items()}


@contextmanager
def little_room(small: dict[str, Any]) -> Iterator[None]:
    """Let bounds be small as long as this lasts."""
    before: list[tuple[dict[str, Any], str, Any]] = []
    spaces = [vars(module) for name, module in sorted(sys.modules.items()) if name.startswith("runline.")]
    for name, most in small.items():
        for space in (MOST, *spaces):
            if name in space and space is not globals():
                before.append((space, name, space[name]))
                space[name] = most
    try:
        yield
    finally:
        for space, name, most in before:
            space[name] = most
