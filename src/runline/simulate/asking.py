"""Asking: what people want to see: anything that is declared, page after page."""

from typing import Any
from urllib.parse import quote

import msgspec

from runline.domain.permissions import Permission
from runline.domain.queries.history import OBJECTS
from runline.domain.times import time_text
from runline.simulate.knowing import NAMED, SECOND_NS, Fields, Known
from runline.simulate.making import made
from runline.simulate.network import Answer
from runline.simulate.people import Errand, Person

PLAIN = ("player", "agent", "node", "fixture", "league")
"""What most people ask for, if anything."""

LIMITS = (10, 1, 2, 3, 100, 1_000, 0, 100_000)
NONSENSE = ("x", "0", "-1", "900:G1", "root/", "A1/P1", "/", ":", "scope:/3", "9" * 30)
BACK_S = (60, 1, 600, 0, -60, 86_400)
CODES = ("not_permitted", "malformed_command", "market_closed", "past_cutoff")
FILTERS = ("type", "actor", "role", "permission", "player", "agent", "object")
"""By what the log is asked."""

OFTEN = (
    "WagerPlaced",
    "CreditAdjusted",
    "TransactionEntered",
    "AgentMoved",
    "PlayerMoved",
    "Suspended",
    "SignedIn",
    "LinePosted",
)
"""What most logs have."""

GOING_ON_MAX = 8


class Asking:
    """Who asks what, in a world. acts: by whom it is sent and heard. going_on: pages behind which there is another."""

    def __init__(self, acts: Any) -> None:
        self.acts = acts
        self.world = acts.world
        self.decisions = acts.decisions
        self.vocabulary = acts.vocabulary
        self.going_on: list[tuple[Person, str, Fields]] = []

    def happen(self) -> None:
        """Anybody asks anything that is declared, or goes on where a page has ended."""
        if self.going_on and self.decisions.draw(2):
            self.asks(*self.going_on.pop(self.decisions.draw(len(self.going_on))))
            return
        person = self.acts.somebody()
        known = self.world.known(person.stream) if person else None
        if person is None or known is None:
            return
        queries = self.acts.queries["book" if known.book or self.decisions.rarely(20) else "house"]
        name = self.decisions.one(queries)
        query = self.vocabulary.queries[name]
        if not query.players:
            person = self.acts.who_may(person, query.needs)
        fields = self.fields(known, person, name)
        self.asks(person, name, fields)

    def fields(self, known: Known, person: Person, name: str) -> Fields:
        """What somebody asks for."""
        decisions, kind = self.decisions, self.vocabulary.queries[name].asked
        fields = made(known, kind)
        # Without its market a line has no history.
        if decisions.draw(3) and name != "line_history":
            fields = {key: value for key, value in fields.items() if key in PLAIN}
        names = {field.name for field in msgspec.structs.fields(kind)}
        fields.pop("after", None)
        if decisions.draw(2):
            fields["limit"] = decisions.one(LIMITS)
        if decisions.rarely(12):
            fields["after"] = decisions.one(NONSENSE)
        for window in ("since", "until"):
            fields.pop(window, None)
            if window in names and decisions.rarely(4):
                at_ns = max(known.now_ns - decisions.one(BACK_S) * SECOND_NS, 0)
                fields[window] = time_text(at_ns) if decisions.draw(2) else str(at_ns)
        if name == "trace":
            fields["command"] = self.an_id(person) or "x"
        if name == "log":
            fields["type"] = decisions.one((*OFTEN, *self.vocabulary.events) if decisions.draw(2) else OFTEN)
            kind = decisions.one(tuple(OBJECTS))
            fields["object"] = f"{kind}:{NAMED[kind](known, name)}"
            fields["permission"] = decisions.one(tuple(Permission))
        if name == "what_if":
            fields |= {"away": decisions.draw(12), "home": decisions.draw(12)}
        if name == "find":
            fields["text"] = self.typed(known)
        if name == "refusals":
            fields["command"] = decisions.one(("", "", "PlaceWager", "Suspend"))
            fields["code"] = decisions.one(("", "", *CODES))
        if "actor" in names:
            fields["actor"] = decisions.one(("", "", "engine", known.key(known.state.access.users)))
        if name == "log":
            # By all of them at once there is never an entry.
            kept = {decisions.one(FILTERS) for _ in range(decisions.draw(3))}
            fields = {field: value for field, value in fields.items() if field not in FILTERS or field in kept}
        return fields

    def typed(self, known: Known) -> str:
        """What somebody types to find something."""
        named = [NAMED[what](known, "find") for what in ("player", "agent", "user", "fixture", "wager")]
        text = str(self.decisions.one((*named, "9", "a", "A", "home", "root")))
        return text[: self.decisions.one((1, 2, 64))]

    def an_id(self, person: Person) -> str:
        """The id of a command that somebody on the same stream has sent."""
        sent = [one.last for one in self.world.people if one.last is not None and one.stream == person.stream]
        ids = [errand.id for errand in sent if errand.id]
        return self.decisions.one(ids) if ids else ""

    def asks(self, person: Person, name: str, fields: Fields) -> None:
        """Somebody asks."""
        params = "&".join(
            f"{key}={quote(str(value).lower() if isinstance(value, bool) else str(value))}"
            for key, value in fields.items()
            if isinstance(value, str | int) and value != ""
        )
        self.world.step("request")
        person.query(
            name,
            f"?{params}" if params else "",
            lambda errand, answer: self.hears(errand, answer, fields),
        )

    def hears(self, errand: Errand, answer: Answer | None, fields: Fields) -> None:
        """Somebody has a page, and may want the next one."""
        if answer is not None and answer.status == 200:
            self.world.held(self.world.pages.was_told, answer.body)
            following = msgspec.json.decode(answer.body).get("next")
            if following and len(self.going_on) < GOING_ON_MAX:
                self.going_on.append((errand.person, errand.what, {**fields, "after": following}))
        self.acts.hears(errand, answer)
