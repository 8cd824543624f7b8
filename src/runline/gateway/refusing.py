"""Refusing: with which codes a command may be refused, as its own code says.

Rule: a refusal is `Rejected("its_code", …)`, wherever it is raised; so the codes of a command are those in what decides it, and
in whatever that calls by name within the domain. It is told for the document only; a code too many is no fault.
"""

import dis
import inspect
import re
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from types import CodeType, FunctionType

from runline.domain.identifiers import reasons_given
from runline.domain.messages import Command, Rejected
from runline.domain.queries.declared import Query
from runline.domain.vocabulary import Vocabulary

ANY_ANSWER = ("malformed_request", "busy", "unavailable", "internal_error")
"""Codes that any answer may have."""

SIGNED = ("not_signed_in", "signed_out", "not_permitted", "wrong_stream", "cross_site")
"""Those of whatever is asked by somebody who is signed in."""

WITH_BODY = ("malformed_command", "content_type", "too_large", "too_long", "too_many", "body_timeout")
"""Those of whatever has a body."""

SENT = (
    "password_needed",
    "command_id_invalid",
    "command_reused",
    "stale_command",
    "command_ahead",
    "position_moved",
    "position_unknown",
)
"""Those of any command."""

ASKED = ("position_unknown",)
"""Those of any query: `at_least` may be out of reach."""

OF_HISTORY = ("unreadable", "unknown_agent", "too_many", "command_id_invalid")
"""Those of one or another query of history: they are answered by whoever owns the stream (`reads/`)."""


@cache
def functions() -> dict[str, list[CodeType]]:
    """The functions of the domain, and what its classes can do, by name."""
    found: dict[str, list[CodeType]] = {}
    for name, module in sorted(sys.modules.items()):
        if name.startswith("runline.domain."):
            for one in vars(module).values():
                inside = vars(one).values() if isinstance(one, type) and one.__module__ == name else (one,)
                for function in inside:
                    if isinstance(function, FunctionType) and function.__module__ == name:
                        found.setdefault(function.__name__, []).append(function.__code__)
            for label, rules in vars(module).items():
                if isinstance(rules, tuple):
                    codes = [rule.__code__ for rule in rules if isinstance(rule, FunctionType)]
                    found.setdefault(label, []).extend(codes)
    return found


@cache
def raised(code: CodeType) -> tuple[str, ...]:
    """The codes of the refusals that a function itself makes, and those that it says it raises."""
    about = code.co_consts[0] if code.co_consts and isinstance(code.co_consts[0], str) else ""
    _, _, said = about.partition("Raises Rejected")
    found = re.findall(r"`([a-z_]+)`", said)
    # To read a function's steps takes longer than all else here, and most of them refuse nothing.
    if Rejected.__name__ in code.co_names:
        for step, after in pairwise(dis.get_instructions(code)):
            if step.argval == Rejected.__name__ and step.opname == "LOAD_GLOBAL" and after.opname == "LOAD_CONST":
                found.append(after.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found += raised(constant)
    return tuple(found)


def called(code: CodeType) -> Iterator[str]:
    """The names that a function uses."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from called(constant)


def refusals_of(vocabulary: Vocabulary, command: type[Command]) -> tuple[str, ...]:
    """The codes with which deciding a command may refuse it, what it says of its reasons included."""
    decide = vocabulary.deciders[command]
    inner = inspect.unwrap(decide)
    reasons = refusals_in(reasons_given.__code__) if inner is not decide else ()
    return tuple(sorted({*refusals_in(inner.__code__), *reasons}))


def refusals_to(query: Query) -> tuple[str, ...]:
    """The codes with which a query may be refused, besides those of any."""
    if query.history:
        return (*ASKED, *OF_HISTORY)
    return (*ASKED, *(refusals_in(query.show.__code__) if isinstance(query.show, FunctionType) else ()))


@cache
def refusals_in(code: CodeType) -> tuple[str, ...]:
    """The codes of the refusals in a function, and in what it calls."""
    waiting, seen, found = [code], set[CodeType](), dict[str, None]()
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            found.update(dict.fromkeys(raised(one)))
            waiting += [function for name in called(one) for function in functions().get(name, ())]
    return tuple(sorted(found))
