"""Vocabulary: every command is decided, every event evolves, and each says who may send or see it."""

import pickle
import pkgutil
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
from tests.doubles import bells
from tests.doubles.golden import stored
from tests.doubles.plain import VOCABULARY

import runline.domain
import runline.reads.history
from runline.domain.book import Book, BookStarted, missed
from runline.domain.execution import fold
from runline.domain.house import BookOpened, House
from runline.domain.identifiers import Reason, Remark
from runline.domain.messages import (
    DECLARATIONS,
    ENGINE,
    GATEWAY,
    HOUSE,
    Command,
    CommandMeta,
    Event,
    causes,
    decides,
    evolves,
    fires,
    grounds,
    heeds,
    makes_up,
    misses,
    pays,
    slice_wants,
    slices,
    upcasts,
    wants,
)
from runline.domain.money import Rounding
from runline.domain.permissions import FEED_MAY, PLAYER_MAY, VIEW_ONLY, Permission, permissions_of
from runline.domain.placed import TicketPlaced
from runline.domain.queries.inside import Nothing, inside
from runline.domain.rows import columns
from runline.domain.settlement import TakeResult
from runline.domain.state import Part, Row
from runline.domain.topics import Topic, TopicRows, changes
from runline.domain.vocabulary import NOUNS, Vocabulary, VocabularyError

ENGINES = {
    "ArchiveFixture",
    "NoteSilence",
    "FoundHouse",
    "StartBook",
    "ExpireTemporaryCredit",
    "ExpireSession",
    "CloseFixture",
    "LookAtWindows",
    "TakeResult",
    "DoSlice",
    "PutAside",
}
GATEWAYS = {
    "ChangePassword",
    "ConfirmSession",
    "FailSignIn",
    "KeepSession",
    "NoteHealth",
    "NoteToldNodes",
    "SignIn",
    "SignOut",
}

NOTHING: Any = None


def names(kinds):
    return {kind.__name__ for kind in kinds}


# What is entered


def test_every_module_that_declares_something_is_a_noun():
    for found in pkgutil.iter_modules(runline.domain.__path__, "runline.domain."):
        module = import_module(found.name)
        declares = [
            value
            for value in vars(module).values()
            if getattr(value, "__module__", "") == module.__name__
            and (
                getattr(value, DECLARATIONS, ())
                or (isinstance(value, type) and issubclass(value, (Command, Event, Row)))
            )
        ]
        speaks = [kind for kind in declares if kind not in (Command, Event, Row)]
        assert bool(speaks) <= (module in NOUNS), module.__name__


def noun(name, *declared):
    """A module that declares something."""
    module = ModuleType(name)
    for one in declared:
        one.__module__ = name
        vars(module)[one.__name__] = one
    return module


class Ring(Command, needs=Permission.SUSPEND):
    """Ring the bell."""


class Rang(Event):
    """The bell has rung."""


class Bell(Row, table="bells"):
    """A bell."""

    name: str
    changed_seq: int = 0


class Bells(Part, named="bells", keeps={Bell: "by_name"}):
    """The bells of a book."""

    def __init__(self, state):
        super().__init__(state)
        self.by_name: dict[str, Bell] = {}


def ring():
    @decides(Ring)
    def ring(book, command, context) -> Rang:
        return Rang()

    return ring


def rang(name="rang"):
    @evolves(Rang)
    def rang(book, event):
        bell = book.part(Bells).by_name.setdefault(name, Bell(name))
        book.touch(bell)

    rang.__name__ = name
    return rang


def ground():
    @grounds(Ring)
    def ground(book, command):
        return 0

    return ground


def whole(*others):
    return noun("bells", Ring, Rang, Bell, Bells, ring(), rang(), ground(), *others)


def test_a_noun_of_its_own_is_entered_beside_the_others_and_its_part_is_in_every_book():
    vocabulary = Vocabulary(*NOUNS, whole())
    book = Book("main", vocabulary)
    assert book.part(Bells).by_name is book.held[Bell]
    assert "bells" in vocabulary.kept() - VOCABULARY.kept()
    fold(book, Rang(), 7, 1)
    assert book.moved_seq(Bell, "rang") == 7
    with pytest.raises(KeyError):
        House(vocabulary).part(Bells)


