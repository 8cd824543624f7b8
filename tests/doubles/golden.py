"""Golden log: one stored envelope of each type and version of event, so that old logs stay readable.

    python -m tests.doubles.golden

adds what is missing for the present versions, and never changes a line that is there.
"""

from pathlib import Path

from tests.doubles.stage import HOUR_NS, NOON_NS, BookStage, HouseStage, Stage
from tests.doubles.words import START_NS, agent, board, game, line, player, role, staff, wager

from runline.domain.accounts import AdjustCredit, EnterTransaction, GrantTemporaryCredit, SetPlayerLimits
from runline.domain.board import PostLines
from runline.domain.bounds import ARCHIVE_AFTER_NS
from runline.domain.cluster import DrainNode, MoveStream, NoteToldNodes, PinStream, Wishes
from runline.domain.fixtures import RenumberFixture, RescheduleFixture
from runline.domain.guard import SetGuard
from runline.domain.held import DropLine
from runline.domain.house import StartStream
from runline.domain.large_wagers import SetLargeWager
from runline.domain.leg_voiding import VoidLeg
from runline.domain.lines import MoveLine
from runline.domain.messages import ENGINE, GATEWAY, Event
from runline.domain.moving import MoveAgent, MovePlayer
from runline.domain.official import Window
from runline.domain.passwords import FailSignIn, SetPassword
from runline.domain.permissions import Permission
from runline.domain.postponement import LetWagersStand, PostponeFixture, ResumeFixture
from runline.domain.prices import Prices
from runline.domain.reopening import ReopenFixture
from runline.domain.results import CancelFixture
from runline.domain.rulings import LeagueRule, SetLeagueRule
from runline.domain.sessions import MINUTE_NS, ConfirmSession, KeepSession, SignIn, SignOut
from runline.domain.setbacks import PutAside, TryAgain
from runline.domain.settings import SetLimits, SetLocks
from runline.domain.suspension import AddReason, Reopen, Suspend
from runline.domain.tickets import VoidWager
from runline.domain.users import AssignRole, RestoreUser, RevokeUser
from runline.domain.vocabulary import NOUNS, Vocabulary
from runline.domain.watch import KeepFeed, NoteHealth, WatchFeed
from runline.domain.zones import SetZone
from runline.engine.envelope import Envelope, Logged, content_digest, decode_envelope, encode_envelope
from runline.engine.ids import uuid7
from runline.simulate import pair
from runline.simulate.pair import PairPlaced, PlacePair

FILE = Path(__file__).parents[1] / "golden" / "events.jsonl"


