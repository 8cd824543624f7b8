"""Process: what is asked of the process that owns a stream, and not of the stream."""

import msgspec

from runline.domain.permissions import Permission
from runline.domain.queries.declared import Asked, Query


class ConditionRow(msgspec.Struct):
    """A fault that stands now.

    part: what is not well; subject: which stream, or which part of the part, "" for all of it. level: `degraded` (it goes on,
    but somebody should look) or `failing` (commands are refused). reason: what went wrong. since_ns: the host's time.
    """

    part: str
    subject: str
    level: str
    reason: str
    since_ns: int


class ConditionsAsked(Asked[ConditionRow], frozen=True, kw_only=True):
    """Nothing else."""


DECLARED = (
    Query(
        "conditions",
        "What is not well now: which part, why and since when.",
        Permission.FIGURES_VIEW,
        False,
        ("house", "book"),
        ConditionsAsked,
        ConditionRow,
        False,
        None,
        of_process=True,
    ),
)