def test_a_state_is_that_of_its_stream():
    house, other = VOCABULARY.state_of(HOUSE), VOCABULARY.state_of("other")
    assert (type(house), house.stream) == (House, HOUSE)
    assert (type(other), other.stream) == (Book, "other")


def test_several_nouns_evolve_one_event_in_the_order_of_the_vocabulary_and_its_own_does_not_know():
    listening, later = noun("listening", rang("first")), noun("later", rang("last"))
    for nouns, order in (
        ((whole(), listening, later), ["rang", "first", "last"]),
        ((later, listening, whole()), ["last", "first", "rang"]),
    ):
        book = Book("main", Vocabulary(*NOUNS, *nouns))
        fold(book, Rang(), 1, 1)
        assert list(book.part(Bells).by_name) == order


def test_what_handles_something_is_found_by_it():
    @wants(Ring)
    def wanted(book, command):
        return ()

    @heeds(Ring)
    def heeded(book, command, context):
        pass

    @fires("peal")
    def fired(subject):
        return Ring()

    @slices("peal")
    def sliced(book, job, context):
        return None

    @slice_wants("peal")
    def slice_wanted(book, job):
        return ()

    @pays("peal")
    def paid(ticket, endings, rounding):
        return "won", 1

    @inside("belfry", asked=Nothing, answer=Nothing)
    def belfry(state, asked, user, session, now_ns):
        return asked

    mine = (wanted, heeded, fired, sliced, slice_wanted, paid, belfry)
    caused = causing()
    found = Vocabulary(*NOUNS, whole(*mine), noun("tolls", *caused.values()))
    assert found.deciders[Ring](NOTHING, Ring(), NOTHING) == Rang()
    assert found.grounds[Ring](NOTHING, Ring()) == 0
    assert (found.wanted[Ring], found.heeded[Ring], found.timers["peal"]) == (wanted, heeded, fired)
    assert (found.slices["peal"], found.slice_needs["peal"], found.pays["peal"]) == (sliced, slice_wanted, paid)
    assert (found.caused[BookOpened], found.missed[Toll], found.made_up[Toll]) == (
        caused["causes"], caused["misses"], caused["makes_up"],
    )  # fmt: skip
    assert found.inside["belfry"].read is belfry


def others():
    """What another noun may not declare beside the bells, each with the reason."""

    class OtherRing(Command, needs=Permission.SUSPEND):
        """Ring another bell."""

    class OtherRang(Event):
        """Another bell has rung."""

    class OtherBell(Row, table="bells"):
        """Another bell."""

    class OtherBells(Part, named="bells"):
        """The other bells of a book."""

    class Keepers(Part, named="keepers", keeps={Bell: "bells"}):
        """Who keeps the bells."""

    OtherRing.__name__, OtherRang.__name__ = "Ring", "Rang"

    @fires("cutoff")
    def cutoff(subject):
        return Ring()

    return {
        "The command Ring": OtherRing,
        "The event Rang": OtherRang,
        "The table bells": OtherBell,
        "The book's part bells": OtherBells,
        "What keeps in a book the table bells": Keepers,
        "What decides Ring": ring(),
        "What grounds Ring": ground(),
        "What fires cutoff": cutoff,
    }


@pytest.mark.parametrize("what", others())
def test_what_is_declared_twice_is_refused(what):
    with pytest.raises(VocabularyError, match=f"{what} is declared twice"):
        Vocabulary(*NOUNS, whole(), noun("others", others()[what]))


def test_one_noun_evolves_an_event_once():
    with pytest.raises(VocabularyError, match="What evolves Rang in bells is declared twice"):
        Vocabulary(*NOUNS, whole(rang("again")))


def test_what_nothing_handles_is_refused():
    for declared, missing in (
        ((Ring, ground()), "Nothing decides Ring"),
        ((Ring, ring()), "Nothing says the ground of Ring"),
        ((Rang,), "Nothing evolves Rang"),
        ((ring(), ground()), "Something decides Ring, which no noun declares"),
        ((rang(),), "Something evolves Rang, which no noun declares"),
        ((ground(),), "Something grounds Ring, which no noun declares"),
        ((Bells,), "Bells keeps Bell, which no noun declares"),
    ):
        with pytest.raises(VocabularyError, match=missing):
            Vocabulary(*NOUNS, noun("bells", *declared))


