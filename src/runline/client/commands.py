"""Commands: what can be sent, each as its type. (Written by `tools/client.py`.)"""

from runline.domain.accounts import AdjustCredit, EnterTransaction, GrantTemporaryCredit, SetPlayerLimits
from runline.domain.board import MarketLine, PostLines
from runline.domain.cluster import DrainNode, MoveStream, PinStream
from runline.domain.fixtures import CreateFixture, CreateLeague, RenumberFixture, RescheduleFixture
from runline.domain.grading import Score
from runline.domain.guard import SetGuard
from runline.domain.held import ConfirmLine, DropLine
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.house import OpenBook, StartStream
from runline.domain.large_wagers import SetLargeWager
from runline.domain.leg_voiding import VoidLeg
from runline.domain.lines import MoveLine
from runline.domain.moving import MoveAgent, MovePlayer
from runline.domain.official import Window
from runline.domain.placing import PlaceWager
from runline.domain.postponement import LetWagersStand, PostponeFixture, ResumeFixture
from runline.domain.prices import Prices
from runline.domain.reopening import ReopenFixture
from runline.domain.results import CancelFixture, ConfirmResult, EnterResult
from runline.domain.roles import SetRole
from runline.domain.rulings import LeagueRule, SetLeagueRule
from runline.domain.sessions import EndSession
from runline.domain.setbacks import TryAgain
from runline.domain.settings import SetLimits, SetLocks
from runline.domain.suspension import AddReason, Reopen, Suspend
from runline.domain.tickets import VoidWager
from runline.domain.users import AssignRole, CreateUser, RestoreUser, RevokeUser
from runline.domain.watch import KeepFeed, WatchFeed
from runline.domain.zones import SetZone

__all__ = [
    "AddReason",
    "AdjustCredit",
    "AssignRole",
    "CancelFixture",
    "ConfirmLine",
    "ConfirmResult",
    "CreateAgent",
    "CreateFixture",
    "CreateLeague",
    "CreatePlayer",
    "CreateUser",
    "DrainNode",
    "DropLine",
    "EndSession",
    "EnterResult",
    "EnterTransaction",
    "GrantTemporaryCredit",
    "KeepFeed",
    "LeagueRule",
    "LetWagersStand",
    "MarketLine",
    "MoveAgent",
    "MoveLine",
    "MovePlayer",
    "MoveStream",
    "OpenBook",
    "PinStream",
    "PlaceWager",
    "PostLines",
    "PostponeFixture",
    "Prices",
    "RenumberFixture",
    "Reopen",
    "ReopenFixture",
    "RescheduleFixture",
    "RestoreUser",
    "ResumeFixture",
    "RevokeUser",
    "Score",
    "SetGuard",
    "SetLargeWager",
    "SetLeagueRule",
    "SetLimits",
    "SetLocks",
    "SetPlayerLimits",
    "SetRole",
    "SetZone",
    "StartStream",
    "Suspend",
    "TryAgain",
    "VoidLeg",
    "VoidWager",
    "WatchFeed",
    "Window",
]
