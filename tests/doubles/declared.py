"""Declared otherwise: for a test, something handles a message that is not what the domain declares for it."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest

from runline.domain.messages import Event
from runline.domain.vocabulary import VOCABULARY


def declare_otherwise(monkeypatch: pytest.MonkeyPatch, what: str, about: Any, handler: Any) -> None:
    """Until the test is over, `handler` is what the vocabulary has for a message: one of its `deciders`, `evolvers`, `timers`, ….
    An event's is its only one."""
    declared = {**getattr(VOCABULARY, what), about: (handler,) if what == "evolvers" else handler}
    monkeypatch.setattr(VOCABULARY, what, MappingProxyType(declared))


def evolving(kind: type[Event]) -> Callable[[Any, Event], None]:
    """What evolves a state by such an event, all nouns together, as the domain declares it."""
    evolvers = VOCABULARY.evolvers[kind]

    def evolve(state: Any, event: Event) -> None:
        for one in evolvers:
            one(state, event)

    return evolve
