"""Made: the fields of each command that is declared, by chance: sensible ones, and those that almost are."""

from collections.abc import Callable
from typing import Any

from tests.doubles.chance import HASHES, KINDS, LEAGUES, PERIODS, Chance
from tests.doubles.stage import HOUR_NS, SECOND_NS

from runline.domain.cluster import Wishes
from runline.domain.grading import SIDES
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission


def signs_in(by: Chance, in_house: bool) -> dict[str, Any]:
    user, seq = by.credential(in_house)
    by.sessions += 1
    idle = by.one((SECOND_NS, HOUR_NS // 2, HOUR_NS, 24 * HOUR_NS, 0))
    return {
        "user": user,
        "session": f"s{by.sessions}" if not by.chance(20) else by.session(in_house),
        "kind": by.one(("screen", "program")),
        "credential_seq": seq,
        "idle_ns": idle,
        "whole_ns": idle * by.one((1, 12, 1, 10**9)),
        "device": by.one(("", "phone", "desk")),
    }


def of_credential(by: Chance, in_house: bool) -> dict[str, Any]:
    user, seq = by.credential(in_house)
    own = [name for name, one in by.stage(in_house).state.sessions.by_name.items() if one.user == user]
    return {"user": user, "credential_seq": seq, "session": by.known(own)}


def is_played(by: Chance, in_house: bool) -> dict[str, Any]:
    entered = [name for name, one in by.house.state.catalog.results.items() if one.entered != one.confirmed]
    name = by.one(entered[-6:]) if entered and not by.chance(4) else by.game("closed", "final")
    known = by.house.state.catalog.results.get(name)
    revision = known.revision if known is not None else 1
    return {"fixture": name, "revision": revision - (1 if by.chance(12) else 0)}


def aside(by: Chance, in_house: bool) -> dict[str, Any]:
    state = by.stage(in_house).state
    what = by.one(("timer", "job", "house", "timer"))
    kind, subject = "cutoff", "G1"
    if what == "timer" and state.timers.by_subject:
        kind, subject = by.one(list(state.timers.by_subject))
    elif what == "job":
        kind, subject = "settlement", str(by.one([*state.jobs.by_number, 7]))
    elif what == "house":
        kind, subject = "TakeResult", str(by.house.state.seq + by.one((0, 0, -3)))
    return {"what": what, "kind": kind, "subject": subject, "reason": by.reason()}


def taken_up(by: Chance, in_house: bool) -> dict[str, Any]:
    numbers = list(by.stage(in_house).state.aside.by_number)
    return {"number": by.one([*numbers, *numbers, 0]) if numbers else 5, "reason": by.reason()}


def a_stream(by: Chance) -> str:
    return by.known(["house", "main", "north"])


def a_machine(by: Chance) -> str:
    return by.known(["n1", "n2", "n3", ""])


def told(by: Chance, in_house: bool) -> dict[str, Any]:
    wishes = by.house.state.part(Wishes).by_subject
    subject = by.known(wishes)
    known = wishes.get(subject)
    return {"subject": subject, "asked_seq": known.changed_seq if known and not by.chance(8) else by.between(1, 90)}


def new_game(by: Chance, in_house: bool) -> dict[str, Any]:
    fixtures = by.house.state.catalog.fixtures
    name = f"G{len(fixtures) + len(by.house.state.catalog.archived) + 1}"
    if by.chance(6):
        name = by.game()
    if name in fixtures and by.chance(2):
        one = fixtures[name]
        return {key: getattr(one, key) for key in ("league", "rotation", "away", "home", "start_ns")} | {
            "fixture": name
        }
    return {
        "fixture": name,
        "league": by.league(),
        "rotation": by.rotation(),
        "away": by.one(("Away", "Visitors", " home ", "", "two\nlines")) if by.chance(8) else f"{name} away",
        "home": "Home" if by.chance(8) else f"{name} home",
        "start_ns": by.time_ns() if by.chance(3) else by.now_ns + by.between(1, 20) * HOUR_NS,
    }


def new_user(by: Chance, in_house: bool) -> dict[str, Any]:
    return {
        "user": f"u{by.between(1, 25)}" if not by.chance(8) else by.user(in_house),
        "node": by.node() if not in_house else by.one((ROOT, ROOT, ROOT, "A1")),
        "role": by.role(in_house),
    }


def role_set(by: Chance, in_house: bool) -> dict[str, Any]:
    name = by.role(in_house)
    known = by.stage(in_house).state.access.roles.get(name)
    node = known.node if known is not None and not by.chance(8) else (ROOT if in_house else by.node())
    some = (
        list(Permission)
        if by.chance(10)
        else [one for one in Permission if ("house" if in_house else "book") in one.streams]
    )
    chosen = [one.value for one in some if not by.chance(by.one((2, 5)))]
    if by.chance(3) and known is not None:
        chosen = [*known.permissions, *chosen[:1]][by.between(0, 1) :]
    by.random.shuffle(chosen)
    if by.chance(30):
        chosen *= 3
    return {"role": name, "node": node, "permissions": chosen, "reason": by.reason()}


def line_moved(by: Chance, in_house: bool) -> dict[str, Any]:
    market = by.market()
    kind = market.rsplit(":", 1)[-1]
    return {
        "market": market,
        "mode": by.one(("follow", "offset", "offset", "lock", "hide")),
        "offset_quarters": by.one((0, 0, 2, -2, -40, 4_001)) if kind in ("spread", "total") else by.one((0, 0, 0, 2)),
        "offset_cents": by.one((0, 5, -10, 500, 501)),
        **by.line(kind if kind in SIDES else "total"),
        "reason": by.reason(),
    }


def paired(by: Chance, in_house: bool) -> dict[str, Any]:
    catalog = by.house.state.catalog
    markets = [one for one in catalog.markets.values() if not one.off_board] or list(catalog.markets.values())
    legs = [(market.name, by.one(SIDES[market.kind])) for market in (by.one(markets[-24:]), by.one(markets[-24:]))]
    return {"player": by.player(), "selections": legs, "risk_minor": by.one((1_00, 2_50, 33_33))}


def moved(by: Chance, in_house: bool) -> dict[str, Any]:
    fixtures = by.house.state.catalog.fixtures
    late = list(by.house.state.lateness.postponed)
    name = by.one(late) if late and by.chance(3) else by.game("scheduled", "closed")
    start_ns = fixtures[name].start_ns if name in fixtures and by.chance(6) else by.time_ns()
    return {"fixture": name, "start_ns": start_ns, "reason": by.reason()}


def posted(by: Chance, in_house: bool) -> dict[str, Any]:
    game = by.game("scheduled")
    lines = [by.market_line() for _ in range(by.between(0, 5))]
    if by.chance(2):
        lines = [by.changed(line) for line in by.lines_of(game)] + lines[:1]
    return {
        "fixture": game,
        "entered_ns": by.now_ns + by.one((-HOUR_NS, 0, 0, 0, 0, SECOND_NS, 11 * SECOND_NS))
        if not by.chance(30)
        else -1,
        "lines": lines,
        "confirm": not by.chance(3),
    }


MADE: dict[str, Callable[[Chance, bool], dict[str, Any]]] = {
    "AddReason": lambda by, h: (lambda layer: {**layer, **by.layer_seq(h, layer), "reason": by.reason()})(by.layer(h)),
    "AdjustCredit": lambda by, _: {
        "player": by.player(),
        "credit_limit_minor": by.amount() * by.one((1, 1_000 if by.gentle else 1)),
        "reason": by.reason(),
    },
    "AssignRole": lambda by, h: {"user": by.other(h), "role": by.role(h), "reason": by.reason()},
    "CancelFixture": lambda by, _: {"fixture": by.game("closed") if by.chance(3) else by.game(), "reason": by.reason()},
    "ConfirmLine": lambda by, _: by.held(),
    "ConfirmResult": is_played,
    "CreateAgent": lambda by, _: {
        "agent": by.known([f"A{by.between(1, 60)}"]),
        "parent": by.node() if by.chance(3) else by.deepest(),
    },
    "CreateFixture": new_game,
    "CreateLeague": lambda by, _: {"league": by.league(), "sport": by.one(tuple(LEAGUES.values()))},
    "CreatePlayer": lambda by, _: {
        "player": by.known([f"P{by.between(1, 30)}"]),
        "agent": by.node(),
        "credit_limit_minor": by.amount() * by.one((0, 1, 1_000 if by.gentle else 10)),
    },
    "CreateUser": new_user,
    "DropLine": lambda by, _: {**by.held(), "reason": by.reason()},
    "EndSession": lambda by, h: {"session": by.session(h), "reason": by.reason()},
    "EnterResult": lambda by, _: (lambda game: {"fixture": game, "score": by.score(game)})(by.game("closed", "final")),
    "EnterTransaction": lambda by, _: {
        "player": by.player(),
        "kind": by.one(("receipt", "disbursement", "adjustment")),
        "amount_minor": by.amount(),
        "description": by.reason(),
    },
    "GrantTemporaryCredit": lambda by, _: {
        "player": by.player(),
        "credit_minor": by.amount(),
        "until_ns": by.time_ns(),
        "reason": by.reason(),
    },
    "KeepFeed": lambda by, _: {},
    "LetWagersStand": lambda by, _: {
        "fixture": by.known(list(by.house.state.lateness.windows_of) or [by.game()]),
        "reason": by.reason(),
        "stand": not by.chance(3),
    },
    "MoveAgent": lambda by, _: {
        "agent": by.one(list(by.book.state.tree.agents)[:6]) if by.chance(2) else by.node(),
        "parent": by.deepest() if by.chance(3) else by.node(),
        "reason": by.reason(),
    },
    "MovePlayer": lambda by, _: {
        "player": by.player(),
        "agent": by.node(),
        "reason": by.reason(),
    },
    "MoveLine": line_moved,
    "OpenBook": lambda by, _: {
        "book": by.known(["main", "north", "south"]),
        "owner": by.one(("owner", "other", "a b")),
    },
    "PlaceWager": lambda by, _: by.wager(),
    "PostLines": posted,
    "PostponeFixture": lambda by, _: {"fixture": by.game(), "reason": by.reason()},
    "RenumberFixture": lambda by, _: {
        "fixture": by.game(),
        "rotation": by.between(0, 400) * by.one((0, 1, 1, 1)),
        "reason": by.reason(),
    },
    "Reopen": lambda by, h: (lambda layer: {**layer, "reason": by.reason(), **by.one(({}, by.layer_seq(h, layer)))})(
        by.layer(h)
    ),
    "ReopenFixture": lambda by, _: {
        "fixture": by.game("cancelled") if by.chance(3) else by.game("cancelled", "final", "closed"),
        "reason": by.reason(),
    },
    "RescheduleFixture": moved,
    "RestoreUser": lambda by, h: {"user": by.user(h), "reason": by.reason()},
    "ResumeFixture": lambda by, _: {
        "fixture": by.known(list(by.house.state.lateness.postponed) or [by.game()]),
        "reason": by.reason(),
    },
    "RevokeUser": lambda by, h: {"user": by.signed_in(h) if by.chance(2) else by.other(h), "reason": by.reason()},
    "SetGuard": lambda by, _: {
        "check": by.one(("no_hold", "price_jump", "line_jump", "contradiction", "swap")),
        "action": by.one(("hold", "alert", "off", "default", "default")),
        "reason": by.reason(),
        "limit": by.one((0, 10, 100, 600, 10_000, 10_001, -1)),
        "scope": by.one(("all", "sport", "league")),
        "subject": by.one(("", "", "baseball", "MLB", "football", "NFL", "cricket")),
        "market": by.one(("", "", *KINDS)),
    },
    "SetLargeWager": lambda by, _: {
        "node": by.node(),
        "least_minor": by.one((None, 0, by.amount(), 10**12 + 1)),
        "reason": by.reason(),
    },
    "SetLeagueRule": lambda by, _: {
        "league": by.league(),
        "rule": by.rule(),
        "reason": by.reason(),
        "market": by.one(("", "", *KINDS)),
        "period": by.one(("", "", "game", *PERIODS)),
    },
    "SetLimits": lambda by, _: {
        "stake_min_minor": by.one((1, 1_00, 5_00, 0)),
        "stake_max_minor": by.amount() * by.one((10, 1_000)),
        "win_max_minor": by.amount() * by.one((10, 1_000)),
        "reason": by.reason(),
    },
    "SetLocks": lambda by, _: {"stay_open": by.chance(2), "reason": by.reason()},
    "SetPassword": lambda by, h: {
        "user": by.credential(h)[0] if by.chance(2) else by.other(h),
        "password_hash": by.one(HASHES),
    },
    "SetPlayerLimits": lambda by, _: {
        "player": by.player(),
        "stake_max_minor": by.one((None, by.amount())),
        "win_max_minor": by.one((None, by.amount())),
        "active": not by.chance(10),
        "reason": by.reason(),
    },
    "SetRole": role_set,
    "SetZone": lambda by, _: {
        **by.one(({"place": "league", "subject": by.league()}, {"place": "fixture", "subject": by.game()})),
        "zone": by.one(("", "Europe/London", "America/New_York", "Asia/Tokyo", "America/Nowhere", "UTC")),
        "reason": by.reason(),
    },
    "StartStream": lambda by, _: {"book": by.known(["main", "north", "south"]), "reason": by.reason()},
    "Suspend": lambda by, h: {**by.layer(h), "reason": by.one((by.reason(), "quick"))},
    "TryAgain": taken_up,
    "VoidLeg": lambda by, _: {"wager": by.wager_number(), "leg": by.between(0, 2), "reason": by.reason()},
    "VoidWager": lambda by, _: {"wager": by.wager_number(), "reason": by.reason()},
    "WatchFeed": lambda by, _: {
        "feed": by.user(True),
        "silent_after_ms": by.one((0, 1_000, 30_000, 3_600_000, 999, 3_600_001)),
        "reason": by.reason(),
    },
    "MoveStream": lambda by, _: {"stream": a_stream(by), "cluster_node": a_machine(by), "reason": by.reason()},
    "PinStream": lambda by, _: {"stream": a_stream(by), "cluster_node": a_machine(by), "reason": by.reason()},
    "DrainNode": lambda by, _: {"cluster_node": a_machine(by), "off": by.chance(2), "reason": by.reason()},
    # What the engine and the gateway send
    "ArchiveFixture": lambda by, _: {"fixture": by.game()},
    "ChangePassword": lambda by, h: {**of_credential(by, h), "password_hash": by.one(HASHES)},
    "CloseFixture": lambda by, _: {"fixture": by.game()},
    "ConfirmSession": of_credential,
    "DoSlice": lambda by, h: {"job": by.one([*by.stage(h).state.jobs.by_number, 3])},
    "ExpireSession": lambda by, h: {"session": by.session(h)},
    "ExpireTemporaryCredit": lambda by, _: {"player": by.one(list(by.book.state.tree.players) or ["P1"])},
    "FailSignIn": lambda by, h: {"user": by.user(h), "failures": by.between(1, 9)},
    "FoundHouse": lambda by, _: {"owner": by.known(["platform"])},
    "KeepSession": lambda by, h: {"session": by.session(h)},
    "LookAtWindows": lambda by, _: {"fixture": by.game()},
    "NoteHealth": lambda by, _: {
        "measure": by.one(("commit", "answer", "delivery", "loop")),
        "slow": by.chance(2),
        "value_ms": by.between(1, 900),
        "most_ms": 50,
    },
    "NoteSilence": lambda by, _: {"feed": by.user(True)},
    "NoteToldNodes": told,
    "PutAside": aside,
    "SignIn": signs_in,
    "SignOut": lambda by, h: {"session": by.session(h), "cause": by.one(("signed_out", "wrong_password"))},
    "StartBook": lambda by, _: {"owner": "owner", "house_seq": by.between(0, 9)},
}
"""What makes the fields of each command that is declared. TakeResult is made by what the house causes."""
