"""Declared otherwise: for a test, something handles a message that is not what the domain declares for it."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from tests.doubles.plain import VOCABULARY

from runline.domain.messages import Event
from runline.domain.vocabulary import Vocabulary


def declare_otherwise(vocabulary: Vocabulary, what: str, about: Any, handler: Any) -> Callable[[], None]:
    """From now on `handler` is what a vocabulary (an engine's, or one that was made for the test) has for a message: one of its
    `deciders`, `evolvers`, `timers`, …. An event's is its only one. Returns what makes it as it was."""
    before = getattr(vocabulary, what)
    setattr(vocabulary, what, MappingProxyType({**before, about: (handler,) if what == "evolvers" else handler}))
    return lambda: setattr(vocabulary, what, before)


def evolving(kind: type[Event]) -> Callable[[Any, Event], None]:
    """What evolves a state by such an event, all nouns together, as the domain declares it."""
    evolvers = VOCABULARY.evolvers[kind]

    def evolve(state: Any, event: Event) -> None:
        for one in evolvers:
            one(state, event)

    return evolve
