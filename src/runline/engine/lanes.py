"""Lanes: requests waiting for one stream. Control goes first, then wagers, then bulk; what is not permitted goes last.

Rule: each lane is bounded, and in it what waits of each user and of each branch of the tree: a branch may have twice as many
places as it leaves free, and a user of it as many as their branch may still have, so that whoever has none finds one. In the
control lane turns go round the branches and their users, so that nobody waits for all that another has sent; some of its places
are for staff of the whole book only.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import Literal

from runline.domain.access import User
from runline.domain.messages import ENGINE, Lane
from runline.domain.state import State
from runline.engine.limits import (
    ACTOR_WAITING_MAX,
    CONTROL_KEPT,
    CONTROL_TURN,
    CONTROL_TURN_NS,
    LANE_COUNTED_FROM,
    LANE_DEPTH_MAX,
)
from runline.engine.requests import Request, Submission

Rank = Lane | Literal["last"]
"""A lane, or last: what its sender may not do. It is judged like everything else, but nobody else waits for it."""

RANKS: tuple[Rank, ...] = ("control", "wagers", "bulk", "last")


def lane_of(request: Request) -> Lane:
    """Where a permitted request belongs."""
    return "bulk" if request.bulk else request.command.lane


def is_permitted(state: State, request: Request) -> bool:
    """Whether the sender holds what the command needs, as far as is known before it is judged.

    (A stream without users has not begun: the commands that make its first ones are on their way.)
    """
    return may_send(state, request, state.access.users.get(request.actor))


def may_send(state: State, request: Request, user: User | None) -> bool:
    """As `is_permitted` says, where the sender is looked up already."""
    needs = request.command.needs
    if needs is None:
        return request.actor == request.command.sender
    return (user.active and needs in state.access.allowed[user.role]) if user is not None else not state.access.users


def left_of(held: int, free: int) -> int:
    """How many places a branch that holds so many may still have, when so many are free. (With twice as many as it leaves free,
    one user of an empty lane may have as many as one call holds.)"""
    return 2 * free - held


class Waiting(ABC):
    """What waits in a lane. branches: how many wait, by the branch in which their senders stood as they came (those who
    stand at the root count in none)."""

    __slots__ = ("branches",)

    def __init__(self) -> None:
        self.branches: dict[str, int] = {}

    @abstractmethod
    def admit(self, submission: Submission, depth: int, most: int) -> bool:
        """Add a submission, at its end, if one more of its sender's may wait. Returns whether it may. depth: places of the
        lane. most: of one user."""

    @abstractmethod
    def put(self, submission: Submission) -> None:
        """Add a submission, at its end, whether or not there is room."""

    @abstractmethod
    def put_first(self, submission: Submission) -> None:
        """Put a submission back that waited for its rows: next of its sender's."""

    @abstractmethod
    def take(self) -> Submission:
        """The submission whose turn it is."""

    @abstractmethod
    def empty(self) -> list[Submission]:
        """Take everything out."""

    @abstractmethod
    def __len__(self) -> int:
        """How many wait."""

    def count(self, branch: str, sign: Literal[1, -1]) -> None:
        """Count (1) or stop counting (-1) what waits of a branch."""
        left = self.branches.get(branch, 0) + sign
        if left:
            self.branches[branch] = left
        else:
            del self.branches[branch]


class InOrder(Waiting):
    """First come, first served.

    senders: how many wait, by who sent them. It and `parts` are counted only from when so many wait that somebody could have more
    than they may, until nothing waits: what goes straight through pays nothing for it.

    (Of two bettors the one who came first has the line. Turns would cost each wager up to half a microsecond, and there is little
    to gain: what one user may have waiting is decided within some 20 ms.)
    """

    __slots__ = ("counted", "senders", "submissions")

    def __init__(self) -> None:
        super().__init__()
        self.submissions: deque[Submission] = deque()
        self.senders: dict[str, int] = {}
        self.counted = False

    def admit(self, submission: Submission, depth: int, most: int) -> bool:
        submissions = self.submissions
        waiting = len(submissions)
        if self.counted:
            return self.admit_counted(submission, depth - waiting, most)
        if waiting < LANE_COUNTED_FROM and waiting < most and 2 * waiting < depth:
            # Were all that wait one user's, or one branch's, there would be room still.
            submissions.append(submission)
            return True
        self.counted = True
        for one in submissions:
            self.count_in(one)
        return self.admit_counted(submission, depth - waiting, most)

    def admit_counted(self, submission: Submission, free: int, most: int) -> bool:
        branch = submission.branch
        own = self.senders.get(submission.request.actor, 0)
        if free <= 0 or own >= most or (branch and own >= left_of(self.branches.get(branch, 0), free)):
            return False
        self.put(submission)
        return True

    def put(self, submission: Submission) -> None:
        self.submissions.append(submission)
        if self.counted:
            self.count_in(submission)

    def put_first(self, submission: Submission) -> None:
        self.submissions.appendleft(submission)
        if self.counted:
            self.count_in(submission)

    def take(self) -> Submission:
        submission = self.submissions.popleft()
        if self.counted:
            self.count_out(submission)
        return submission

    def count_in(self, submission: Submission) -> None:
        """Count one more."""
        actor = submission.request.actor
        self.senders[actor] = self.senders.get(actor, 0) + 1
        if submission.branch:
            self.count(submission.branch, 1)

    def count_out(self, submission: Submission) -> None:
        """Count one less; nothing any more, if it was the last one."""
        actor = submission.request.actor
        left = self.senders[actor] - 1
        if left:
            self.senders[actor] = left
        else:
            del self.senders[actor]
        if submission.branch:
            self.count(submission.branch, -1)
        self.counted = bool(self.submissions)

    def empty(self) -> list[Submission]:
        submissions = list(self.submissions)
        self.submissions.clear()
        self.senders.clear()
        self.branches.clear()
        self.counted = False
        return submissions

    def __iter__(self) -> Iterator[Submission]:
        return iter(self.submissions)

    def __len__(self) -> int:
        return len(self.submissions)


