"""Lives: what has happened to a ticket, and why."""

import msgspec

from runline.domain.queries.declared import Asked


class LifeRow(msgspec.Struct):
    """Something that has happened to a ticket.

    actor: who did it, "" for who may not see the log (and is another). event: what happened: its `type`, and the fields of that
    type.
    explain: why, in sentences: the rule, the numbers, the arithmetic.
    """

    seq: int
    at_ns: int
    actor: str
    event: msgspec.Raw
    explain: list[str]


class WagerLifeAsked(Asked[LifeRow], frozen=True, kw_only=True):
    """What has happened to a ticket, the last first. Nothing where there is no such ticket that the asker may see.

    The log is looked through from the ticket's last change to its placing, 100,000 entries for a page: it may be short, even
    empty, and have a `next`.

    number: the ticket's.
    """

    number: int = 0
