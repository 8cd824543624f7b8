"""Commands: what can be sent, each as its type. (Written by `tools/client.py`.)"""

from runline.domain.accounts import AdjustCredit, EnterTransaction, GrantTemporaryCredit, SetPlayerLimits
from runline.domain.board import MarketLine, PostLines
from runline.domain.fixtures import CreateFixture, CreateLeague, RescheduleFixture
from runline.domain.grading import Score
from runline.domain.hierarchy import CreateAgent, CreatePlayer, MoveAgent
from runline.domain.house import OpenBook, StartStream
from runline.domain.lines import MoveLine
from runline.domain.placing import PlaceWager
from runline.domain.results import CancelFixture, ConfirmResult, EnterResult
from runline.domain.roles import SetRole
from runline.domain.sessions import EndSession
from runline.domain.setbacks import TryAgain
from runline.domain.settings import SetLimits
from runline.domain.suspension import Reopen, Suspend
from runline.domain.tickets import VoidWager
from runline.domain.users import AssignRole, CreateUser, RestoreUser, RevokeUser
from runline.domain.watch import KeepFeed, WatchFeed

__all__ = [
    "AdjustCredit",
    "AssignRole",
    "CancelFixture",
    "ConfirmResult",
    "CreateAgent",
    "CreateFixture",
    "CreateLeague",
    "CreatePlayer",
    "CreateUser",
    "EndSession",
    "EnterResult",
    "EnterTransaction",
    "GrantTemporaryCredit",
    "KeepFeed",
    "MarketLine",
    "MoveAgent",
    "MoveLine",
    "OpenBook",
    "PlaceWager",
    "PostLines",
    "Reopen",
    "RescheduleFixture",
    "RestoreUser",
    "RevokeUser",
    "Score",
    "SetLimits",
    "SetPlayerLimits",
    "SetRole",
    "StartStream",
    "Suspend",
    "TryAgain",
    "VoidWager",
    "WatchFeed",
]
