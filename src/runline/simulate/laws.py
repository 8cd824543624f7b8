"""Laws: what holds in every book at every position, each computed anew, the slow and obvious way."""

from collections import Counter
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

import msgspec

from runline.domain.aside import Duty
from runline.domain.book import Book
from runline.domain.grading import Score, grade, league_rules
from runline.domain.house import House
from runline.domain.outcomes import NOTHING, Case, Place, Stand
from runline.domain.preview import Moves
from runline.domain.settlement import Outcomes, Settlement
from runline.domain.suspension import WIDE, room_of
from runline.domain.tickets import Ticket

Amounts = tuple[int, int, int]
"""(risk, win, wagers) that stand somewhere."""


class Figures(msgspec.Struct):
    """Balance and pending by player, what the worst case costs by market; zeros left out."""

    balance: Counter[str]
    pending: Counter[str]
    exposure: Counter[str]
    stands: dict[str, dict[Place, Amounts]]
    """What stands in each market."""
    worst: dict[str, Case]
    roles: dict[str, str]
    """The role of each user for whom it counts."""


def figures(book: Book) -> Figures:
    """The figures as the book keeps them."""
    exposure = {market: minor for market in book.risk.stands() if (minor := worst_of(book, market).exposure_minor)}
    return Figures(
        Counter({player.number: player.balance_minor for player in book.tree.players.values() if player.balance_minor}),
        Counter({number: minor for number, minor in book.risk.pending.items() if minor}),
        Counter(exposure),
        amounts_of(book.risk.stands()),
        {market: worst_of(book, market) for market in book.risk.stands()},
        {
            user.name: user.role
            for user in book.access.users.values()
            if book.access.counts(book.access.roles[user.role], user.node)
        },
    )


def amounts_of(stands: Mapping[str, dict[Place, Stand]]) -> dict[str, dict[Place, Amounts]]:
    """What stands in each market, by side and line."""
    return {
        market: {place: (one.risk_minor, one.win_minor, one.wagers) for place, one in places.items()}
        for market, places in stands.items()
    }


def worst_of(book: Book, market: str) -> Case:
    """What a market's worst case is."""
    return book.risk.exposure(market).worst


def moved(before: Figures | None, after: Figures) -> Moves:
    """The difference, in the shape of a preview."""
    assert before is not None
    changes: list[Any] = []
    for old, new in (
        (before.balance, after.balance),
        (before.pending, after.pending),
        (before.exposure, after.exposure),
    ):
        keys = [*old, *(key for key in new if key not in old)]
        changes.append({key: new[key] - old[key] for key in keys if new[key] != old[key]})
    changes.append(
        {
            market: after.worst.get(market, NOTHING)
            for market in {**before.stands, **after.stands}
            if before.stands.get(market) != after.stands.get(market)
        }
    )
    changes.append({user: role for user, role in before.roles.items() if user not in after.roles})
    return Moves(*changes)


def no_money_is_made(book: Book) -> None:
    """Players and the book's own accounts sum to zero."""
    players = sum(player.balance_minor for player in book.tree.players.values())
    assert players + sum(account.balance_minor for account in book.ledger.accounts.values()) == 0


def pending_is_open_risk(book: Book) -> None:
    """Pending of each player is the risk of their open wagers."""
    pending: Counter[str] = Counter()
    for wager in book.tickets.by_number.values():
        if wager.status == "open":
            pending[wager.player] += wager.risk_minor
    assert {number: minor for number, minor in book.risk.pending.items() if minor} == {
        number: minor for number, minor in pending.items() if minor
    }


def agents_have_the_sums_of_their_subtrees(book: Book) -> None:
    """Balance, pending and open wagers of every agent are those of all players below."""
    for agent in book.tree.agents:
        players = [player for player in book.tree.players.values() if book.tree.below(agent, player.agent)]
        numbers = {player.number for player in players}
        open_wagers = [
            wager for wager in book.tickets.by_number.values() if wager.status == "open" and wager.player in numbers
        ]
        expected = (
            sum(wager.risk_minor for wager in open_wagers),
            len(open_wagers),
            sum(player.balance_minor for player in players),
        )
        sums = book.risk.sums.get(agent)
        assert expected == ((sums.pending_minor, sums.open_wagers, sums.balance_minor) if sums else (0, 0, 0)), agent


