"""Events: what happens, each as its type. (Written by `tools/client.py`.)"""

from runline.domain.accounts import (
    CreditAdjusted,
    PlayerLimits,
    PlayerLimitsSet,
    TemporaryCreditExpired,
    TemporaryCreditGranted,
    TransactionEntered,
)
from runline.domain.archive import FixtureArchived
from runline.domain.board import LinePosted, LineWithdrawn
from runline.domain.book import BookStarted
from runline.domain.fixtures import FixtureClosed, FixtureCreated, FixtureRescheduled, LeagueCreated
from runline.domain.grading import Score
from runline.domain.hierarchy import AgentCreated, AgentMoved, PlayerCreated
from runline.domain.house import BookOpened, HouseFounded, StreamStartAsked
from runline.domain.jobs import JobAdvanced, JobFinished
from runline.domain.lines import Departure, LineMoved
from runline.domain.money import Rounding
from runline.domain.passwords import PasswordSet, SignInFailed
from runline.domain.results import FixtureCancelled, ResultConfirmed, ResultEntered, ScoreConfirmed
from runline.domain.roles import RoleSet
from runline.domain.sessions import SessionConfirmed, SessionEnded, SessionKept, SignedIn
from runline.domain.setbacks import WorkSetAside, WorkTakenUp
from runline.domain.settings import LimitsSet
from runline.domain.settlement import ResultTaken
from runline.domain.suspension import Reopened, Suspended
from runline.domain.tickets import WagerPlaced, WagerReversed, WagerSettled, WagerVoided
from runline.domain.users import RoleAssigned, UserCreated, UserRestored, UserRevoked
from runline.domain.watch import FeedHeard, FeedReturned, FeedSilent, FeedWatched, HealthDegraded, HealthRestored

__all__ = [
    "AgentCreated",
    "AgentMoved",
    "BookOpened",
    "BookStarted",
    "CreditAdjusted",
    "Departure",
    "FeedHeard",
    "FeedReturned",
    "FeedSilent",
    "FeedWatched",
    "FixtureArchived",
    "FixtureCancelled",
    "FixtureClosed",
    "FixtureCreated",
    "FixtureRescheduled",
    "HealthDegraded",
    "HealthRestored",
    "HouseFounded",
    "JobAdvanced",
    "JobFinished",
    "LeagueCreated",
    "LimitsSet",
    "LineMoved",
    "LinePosted",
    "LineWithdrawn",
    "PasswordSet",
    "PlayerCreated",
    "PlayerLimits",
    "PlayerLimitsSet",
    "Reopened",
    "ResultConfirmed",
    "ResultEntered",
    "ResultTaken",
    "RoleAssigned",
    "RoleSet",
    "Rounding",
    "Score",
    "ScoreConfirmed",
    "SessionConfirmed",
    "SessionEnded",
    "SessionKept",
    "SignInFailed",
    "SignedIn",
    "StreamStartAsked",
    "Suspended",
    "TemporaryCreditExpired",
    "TemporaryCreditGranted",
    "TransactionEntered",
    "UserCreated",
    "UserRestored",
    "UserRevoked",
    "WagerPlaced",
    "WagerReversed",
    "WagerSettled",
    "WagerVoided",
    "WorkSetAside",
    "WorkTakenUp",
]
