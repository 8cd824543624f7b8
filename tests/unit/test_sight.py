"""Sight: whatever ends a session or takes something from what somebody sees says so in its declaration.

Everyone is signed in, all the time; then everything that can happen happens, event by event.
"""

import pytest
from tests.doubles.deeds import season
from tests.doubles.golden import one_of_each
from tests.doubles.plain import VOCABULARY

from runline.domain.book import Book
from runline.domain.execution import fold
from runline.domain.passwords import PasswordSet
from runline.domain.sessions import Session, SessionEnded

FAR_NS = 2**62
TWO = ("-one", "-two")


def sign_everyone_in(state):
    """Each user who may act has two sessions."""
    for user in state.access.users.values():
        for end in TWO if user.active else ():
            name = user.name + end
            if name not in state.sessions.by_name:
                state.sessions.by_name[name] = Session(name, user.name, "screen", 0, 1, 1, FAR_NS, FAR_NS)
                state.sessions.note(state.sessions.by_name[name])


def sights(state):
    """What each session may see: (permissions, the nodes of its subtree)."""
    nodes = list(state.tree.agents) if isinstance(state, Book) else ["root"]
    found = {}
    for session in state.sessions.by_name.values():
        user = state.access.users[session.user]
        within = {node for node in nodes if state.tree.below(user.node, node)}
        found[session.name] = (state.access.held_by(user), within) if user.active else (frozenset(), set())
    return found


def narrows(before, after):
    """Whether any session of before sees less."""
    return any(
        name not in after or not (seen[0] <= after[name][0] and seen[1] <= after[name][1])
        for name, seen in before.items()
    )


def ending_sessions(event):
    """An event about sessions as it is, and about the sessions of everyone here."""
    if isinstance(event, SessionEnded):
        return [SessionEnded(event.user + TWO[0], event.user, event.cause, event.reason)]
    if isinstance(event, PasswordSet):
        return [event, PasswordSet(event.user, event.digest, event.user + TWO[1])]
    return [event]


def stages():
    return [*one_of_each(), *(season(seed, 300) for seed in range(14))]


@pytest.fixture(scope="module")
def narrowing():
    """The types of event by which somebody saw less, and all types that happened."""
    found, happened = set(), set()
    for stage in stages():
        state = stage.state.vocabulary.state_of(stage.state.stream)
        for seq, at_ns, _, logged in stage.log:
            for event in ending_sessions(logged):
                sign_everyone_in(state)
                before = sights(state)
                fold(state, event, seq, at_ns)
                happened.add(type(event).__name__)
                if narrows(before, sights(state)):
                    found.add(type(event).__name__)
    return found, happened


def test_every_type_of_event_has_happened(narrowing):
    assert narrowing[1] >= set(VOCABULARY.events)


def test_whatever_narrows_anybodys_sight_is_declared_so(narrowing):
    assert narrowing[0] <= {name for name, event in VOCABULARY.events.items() if event.changes_sight}


def test_nothing_is_declared_so_without_need(narrowing):
    # Restoring widens only; whoever was revoked has no screen that could go on, but one may be about to be let in.
    assert {name for name, event in VOCABULARY.events.items() if event.changes_sight} - narrowing[0] <= {"UserRestored"}
