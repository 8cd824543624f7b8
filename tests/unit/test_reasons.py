"""Reasons: nobody moves money or authority without saying why."""

from typing import Any

import msgspec
import pytest
from tests.doubles.pieces import example
from tests.doubles.plain import VOCABULARY

from runline.domain import tickets
from runline.domain.bounds import REASON_LENGTH_MAX
from runline.domain.identifiers import Reason, Remark, reasons_given
from runline.domain.messages import Command, Rejected
from runline.domain.permissions import Permission
from runline.domain.vocabulary import NOUNS, Vocabulary, VocabularyError

MOVES_MONEY_OR_AUTHORITY = {
    Permission.AGENT_MOVE,
    Permission.CREDIT_CHANGE,
    Permission.LIMITS_CHANGE,
    Permission.ROLES_MANAGE,
    Permission.SETTINGS_CHANGE,
    Permission.SUSPEND,
    Permission.TRANSACTION_ENTER,
    Permission.WAGER_VOID,
}

GO_WITHOUT_SAYING = {"CreateUser", "SetPassword", "Reopen"}
"""A new user, whose role says why they are there; a password; the end of a suspension, whose reason is known."""

SAID = [
    (name, field.name, field.type)
    for name, kind in VOCABULARY.commands.items()
    for field in msgspec.structs.fields(kind)
    if field.type in (Reason, Remark)
]
each = pytest.mark.parametrize(("name", "field", "kind"), SAID, ids=[f"{name}.{field}" for name, field, _ in SAID])


def refusal_of(name: str, **fields: Any) -> str:
    """The code by which a command is refused, whatever the state: "" if it depends on that."""
    kind = VOCABULARY.commands[name]
    command = msgspec.convert({**example(msgspec.inspect.type_info(kind)), **fields}, kind)
    try:
        VOCABULARY.deciders[kind](None, command, None)  # type: ignore[arg-type]
    except Rejected as rejected:
        return rejected.code
    except AttributeError:
        return ""  # it has looked at the state, which is none
    return ""


@each
@pytest.mark.parametrize("said", ["", " ", "\u00a0 "])
def test_a_blank_reason_is_none(name, field, kind, said):
    # A space without a break is no printable line.
    blank = "reason_invalid" if kind == Reason or said.strip(" ") else ""
    assert refusal_of(name, **{field: said}) == blank


@each
@pytest.mark.parametrize("said", ["x" * (REASON_LENGTH_MAX + 1), "two\nlines", "a\tb"])
def test_what_is_said_is_one_printable_line(name, field, kind, said):
    assert refusal_of(name, **{field: said}) == "reason_invalid"


@each
def test_with_a_reason_the_state_decides(name, field, kind):
    assert refusal_of(name, **{field: "as agreed"}) != "reason_invalid"


@pytest.mark.parametrize("name", sorted(VOCABULARY.commands))
def test_what_moves_money_or_authority_says_why(name):
    if VOCABULARY.commands[name].needs in MOVES_MONEY_OR_AUTHORITY:
        assert ((name, "reason", Reason) in SAID or (name, "description", Reason) in SAID) != (
            name in GO_WITHOUT_SAYING
        )


def test_a_command_whose_reason_nobody_would_look_at_is_none(monkeypatch):
    class Forgive(Command, needs=Permission.CREDIT_CHANGE):
        """Forgive a debt."""

        player: str
        reason: str

    Forgive.__module__ = tickets.__name__
    monkeypatch.setattr(tickets, "Forgive", Forgive, raising=False)

    def forgive(state: Any, command: Any, context: Any) -> tuple[()]:
        return ()

    forgive.__module__ = tickets.__name__
    forgive.__dict__["declarations"] = [("decides", Forgive), ("grounds", Forgive)]
    monkeypatch.setattr(tickets, "forgive", forgive, raising=False)
    with pytest.raises(VocabularyError, match="What Forgive says for a reason"):
        Vocabulary(*NOUNS)


def test_what_gives_no_reasons_is_decided_as_it_is():
    decide = VOCABULARY.deciders[VOCABULARY.commands["PlaceWager"]]
    assert reasons_given(VOCABULARY.commands["PlaceWager"], decide) is decide