def test_what_decides_a_command_of_somebody_says_which_events_it_makes():
    @decides(Ring)
    def silent(book, command, context):
        return Rang()

    with pytest.raises(VocabularyError, match="What decides Ring does not say which events it makes"):
        Vocabulary(*NOUNS, noun("bells", Ring, Rang, silent, rang(), ground(), Bell, Bells))


def test_an_event_happens_by_one_permission_or_by_none():
    class Strike(Command, needs=Permission.LINE_MOVE):
        """Strike the bell."""

    class Chime(Command):
        """The clock strikes the bell."""

    @decides(Strike)
    def strike(book, command, context) -> list[Rang] | tuple[()]:
        return [Rang()]

    @grounds(Strike)
    def strike_ground(book, command):
        return 0

    @decides(Chime)
    def chime(book, command, context) -> Rang:
        return Rang()

    with pytest.raises(VocabularyError, match="Rang happens by suspend and by line_move"):
        Vocabulary(*NOUNS, whole(Strike, strike, strike_ground))
    vocabulary = Vocabulary(*NOUNS, whole(Chime, chime))
    assert vocabulary.permission_used("Rang", "owner") == "suspend"
    assert [vocabulary.permission_used("Rang", actor) for actor in (ENGINE, GATEWAY)] == ["", ""]


def test_what_is_taken_up_again_happens_by_the_permission_to_do_so():
    vocabulary = VOCABULARY
    for event in ("WorkTakenUp", "ResultTaken"):
        assert vocabulary.permission_used(event, "owner") == "settings_change"
    assert vocabulary.permission_used("ResultTaken", ENGINE) == ""
    # Nobody but Runline itself makes them happen.
    assert [vocabulary.permission_used(event, "owner") for event in ("JobFinished", "SignedIn")] == ["", ""]


def test_what_is_said_of_a_message_that_nobody_declares_is_refused():
    class Clang(Event):
        """The bell has clanged."""

    @wants(Clang)
    def wanted(book, event):
        return ()

    @heeds(Ring)
    def heeded(book, command, context):
        pass

    @causes(Clang, TakeResult)
    def caused(house, event):
        return result(1)

    for declared, said in (
        (wanted, "Something wants rows for Clang, which no noun declares"),
        (heeded, "Something keeps in mind Ring, which no noun declares"),
        (caused, "Something causes commands by Clang, which no noun declares"),
    ):
        with pytest.raises(VocabularyError, match=said):
            Vocabulary(*NOUNS, noun("bells", declared))


@pytest.mark.parametrize("name", ["reason", "description"])
def test_whoever_says_why_says_it_in_words_that_are_looked_at(name):
    def saying(kind, needs):
        command = CommandMeta("Muffle", (Command,), {"__annotations__": {name: kind}}, needs=needs)

        @decides(command)
        def muffle(book, command, context) -> Rang | tuple[()]:
            return ()

        @grounds(command)
        def muffle_ground(book, command):
            return 0

        return Vocabulary(*NOUNS, noun("muffles", command, muffle, *([muffle_ground] if needs else [])))

    with pytest.raises(VocabularyError, match=f"What Muffle says for a {name} is no Reason and no Remark"):
        saying(str, Permission.SUSPEND)
    assert [saying(kind, Permission.SUSPEND).level for kind in (Reason, Remark)] == [VOCABULARY.level] * 2
    # What Runline says itself is not typed in by anybody.
    assert "Muffle" in saying(str, None).commands


def test_an_event_of_a_later_version_needs_all_steps_to_it():
    class Tolled(Event, version=3):
        """The bell has tolled."""

    @evolves(Tolled)
    def tolled(book, event):
        pass

    @upcasts("Tolled", 1)
    def to_two(fields):
        return fields

    with pytest.raises(VocabularyError, match="Nothing upcasts Tolled of version 2"):
        Vocabulary(*NOUNS, noun("tolls", Tolled, tolled, to_two))
    with pytest.raises(VocabularyError, match="Nothing upcasts Tolled of version 1"):
        Vocabulary(*NOUNS, noun("tolls", Tolled, tolled))