def one_of_each() -> list[Stage]:
    """A house and a book in which every type of event has happened."""
    book = HouseStage().open_book("main")
    book.given(game("G1"), board("G1"), game("G2"), board("G2"), game("G3"))
    book.given(RenumberFixture("G3", 801, "as printed"), RescheduleFixture("G3", START_NS + HOUR_NS, "rain"))
    book.given(CancelFixture("G3", "flood"), ReopenFixture("G3", "that was another game"), CancelFixture("G3", "flood"))
    book.given(PostLines("G2", NOON_NS + 1, ()), SetGuard("no_hold", "hold", "house rule", 100, "league", "MLB"))
    wrong = (line("moneyline", "+150", "+150"), line("spread", "-110", "-11", quarters=-6))
    book.given(board("G2", entered_ns=NOON_NS + 2), board("G2", *wrong, entered_ns=NOON_NS + 3, confirm=False))
    book.given(DropLine("G2:game:moneyline", book.house.state.held_lines.by_market["G2:game:moneyline"].held_seq, "no"))
    book.given(SetLocks(True, "our own lines"))
    book.given(agent("A1"), agent("A2"), MoveAgent("A2", "A1", "sold"), player("P1", "A2"))
    book.given(staff("ann", Permission.FIGURES_VIEW, at="A1"), role("clerks", Permission.WAGER_PLACE))
    book.given(AssignRole("ann", "clerks", "trained"), RevokeUser("ann", "left"), RestoreUser("ann", "back"))
    book.given(SetLimits(2_00, 5_000_00, 20_000_00, "season"), SetPlayerLimits("P1", 500_00, None, True, "sharp"))
    book.given(SetLargeWager("A1", 500_00, "small players"))
    book.given(AdjustCredit("P1", 2_000_00, "asked"), GrantTemporaryCredit("P1", 500_00, NOON_NS + HOUR_NS, "weekend"))
    book.given(EnterTransaction("P1", "receipt", 50_00, "cash"))
    book.given(Suspend("fixture", "G1", "quick"), AddReason("fixture", "G1", book.state.seq + 1, "injury"))
    book.given(Reopen("fixture", "G1", "plays"))
    book.given(MoveLine("G1:game:total", "offset", offset_quarters=2, offset_cents=5, reason="too much over"))
    book.given(
        MoveLine("G1:game:spread", "lock", line_quarters=-6, prices=Prices(away="-105", home="-115"), reason="ours")
    )
    book.given(wager("P1", 10_00), wager("P1", 20_00, kind="total", side="over", price="-110", quarters=36))
    book.given(VoidWager(book.state.seq, "wrong side"))
    book.given(SetPassword("ann", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"))
    known = book.state.credentials.by_user["ann"].password_seq
    for command in (
        FailSignIn("ann", 3),
        SignIn("ann", "s1", "screen", known, 30 * MINUTE_NS, 12 * HOUR_NS, "device"),
        KeepSession("s1"),
        ConfirmSession("ann", "s1", known),
        SignOut("s1"),
    ):
        book.when(command, by=GATEWAY)
        assert book.events, book.refusal
    book.house.given(WatchFeed(book.house.owner, 60_000, "lines"), KeepFeed(), StartStream("main", "mended"))
    the_nodes_are_told(book.house)
    for slow in (True, False):
        book.house.when(NoteHealth("commit", slow, 300, 250), by=GATEWAY)
    book.time_is(NOON_NS + HOUR_NS)
    book.house.given(KeepFeed())
    book.house.ends("G1", 1, 0, final=False)
    book.settles()
    book.house.ends("G1", 3, 1, periods=((0, 0),) * 7 + ((1, 2), (0, 1)))
    book.settles()
    book.house.ends("G1", 1, 3)
    book.execute(
        PutAside("job", "settlement", str(*book.state.jobs.by_number), "RuntimeError: it cannot be decided"), ENGINE
    )
    book.given(TryAgain(book.state.seq, "mended"))
    book.settles()
    a_game_is_late(book)
    legs_go_their_ways(book)
    book.given(MovePlayer("P1", "A1", "sold"))
    book.time_is(book.house.clock_ns + ARCHIVE_AFTER_NS)
    return [book.house, book]


def the_nodes_are_told(house: HouseStage) -> None:
    """Something is wanted of the nodes, and they are told."""
    house.nodes_are(n1=True, n2=True)
    house.given(MoveStream("main", "n2", "too hot"), PinStream("house", "near", "n1"), DrainNode("n2", "a new disk"))
    house.when(NoteToldNodes("stream main", house.state.part(Wishes).by_subject["stream main"].changed_seq), by=GATEWAY)
    assert house.events, house.refusal


def a_game_is_late(book: BookStage) -> None:
    """A game is postponed, and whatever follows happens."""
    now_ns = book.house.clock_ns
    start_ns = now_ns + HOUR_NS
    lines = board("L1", entered_ns=now_ns)
    book.given(game("L1", start_ns=start_ns, rotation=971), lines, SetZone("fixture", "L1", "America/Chicago", "there"))
    book.given(SetLeagueRule("MLB", LeagueRule(True, 10, 1, True, Window("hours", 36)), "ours", "total", "game"))
    book.given(PostponeFixture("L1", "rain"))
    for at_ns in (start_ns + 35 * HOUR_NS, start_ns + 36 * HOUR_NS):
        book.time_is(at_ns)
    book.given(LetWagersStand("L1", "it is played tomorrow"), LetWagersStand("L1", "it is not", stand=False))
    book.time_is(book.house.clock_ns)
    book.given(ResumeFixture("L1", "it is played"))
    book.time_is(book.house.clock_ns)
    book.settles()


def legs_go_their_ways(book: BookStage) -> None:
    """What happens to one leg of a ticket that is open for another."""
    for name, hours in (("G4", 1), ("G5", 24)):
        book.given(game(name, start_ns=book.at_ns + hours * HOUR_NS), board(name, entered_ns=book.at_ns))
    book.state.vocabulary = Vocabulary(*NOUNS, pair)
    book.given(PlacePair("P1", (("G4:game:moneyline", "away"), ("G5:game:total", "over")), 10_00))
    number = book.state.seq
    for away, home in ((3, 1), (1, 3)):
        book.house.ends("G4", away, home)
        book.settles()
    book.given(VoidLeg(number, 2, "wrong price"))


def envelopes() -> list[bytes]:
    """The last envelope of each type of event, as the writer would store it."""
    last: dict[type[Event], bytes] = {}
    for stage in one_of_each():
        for seq, at_ns, actor, event in stage.log:
            kind = type(event)
            if kind is PairPlaced:
                continue
            envelope = Envelope(
                stage.state.stream,
                seq,
                at_ns,
                kind.__name__,
                kind.version,
                actor,
                "session",
                "n1",
                uuid7(at_ns, lambda size: bytes(range(size))),
                "correlation",
                b"" if actor == ENGINE else content_digest(actor, wager("P1", 1)),
                at_ns,
                at_ns + 1,
                at_ns + 2,
                event,
            )
            last[kind] = encode_envelope(envelope)
    return list(last.values())


def stored() -> list[Logged]:
    """What the file has."""
    return [decode_envelope(line) for line in FILE.read_bytes().splitlines()] if FILE.exists() else []


def main() -> None:
    known = {(entry.type, entry.version) for entry in stored()}
    with FILE.open("ab") as file:
        for body in envelopes():
            entry = decode_envelope(body)
            if (entry.type, entry.version) not in known:
                file.write(body + b"\n")
                print(f"added {entry.type} {entry.version}")


if __name__ == "__main__":
    main()
