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
from runline.domain.book import BookStarted
from runline.domain.cluster import NodeDrainAsked, NodesTold, StreamMoveAsked, StreamPinAsked
from runline.domain.fixtures import FixtureClosed, FixtureCreated, FixtureRenumbered, FixtureRescheduled, LeagueCreated
from runline.domain.grading import Score
from runline.domain.guard import GuardSet
from runline.domain.held import LineDropped, LineHeld
from runline.domain.hierarchy import AgentCreated, PlayerCreated
from runline.domain.house import BookOpened, HouseFounded, StreamStartAsked
from runline.domain.jobs import JobAdvanced, JobFinished
from runline.domain.large_wagers import LargeWagerSet
from runline.domain.legs import Ending, LegGraded, LegReversed, LegVoided
from runline.domain.lines import Departure, LineMoved
from runline.domain.money import Rounding
from runline.domain.moving import AgentMoved, PlayerMoved
from runline.domain.official import Window
from runline.domain.passwords import PasswordSet, SignInFailed
from runline.domain.posted import LinePosted, LineRefused, LineWithdrawn
from runline.domain.postponement import (
    FixturePostponed,
    FixtureResumed,
    WagersLetStand,
    WindowEnded,
    WindowLifted,
    WindowNearing,
    WindowsLooked,
)
from runline.domain.reopening import FixtureReopened
from runline.domain.results import FixtureCancelled, ResultConfirmed, ResultEntered, ScoreConfirmed
from runline.domain.roles import RoleSet
from runline.domain.rulings import LeagueRule, LeagueRuleSet
from runline.domain.sessions import SessionConfirmed, SessionEnded, SessionKept, SignedIn
from runline.domain.setbacks import WorkSetAside, WorkTakenUp
from runline.domain.settings import LimitsSet, LocksSet
from runline.domain.settlement import ResultTaken
from runline.domain.suspension import ReasonAdded, Reopened, Suspended
from runline.domain.tickets import WagerPlaced, WagerReversed, WagerSettled, WagerVoided
from runline.domain.users import RoleAssigned, UserCreated, UserRestored, UserRevoked
from runline.domain.watch import FeedHeard, FeedReturned, FeedSilent, FeedWatched, HealthDegraded, HealthRestored
from runline.domain.zones import ZoneSet

__all__ = [
    "AgentCreated",
    "AgentMoved",
    "BookOpened",
    "BookStarted",
    "CreditAdjusted",
    "Departure",
    "Ending",
    "FeedHeard",
    "FeedReturned",
    "FeedSilent",
    "FeedWatched",
    "FixtureArchived",
    "FixtureCancelled",
    "FixtureClosed",
    "FixtureCreated",
    "FixturePostponed",
    "FixtureRenumbered",
    "FixtureReopened",
    "FixtureRescheduled",
    "FixtureResumed",
    "GuardSet",
    "HealthDegraded",
    "HealthRestored",
    "HouseFounded",
    "JobAdvanced",
    "JobFinished",
    "LargeWagerSet",
    "LeagueCreated",
    "LeagueRule",
    "LeagueRuleSet",
    "LegGraded",
    "LegReversed",
    "LegVoided",
    "LimitsSet",
    "LineDropped",
    "LineHeld",
    "LineMoved",
    "LinePosted",
    "LineRefused",
    "LineWithdrawn",
    "LocksSet",
    "NodeDrainAsked",
    "NodesTold",
    "PasswordSet",
    "PlayerCreated",
    "PlayerLimits",
    "PlayerLimitsSet",
    "PlayerMoved",
    "ReasonAdded",
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
    "StreamMoveAsked",
    "StreamPinAsked",
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
    "WagersLetStand",
    "Window",
    "WindowEnded",
    "WindowLifted",
    "WindowNearing",
    "WindowsLooked",
    "WorkSetAside",
    "WorkTakenUp",
    "ZoneSet",
]
