"""Work: what people do all day, by the names of commands; what stands there more than once is done more often."""

HOUSE_WORK = (
    *["PostLines"] * 10, *["CreateFixture"] * 6, *["EnterResult"] * 4, *["ConfirmResult"] * 4, "ConfirmLine", "DropLine",
    "ConfirmLine", "DropLine", "KeepFeed", "ReopenFixture", "PostponeFixture", "ResumeFixture", "RescheduleFixture",
    "KeepFeed", "WatchFeed", "LetWagersStand", "SetLeagueRule", "SetZone", "SetGuard", "TryAgain", "RenumberFixture",
    "CancelFixture", "CreateLeague", "SetRole", "OpenBook",
)  # fmt: skip
"""What the house does all day, by the names of commands."""

NODES_WORK = ("MoveStream", "MoveStream", "PinStream")
"""What it does besides, where it has nodes."""

BOOK_WORK = (
    "EnterTransaction", "AdjustCredit", "MoveLine", "VoidWager", "Suspend", "Reopen", "Reopen", "GrantTemporaryCredit",
    "AddReason", "SetPlayerLimits", "CreatePlayer", "CreateUser", "VoidLeg", "RestoreUser", "PlacePair", "PlacePair", "PlacePair",
    "VoidLeg", "TryAgain", "SetRole", "SetRole", "AssignRole", "MoveAgent", "MovePlayer", "CreateAgent", "SetLocks", "Suspend",
    "SetLargeWager",
)  # fmt: skip
"""What a book's staff does."""

SELDOM = (
    "RevokeUser",
    "AssignRole",
    "SetRole",
    "EndSession",
    "CancelFixture",
    "SetLimits",
    "WatchFeed",
    "OpenBook",
    "Suspend",
)
"""What would soon leave nothing to do, if it were done as often as the rest."""