def test_what_writes_a_ticket_says_what_that_takes_on():
    class TipPlaced(TicketPlaced, Event):
        """A tip is written."""

    @evolves(TipPlaced)
    def tip_placed(book, event):
        pass

    with pytest.raises(VocabularyError, match="TipPlaced writes a ticket, and does not say what that takes on"):
        Vocabulary(*NOUNS, noun("tips", TipPlaced, tip_placed))


def test_an_event_is_told_in_a_topic_that_there_is_and_a_topic_is_declared_once():
    class Pealed(Event, topic="peals"):
        """The bells have pealed."""

    @evolves(Pealed)
    def pealed(book, event):
        pass

    silent = noun("peals", Pealed, pealed)
    with pytest.raises(VocabularyError, match="Pealed is told in the topic peals, which no noun declares"):
        Vocabulary(*NOUNS, silent)
    vars(silent)["DECLARED"] = (Topic("peals", "Every peal.", Permission.LOG_VIEW, False, False, True),)
    assert "peals" in Vocabulary(*NOUNS, silent).topics
    other = noun("others")
    vars(other)["DECLARED"] = vars(silent)["DECLARED"]
    with pytest.raises(VocabularyError, match="The topic peals is declared twice"):
        Vocabulary(*NOUNS, silent, other)


def rows_of(topic, name="peals", under="rows"):
    """Rows of a topic."""

    def nothing(*asked):
        return iter(())

    return TopicRows(name, topic, nothing, nothing, nothing, under=under)


PEALS = Topic("peals", "The peals, by `peal`.", Permission.LOG_VIEW, players=False, house=False, events=False)


def peals(*declared, by="peals"):
    """A noun with a topic of rows, which the bells change."""

    @changes(by, Rang)
    def peal_changes(book, house, event, seq):
        return ()

    silent = noun("peals", peal_changes)
    vars(silent)["DECLARED"] = declared
    return silent


def test_a_topic_of_rows_is_declared_with_them_and_with_what_changes_them():
    vocabulary = Vocabulary(*NOUNS, whole(), peals(PEALS, rows_of("peals")))
    assert vocabulary.topic_rows["peals"].topic == "peals"
    assert [rows.name for rows, _ in vocabulary.changes[Rang]] == ["lines", "agents", "players", "peals"]
    assert "peals" not in [rows.name for rows, _ in vocabulary.changes[vocabulary.events["WagerPlaced"]]]


@pytest.mark.parametrize(
    ("declared", "by", "why"),
    [
        ((PEALS,), "lines", "The topic peals has neither events nor rows"),
        ((rows_of("peals"),), "peals", "The rows peals are of peals, which is no topic of rows"),
        ((rows_of("log"),), "peals", "The rows peals are of log, which is no topic of rows"),
        ((PEALS, rows_of("peals")), "lines", "Nothing changes the rows peals"),
        ((PEALS, rows_of("peals")), "chimes", "Nothing changes the rows peals|Something changes the rows chimes"),
        ((PEALS, rows_of("peals", "lines")), "lines", "The rows of a topic, lines is declared twice"),
        (
            (PEALS, rows_of("peals"), rows_of("peals", "others")),
            "peals",
            r"What a frame of peals has under rows, .* is declared twice",
        ),
    ],
)
def test_rows_that_nobody_could_follow_are_refused(declared, by, why):
    with pytest.raises(VocabularyError, match=why):
        Vocabulary(*NOUNS, whole(), peals(*declared, by=by))


def test_several_nouns_change_rows_by_an_event_and_each_of_them_once():
    def tells(name):
        @changes("peals", Rang)
        def told(book, house, event, seq):
            return (name,)

        told.__name__ = name
        return told

    known = (*NOUNS, whole(), peals(PEALS, rows_of("peals")))
    vocabulary = Vocabulary(*known, noun("near", tells("near")), noun("far", tells("far")))
    told: list[Any] = [
        change(NOTHING, NOTHING, Rang(), 1) for rows, change in vocabulary.changes[Rang] if rows.name == "peals"
    ]
    assert told == [(), ("near",), ("far",)]
    with pytest.raises(VocabularyError, match="What changes the rows peals in far is declared twice"):
        Vocabulary(*known, noun("far", tells("once"), tells("again")))


