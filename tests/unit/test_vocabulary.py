"""Vocabulary: every command is decided, every event evolves, and each says who may send or see it."""

import pkgutil
from importlib import import_module
from typing import Any

import pytest
from tests.doubles.golden import stored

import runline.domain
from runline.domain.messages import COMMANDS, DECIDERS, EVENTS, EVOLVERS, GROUNDS, TIMERS, WANTED
from runline.domain.permissions import EVERYTHING, FEED_MAY, PLAYER_MAY, VIEW_ONLY, Permission
from runline.domain.rows import columns
from runline.domain.state import ROWS

for module in pkgutil.iter_modules(runline.domain.__path__, "runline.domain."):
    import_module(module.name)

ENGINES = {
    "ArchiveFixture",
    "NoteSilence",
    "FoundHouse",
    "StartBook",
    "ExpireTemporaryCredit",
    "ExpireSession",
    "CloseFixture",
    "TakeResult",
    "DoSlice",
    "PutAside",
}
GATEWAYS = {"ChangePassword", "ConfirmSession", "FailSignIn", "KeepSession", "NoteHealth", "SignIn", "SignOut"}


def names(kinds):
    return {kind.__name__ for kind in kinds}


def test_every_command_has_a_decider():
    assert names(DECIDERS) == set(COMMANDS)


def test_every_event_has_an_evolver():
    assert names(EVOLVERS) == set(EVENTS)


def test_every_public_command_names_a_permission_and_only_runlines_own_name_none():
    assert {name for name, command in COMMANDS.items() if command.needs is None} == ENGINES | GATEWAYS
    assert {name for name, command in COMMANDS.items() if command.sender == "gateway"} == GATEWAYS


def test_whatever_holds_a_digest_of_a_password_has_no_door_and_shows_it_to_nobody():
    kinds: list[Any] = [*COMMANDS.values(), *EVENTS.values()]
    for kind in kinds:
        assert bool(kind.secret) == ("password_hash" in kind.__struct_fields__), kind.__name__


def test_every_permission_to_change_something_is_needed_by_a_command():
    views = {permission for permission in Permission if permission.value.endswith("_view")}
    assert {command.needs for command in COMMANDS.values()} - {None} == set(Permission) - views


def test_only_closing_betting_is_so_urgent_that_it_needs_no_password():
    assert {name for name, command in COMMANDS.items() if command.urgent} == {"Suspend"}


def test_control_goes_first_and_only_wagers_and_long_work_wait():
    waiting = {name: command.lane for name, command in COMMANDS.items() if command.lane != "control"}
    assert waiting == {"PlaceWager": "wagers", "DoSlice": "bulk"}


def test_what_becomes_of_a_timer_only_the_engine_may_send():
    assert {type(make("subject")).__name__ for make in TIMERS.values()} <= ENGINES


def test_grounds_and_needs_are_of_messages_that_there_are():
    assert names(GROUNDS) <= set(COMMANDS) - ENGINES - GATEWAYS
    assert names(WANTED) <= {*COMMANDS, *EVENTS}


def test_every_event_has_a_line_in_the_golden_log():
    assert {(entry.type, entry.version) for entry in stored()} >= {
        (name, event.version) for name, event in EVENTS.items()
    }


def test_the_shipped_roles_hold_permissions_that_there_are():
    for role in (EVERYTHING, VIEW_ONLY, PLAYER_MAY, FEED_MAY):
        assert list(role) == [permission.value for permission in Permission if permission.value in role]


@pytest.mark.parametrize("kind", [*COMMANDS.values(), *EVENTS.values(), *ROWS.values()], ids=lambda kind: kind.__name__)
def test_every_message_and_row_is_documented(kind):
    assert kind.__doc__
    assert not kind.__doc__.startswith(f"{kind.__name__}(")


@pytest.mark.parametrize("table", sorted(ROWS))
def test_every_row_ends_with_the_position_of_its_last_change(table):
    *_, last = columns(ROWS[table])
    assert (last.name, last.kind, last.nullable) == ("changed_seq", "integer", False)


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.__name__)
def test_no_event_has_a_field_that_could_hold_a_person(event):
    assert not {"name", "email", "phone", "address", "ip"} & set(event.__struct_fields__)
