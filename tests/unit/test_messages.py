"""Messages: what commands and events declare, and an event as JSON."""

from typing import Any

import msgspec
import pytest

from runline.domain.messages import (
    DECLARATIONS,
    SENTENCE_LENGTH_MAX,
    Command,
    Event,
    Rejected,
    bare,
    causes,
    decides,
    event_body,
    event_json,
    evolves,
    fires,
    grounds,
    heeds,
    kind_of,
    lacking,
    makes_up,
    misses,
    pays,
    slice_wants,
    slices,
    told_json,
    upcasts,
    wants,
)
from runline.domain.passwords import PasswordSet
from runline.domain.permissions import Permission

NOON_NS = 1_467_374_400 * 10**9


class Ring(Command):
    """Ring the bell."""

    loud: bool = False


class Rang(Event):
    """The bell has rung."""

    bell: str
    loud: bool


class Silent(Event):
    """Nothing was heard."""


class Struck(Event):
    """The clock has struck."""

    struck_ns: int


def test_a_command_declares_nothing_unless_it_says_so():
    said = (Ring.needs, Ring.lane, Ring.streams, Ring.sender, Ring.secret, Ring.urgent)
    assert said == (None, "control", ("book",), "engine", False, False)

    class Toll(
        Command,
        needs=Permission.SUSPEND,
        lane="bulk",
        streams=("house",),
        sender="gateway",
        secret=True,
        urgent=True,
    ):
        """Toll."""

    said = (Toll.needs, Toll.lane, Toll.streams, Toll.sender, Toll.secret, Toll.urgent)
    assert said == (Permission.SUSPEND, "bulk", ("house",), "gateway", True, True)


def test_an_event_declares_that_it_stands_in_the_log_unless_it_says_more():
    said = (Rang.shown_to, Rang.version, Rang.secret, Rang.changes_sight, Rang.topic, Rang.notice, Rang.told_to_books)
    assert said == (Permission.LOG_VIEW, 1, (), False, "", "", False)
    assert Rang("south", True).is_notable(None) is True
    assert Rang("south", True).is_notable_at(None, "A1") is True

    class Tolled(
        Event,
        shown_to=Permission.BOARD_VIEW,
        version=2,
        secret=("why",),
        changes_sight=True,
        topic="lines",
        notice="toll",
        told_to_books=True,
    ):
        """It tolled."""

        why: str = ""

    said = (
        Tolled.shown_to,
        Tolled.version,
        Tolled.secret,
        Tolled.changes_sight,
        Tolled.topic,
        Tolled.notice,
        Tolled.told_to_books,
    )
    assert said == (Permission.BOARD_VIEW, 2, ("why",), True, "lines", "toll", True)


def test_a_stream_is_the_houses_or_a_books():
    assert [kind_of(stream) for stream in ("house", "main", "House", "")] == ["house", "book", "book", "book"]


def test_an_event_is_shown_with_its_type_first():
    assert event_json(Rang("south", True)) == event_body(Rang("south", True))
    assert event_json(Rang("south", True)) == b'{"type":"Rang","bell":"south","loud":true}'
    assert event_json(Silent()) == event_body(Silent()) == told_json(Silent, b"{}") == b'{"type":"Silent"}'
    assert told_json(Rang, b'{"bell":"north"}') == b'{"type":"Rang","bell":"north"}'


def test_a_time_is_shown_with_its_text_unless_a_page_gets_the_texts_as_a_whole():
    shown = msgspec.json.decode(event_json(Struck(NOON_NS)))
    assert {key: value for key, value in shown.items() if key in ("type", "struck_ns")} == {
        "type": "Struck",
        "struck_ns": NOON_NS,
    }
    assert [value for key, value in shown.items() if key not in ("type", "struck_ns")] == [
        "2016-07-01T12:00:00.000000000Z"
    ]
    assert event_body(Struck(NOON_NS)) == b'{"type":"Struck","struck_ns":%d}' % NOON_NS
    assert told_json(Struck, b'{"struck_ns":%d}' % NOON_NS) == event_json(Struck(NOON_NS))


def test_nobody_is_shown_what_is_secret():
    event = PasswordSet("ann", "digest", "", "$argon2id$secret")
    assert bare(event) == PasswordSet("ann", "digest", "")
    for shown in (event_json(event), event_body(event)):
        assert msgspec.json.decode(shown) == {"type": "PasswordSet", "user": "ann", "digest": "digest", "session": ""}
    assert bare(Rang("south", False)) == Rang("south", False)


def test_a_refusal_has_its_code_its_details_and_a_sentence_of_a_bounded_length():
    refused = Rejected("rung_already", "x" * (SENTENCE_LENGTH_MAX + 1), bell="south")
    assert (refused.code, refused.details) == ("rung_already", {"bell": "south"})
    assert refused.message == "x" * SENTENCE_LENGTH_MAX
    assert str(refused) == "x" * (SENTENCE_LENGTH_MAX + 1)
    assert Rejected("a", "b").details == {}


def test_who_lacks_a_permission_is_told_which():
    refused = lacking(Permission.SUSPEND)
    assert (refused.code, refused.details) == ("not_permitted", {"permission": "suspend"})


DECLARING: list[tuple[Any, Any, tuple[str, Any]]] = [
    (decides, (Ring,), ("decides", Ring)),
    (evolves, (Rang,), ("evolves", Rang)),
    (grounds, (Ring,), ("grounds", Ring)),
    (heeds, (Ring,), ("heeds", Ring)),
    (wants, (Rang,), ("wants", Rang)),
    (fires, ("toll",), ("fires", "toll")),
    (slices, ("toll",), ("slices", "toll")),
    (slice_wants, ("toll",), ("slice_wants", "toll")),
    (causes, (Rang, Ring), ("causes", (Rang, Ring))),
    (misses, (Ring,), ("misses", Ring)),
    (makes_up, (Ring,), ("makes_up", Ring)),
    (pays, ("pair",), ("pays", "pair")),
    (upcasts, ("Rang", 1), ("upcasts", ("Rang", 1))),
]


@pytest.mark.parametrize(("declares", "about", "noted"), DECLARING, ids=lambda value: getattr(value, "__name__", ""))
def test_what_a_function_is_for_is_noted_at_it_and_it_stays_itself(declares, about, noted):
    def function():
        pass

    assert declares(*about)(function) is function
    assert getattr(function, DECLARATIONS) == [noted]
    evolves(Silent)(function)
    assert getattr(function, DECLARATIONS) == [noted, ("evolves", Silent)]