def exposure_is_what_would_be_lost(book: Book) -> None:
    """For each market: the most and the least that all its open wagers cost by any score, each graded by itself."""
    taken: dict[str, list[Taken]] = {}
    for ticket in book.tickets.by_number.values():
        if ticket.status == "open":
            for leg in ticket.legs_at(ticket.standing()):
                taken.setdefault(leg.market, []).append(
                    (leg.side, leg.line_quarters, ticket.risk_minor, ticket.win_minor)
                )
    assert set(book.risk.stands()) == set(taken)
    for market, wagers in taken.items():
        losses = losses_by_score(market, wagers)
        cases = book.risk.exposure(market)
        assert cases.worst.exposure_minor == max(losses.values()), market
        assert cases.best.exposure_minor == min(losses.values()), market


Taken = tuple[str, int | None, int, int]
"""(side, line, risk, win) of a wager."""


def losses_by_score(market: str, wagers: list[Taken]) -> dict[int, int]:
    """What a book loses on some wagers, by the margin of the home side, or for a total by the sum of points."""
    kind = market.rsplit(":", 1)[1]
    lines = [abs(line) for _, line, _, _ in wagers if line is not None]
    reach = max(lines, default=0) // 4 + 3
    losses: dict[int, int] = {}
    for number in range(0 if kind == "total" else -reach, reach + 1):
        twice = 0
        for side, line, risk, win in wagers:
            twice += {
                "won": 2 * win, "half_won": win, "push": 0, "half_lost": -risk, "lost": -2 * risk,
            }[ends(kind, side, line, number)]  # fmt: skip
        losses[number] = -(-twice // 2)
    return losses


@cache
def ends(kind: str, side: str, line: int | None, number: int) -> str:
    """How a wager ends by a margin of the home side, or a sum of points."""
    score = Score(max(number, 0), max(-number, 0))
    return str(grade(league_rules("basketball"), kind, "game", side, line, score))


def derived(state: Any, *, copy: bool = False, resting: Collection[Duty] = ()) -> dict[str, Any]:
    """All derived state, in a form that two states can be compared by: no zeros, no order that means nothing. copy: no timer is
    due in it. resting: what has failed and is tried later."""
    timers = {
        (timer.due_ns, timer.kind, timer.subject)
        for timer in state.timers.by_subject.values()
        if (duty := ("timer", timer.kind, timer.subject)) not in resting and duty not in state.aside.numbers
    }
    holders = {
        (role, node): sorted(users)
        for role, nodes in state.access.holders.items()
        for node, users in nodes.items()
        if users
    }
    kept = {node: sorted(roles) for node, roles in state.access.kept.items()}
    found: dict[str, Any] = {
        "allowed": state.access.allowed,
        "holders": holders,
        "kept": kept,
        "lowered": {role: nodes for role, nodes in state.access.lowered.items() if nodes},
        "due": timers if copy else timers & set(state.timers.due),
    }
    assert found["due"] == timers, "a timer that is not due at any time"
    found["users_at"] = listed(state.access.users_at)
    found["orders"] = [list(state.access.role_order), list(state.suspensions.order)]
    found["sessions_at"] = listed(state.sessions.at_node)
    if isinstance(state, House):
        found["rooms"] = state.suspensions.rooms
        found["board"] = listed(state.catalog.board)
        found["orders"] += [
            list(state.catalog.result_order),
            list(state.catalog.confirmed_order),
            list(state.catalog.begun),
            list(state.books.order),
        ]
        found["markets_of"] = state.catalog.markets_of
        found["rotations"] = state.catalog.rotations.games
        found["orders"] += [list(state.held_lines.order), list(state.lateness.order)]
        found["late"] = [listed(state.lateness.starts_of), listed(state.lateness.windows_of)]
        found["rulings"] = state.rulings.of_league
        return found
    assert isinstance(state, Book)
    sums = {
        agent: (one.pending_minor, one.open_wagers, one.balance_minor, amounts_of(one.stands), one.players)
        for agent, one in state.risk.sums.items()
    }
    remaining = {
        number: [
            wager
            for wager in queue
            if wager > state.jobs.by_number[number].cursor
            and wager in state.tickets.open_on.get(state.jobs.by_number[number].subject, ())
        ]
        for number, queue in state.settlement.queues.items()
    }
    return found | {
        "figures": figures(state),
        "children": listed(state.tree.children),
        "players_at": listed(state.tree.players_at),
        "sums": {agent: amounts for agent, amounts in sums.items() if any(amounts)},
        "sessions_of": {user: sorted(names) for user, names in state.sessions.of_user.items()},
        "open_on": {fixture: sorted(numbers) for fixture, numbers in state.tickets.open_on.items()},
        "queues": remaining,
        "ledger_sum": state.ledger.sum_minor,
        "settings": state.settings.current,
        "open_wagers": state.tickets.open_count,
        "rooms": state.suspensions.rooms,
        "extents": state.tree.extents,
    }


def listed(index: dict[Any, Any]) -> dict[Any, list[Any]]:
    """An index without what is empty in it."""
    return {key: list(keys) for key, keys in index.items() if keys}


def memory_is_what_a_restart_would_rebuild(state: Any, recovered: Any, resting: Collection[Duty] = ()) -> None:
    """The state that was kept event by event equals the one that is read and derived, and counts what a start will find.
    resting: what has failed and is tried later."""
    rows = positions = 0
    for kind, held in state.held.items():
        if kind.held_while is not None:
            field, value = kind.held_while
            held = {key: row for key, row in held.items() if getattr(row, field) == value}
        assert dict(held) == dict(recovered.held[kind]), kind.__name__
        rows += len(held)
        positions += sum(row.changed_seq for row in held.values())
    assert (state.held_rows, state.held_sum) == (rows, positions)
    assert derived(state, resting=resting) == derived(recovered, resting=resting)


def the_entries_are_the_balances(book: Book, entries: list[Any]) -> None:
    """Folding the ledger's entries gives every balance, and each entry continues the one before."""
    accounts: Counter[str] = Counter()
    balances: Counter[str] = Counter()
    for entry in entries:
        assert entry.amount_minor > 0
        assert entry.balance_before_minor == balances[entry.player]
        balances[entry.player] = entry.balance_after_minor
        accounts[entry.debit] -= entry.amount_minor
        accounts[entry.credit] += entry.amount_minor
    for player in book.tree.players.values():
        assert accounts[f"player:{player.number}"] == balances[player.number] == player.balance_minor
    for account in book.ledger.accounts.values():
        assert accounts[account.name] == account.balance_minor


def layers_and_open_wagers_are_counted(book: Book) -> None:
    """The counts by which their bounds go are those of the rows."""
    assert book.tickets.open_count == sum(1 for wager in book.tickets.by_number.values() if wager.status == "open")
    narrow = [layer for layer in book.suspensions.layers.values() if layer.scope not in WIDE]
    assert book.suspensions.rooms == Counter(room_of(layer.scope, layer.node) for layer in narrow)


def legs_stand_by_the_results(book: Book, house: House, tickets: list[Ticket]) -> None:
    """Where no result is being settled by: each leg has ended as the result of its game says that stands, and nothing else."""
    assert not book.jobs.by_number
    for ticket in tickets:
        for leg in ticket.legs:
            result = house.catalog.results.get(leg.fixture) or house.catalog.archived.get(leg.fixture)
            if leg.status == "void":
                continue
            if result is None or not result.confirmed_seq:
                assert leg.ended is None, ticket
                continue
            sport, league = house.catalog.graded_by(leg.fixture)
            row = Settlement(0, sport, league, result.confirmed_seq, house.catalog.score_of(result))
            assert leg.ended == Outcomes(leg.fixture, row, house).of(leg, ticket.house_seq), ticket
        assert (ticket.status == "open") == any(leg.ended is None for leg in ticket.legs), ticket


def all_hold(book: Book) -> None:
    layers_and_open_wagers_are_counted(book)
    no_money_is_made(book)
    pending_is_open_risk(book)
    agents_have_the_sums_of_their_subtrees(book)
    exposure_is_what_would_be_lost(book)