def test_what_changes_rows_is_of_rows_and_by_an_event_that_there_are():
    class Tinkled(Event):
        """A bell has tinkled, of which no noun says anything."""

    @changes("peals", Tinkled)
    def by_a_stranger(book, house, event, seq):
        return ()

    @changes("chimes", Rang)
    def chimes_change(book, house, event, seq):
        return ()

    for function, rows, event in ((by_a_stranger, "peals", "Tinkled"), (chimes_change, "chimes", "Rang")):
        with pytest.raises(VocabularyError, match=f"Something changes the rows {rows} by {event}: one is not declared"):
            Vocabulary(*NOUNS, whole(), peals(PEALS, rows_of("peals")), noun("others", function))


def test_no_module_keeps_a_vocabulary_it_is_handed_in():
    names = [found.name for found in pkgutil.walk_packages(runline.__path__, "runline.")]
    modules = [
        import_module(name) for name in names if "migrations.versions" not in name and not name.endswith("__main__")
    ]
    assert [
        (module.__name__, name)
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, Vocabulary)
    ] == []


def test_a_vocabulary_goes_to_the_process_that_reads_history_by_the_names_of_its_nouns():
    sent = pickle.dumps(Vocabulary(*NOUNS, bells))
    assert len(sent) < 2_000
    found = pickle.loads(sent)
    assert found is pickle.loads(sent)
    assert list(found.events) == [*VOCABULARY.events, "BellRung"]


class Toll(Command):
    """The house's bell is heard in a book."""

    house_seq: int


def causing():
    """What a noun declares by which the house causes something, each by its name."""

    @decides(Toll)
    def toll(book, command, context):
        return ()

    @causes(BookOpened, Toll)
    def opening_tolls(house, event):
        return Toll(house.seq)

    @misses(Toll)
    def tolls_after(house, house_seq):
        return [Toll(seq) for seq in (3, 9) if seq > house_seq]

    @makes_up(Toll)
    def toll_is_made_up_for(book, house_seq, context):
        return []

    return {
        "command": Toll,
        "decides": toll,
        "causes": opening_tolls,
        "misses": tolls_after,
        "makes_up": toll_is_made_up_for,
    }


def test_what_the_house_causes_is_caused_for_a_book_that_was_not_there_too():
    for left_out, missing in (
        ("misses", "Nothing gives a book what it has missed of Toll"),
        ("makes_up", "Nothing makes up for what is set aside of Toll"),
        ("causes", "Something gives a book what it has missed of Toll, which no noun declares"),
    ):
        declared = causing()
        del declared[left_out]
        with pytest.raises(VocabularyError, match=missing):
            Vocabulary(*NOUNS, noun("tolls", *declared.values()))


def test_what_the_house_causes_is_a_command_that_there_is():
    declared = causing()
    with pytest.raises(VocabularyError, match="Something causes Toll, which no noun declares"):
        Vocabulary(*NOUNS, noun("tolls", declared["causes"]))


def test_what_the_house_causes_says_its_position_there():
    class Chime(Command):
        """The house's bell is heard in a book, nobody knows which time."""

    @decides(Chime)
    def chime(book, command, context):
        return ()

    @causes(BookOpened, Chime)
    def opening_chimes(house, event):
        return Chime()

    @misses(Chime)
    def chimes_after(house, seq):
        return []

    @makes_up(Chime)
    def chime_is_made_up_for(book, house_seq, context):
        return []

    with pytest.raises(VocabularyError, match="Chime is caused by the house, and has no house_seq"):
        Vocabulary(*NOUNS, noun("chimes", Chime, chime, opening_chimes, chimes_after, chime_is_made_up_for))


def test_a_book_takes_all_that_it_has_missed_in_the_houses_order(monkeypatch):
    vocabulary = Vocabulary(*NOUNS, noun("tolls", *causing().values()))
    house, book = House(vocabulary), Book("main", vocabulary)
    owed: dict[type[Command], Any] = {**vocabulary.missed}
    owed[TakeResult] = lambda house, seq: [one for one in (result(2), result(5)) if one.house_seq > seq]
    monkeypatch.setattr(vocabulary, "missed", owed)
    fold(book, BookStarted("owner", 2, Rounding(), 1, 1, 1), 1, 1)
    assert [(seq, type(command)) for seq, command in missed(house, book)] == [(3, Toll), (5, TakeResult), (9, Toll)]


def result(house_seq):
    return TakeResult("G1", "baseball", "MLB", house_seq, None, False)