class InTurns(Waiting):
    """Turns go round the branches of the tree (the root is one of them), and in each round its users. A turn is CONTROL_TURN
    submissions of a user that take CONTROL_TURN_NS at most (the last one begins before). A round is as many turns as users wait
    at its beginning; unserved: how many are left of it.
    """

    __slots__ = ("left", "left_ns", "senders", "size", "unserved")

    def __init__(self) -> None:
        super().__init__()
        self.senders: dict[str, dict[str, deque[Submission]]] = {}
        """Who waits, by branch; the first one's first has the turn."""
        self.size = 0
        self.left = CONTROL_TURN
        self.left_ns = CONTROL_TURN_NS
        self.unserved = 0

    def begin_round(self) -> None:
        """Begin a round, unless one goes on."""
        if not self.unserved:
            self.unserved = sum(map(len, self.senders.values()))

    def admit(self, submission: Submission, depth: int, most: int) -> bool:
        branch = submission.branch
        own, free = len(self.senders.get(branch, {}).get(submission.request.actor, ())), depth - self.size
        if free <= 0 or own >= most or (branch and own >= left_of(self.branches.get(branch, 0), free)):
            return False
        self.put(submission)
        return True

    def queue_of(self, submission: Submission) -> deque[Submission]:
        self.size += 1
        if submission.branch:
            self.count(submission.branch, 1)
        return self.senders.setdefault(submission.branch, {}).setdefault(submission.request.actor, deque())

    def put(self, submission: Submission) -> None:
        self.queue_of(submission).append(submission)

    def put_first(self, submission: Submission) -> None:
        self.queue_of(submission).appendleft(submission)

    def take(self) -> Submission:
        branch, senders = next(iter(self.senders.items()))
        actor, submissions = next(iter(senders.items()))
        submission = submissions.popleft()
        self.size -= 1
        if branch:
            self.count(branch, -1)
        self.left -= 1
        if not submissions or not self.left:
            self.end_turn(branch, actor)
        return submission

    def took(self, took_ns: int) -> None:
        """Note how long the submission that was taken last has taken."""
        if self.left == CONTROL_TURN:
            # It was the last one of its turn.
            return
        self.left_ns -= took_ns
        if self.left_ns <= 0:
            branch, senders = next(iter(self.senders.items()))
            self.end_turn(branch, next(iter(senders)))

    def end_turn(self, branch: str, actor: str) -> None:
        """It is the next one's turn; whoever has more waits for another."""
        senders = self.senders.pop(branch)
        submissions = senders.pop(actor)
        if submissions:
            senders[actor] = submissions
        if senders:
            self.senders[branch] = senders
        self.left = CONTROL_TURN
        self.left_ns = CONTROL_TURN_NS
        self.unserved = max(self.unserved - 1, 0)

    def withdraw(self, what: str) -> None:
        """Take out what the engine has sent for duties of this kind. (Only the engine has duties; it stands in no branch.)"""
        senders = self.senders.get("", {})
        sent = senders.get(ENGINE)
        if sent is None:
            return
        left = deque(submission for submission in sent if submission.duty is None or submission.duty[0] != what)
        self.size -= len(sent) - len(left)
        senders[ENGINE] = left
        if not left:
            self.end_turn("", ENGINE)

    def empty(self) -> list[Submission]:
        submissions = list(self)
        self.senders.clear()
        self.branches.clear()
        self.size = self.unserved = 0
        self.left = CONTROL_TURN
        self.left_ns = CONTROL_TURN_NS
        return submissions

    def __iter__(self) -> Iterator[Submission]:
        return chain.from_iterable(submissions for senders in self.senders.values() for submissions in senders.values())

    def __len__(self) -> int:
        return self.size


class Lanes:
    """The lanes of a stream."""

    __slots__ = ("bulk", "control", "last", "ranks", "wagers")

    def __init__(self) -> None:
        self.control = InTurns()
        self.wagers = InOrder()
        self.bulk = InOrder()
        self.last = InOrder()
        self.ranks: dict[Rank, Waiting] = {
            "control": self.control,
            "wagers": self.wagers,
            "bulk": self.bulk,
            "last": self.last,
        }

    def admit(self, rank: Rank, submission: Submission) -> bool:
        """Let a submission wait in a lane, if there is room for it. Returns whether there is."""
        depth = LANE_DEPTH_MAX[rank]
        if submission.branch and rank == "control":
            depth -= CONTROL_KEPT
        return self.ranks[rank].admit(submission, depth, ACTOR_WAITING_MAX[rank])

    def empty(self) -> list[Submission]:
        """Take everything out, control first."""
        return [submission for rank in RANKS for submission in self.ranks[rank].empty()]

    def __len__(self) -> int:
        return sum(map(len, self.ranks.values()))