def test_what_is_declared_does_not_change():
    with pytest.raises(TypeError):
        VOCABULARY.deciders[Ring] = ring()  # type: ignore[index]


# What is said of it


def test_every_public_command_names_a_permission_and_only_runlines_own_name_none():
    assert {name for name, command in VOCABULARY.commands.items() if command.needs is None} == ENGINES | GATEWAYS
    assert {name for name, command in VOCABULARY.commands.items() if command.sender == "gateway"} == GATEWAYS


def test_whatever_holds_a_digest_of_a_password_has_no_door_and_shows_it_to_nobody():
    kinds: list[Any] = [*VOCABULARY.commands.values(), *VOCABULARY.events.values()]
    for kind in kinds:
        assert bool(kind.secret) == ("password_hash" in kind.__struct_fields__), kind.__name__


def test_every_permission_to_change_something_is_needed_by_a_command():
    views = {permission for permission in Permission if permission.value.endswith("_view")}
    assert {command.needs for command in VOCABULARY.commands.values()} - {None} == set(Permission) - views


def test_only_closing_betting_is_so_urgent_that_it_needs_no_password():
    assert {name for name, command in VOCABULARY.commands.items() if command.urgent} == {"Suspend"}


def test_control_goes_first_and_only_wagers_and_long_work_wait():
    waiting = {name: command.lane for name, command in VOCABULARY.commands.items() if command.lane != "control"}
    assert waiting == {"PlaceWager": "wagers", "DoSlice": "bulk"}


def test_what_becomes_of_a_timer_only_the_engine_may_send():
    assert {type(make("subject")).__name__ for make in VOCABULARY.timers.values()} <= ENGINES


def test_grounds_and_needs_are_of_messages_that_there_are():
    assert names(VOCABULARY.grounds) <= set(VOCABULARY.commands) - ENGINES - GATEWAYS
    assert names(VOCABULARY.wanted) <= {*VOCABULARY.commands, *VOCABULARY.events}


def test_every_event_has_a_line_in_the_golden_log():
    assert {(entry.type, entry.version) for entry in stored()} >= {
        (name, event.version) for name, event in VOCABULARY.events.items()
    }


def test_the_shipped_roles_hold_permissions_that_there_are():
    for role, kind in ((VIEW_ONLY, "book"), (PLAYER_MAY, "book"), (FEED_MAY, "house")):
        assert list(role) == [permission for permission in permissions_of(kind) if permission in role]


def test_a_permission_is_of_the_kinds_of_stream_in_which_something_needs_it():
    needed: dict[Permission, dict[str, None]] = {permission: {} for permission in Permission}
    asking: list[Any] = [*VOCABULARY.commands.values(), *VOCABULARY.queries.values()]
    for one in asking:
        if one.needs is not None:
            needed[one.needs].update(dict.fromkeys(one.streams))
    for topic in VOCABULARY.topics.values():
        needed[topic.needs].update(dict.fromkeys(("book", "house") if topic.house else ("book",)))
    assert {permission: sorted(needed[permission]) for permission in Permission} == {
        permission: sorted(permission.streams) for permission in Permission
    }


def test_what_the_house_tells_books_is_shown_to_permissions_that_a_book_has():
    told = [event for event in VOCABULARY.events.values() if event.told_to_books]
    assert told
    assert [event.__name__ for event in told if "book" not in event.shown_to.streams] == []


@pytest.mark.parametrize(
    "kind",
    [*VOCABULARY.commands.values(), *VOCABULARY.events.values(), *VOCABULARY.rows.values()],
    ids=lambda kind: kind.__name__,
)
def test_every_message_and_row_is_documented(kind):
    assert kind.__doc__
    assert not kind.__doc__.startswith(f"{kind.__name__}(")


@pytest.mark.parametrize("table", sorted(VOCABULARY.rows))
def test_every_row_ends_with_the_position_of_its_last_change(table):
    *_, last = columns(VOCABULARY.rows[table])
    assert (last.name, last.kind, last.nullable) == ("changed_seq", "integer", False)


@pytest.mark.parametrize("event", VOCABULARY.events.values(), ids=lambda event: event.__name__)
def test_no_event_has_a_field_that_could_hold_a_person(event):
    assert not {"name", "email", "phone", "address", "ip"} & set(event.__struct_fields__)
