"""The clock: steady, whatever somebody sets the machine's to."""

import os

import pytest
from tests.doubles.host import HOUR_NS, NOON_NS, SECOND_NS, SetHost

from runline.domain.bounds import STEP_NS_MAX
from runline.engine.clock import LOOK_NS, SILENT_NS, FollowedClock, SystemClock
from runline.engine.conditions import Conditions
from runline.engine.limits import IDLE_NS_MAX
from runline.engine.timekeeper import NOTE_LOOKS, Timekeeper, TimeNote, confirm, confirmation_file, note_file, read_note
from runline.evaluate.clock import show_clock

DAY_NS = 24 * HOUR_NS


@pytest.fixture
def host():
    return SetHost()


@pytest.fixture
def clock(host):
    return SystemClock(host)


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "book.db"
    path.touch()
    return path


def keeper(host, database=None, last_ns=NOON_NS):
    """A timekeeper that has begun."""
    one = Timekeeper(SystemClock(host), Conditions(), database)
    one.begin(last_ns)
    return one


def told(one):
    """What stands of the clock."""
    return [(standing.part, standing.level) for standing in one.conditions.standing.values()]


# Time passes


def test_time_passes_as_the_machine_counts_it(host, clock):
    assert clock.now_ns() == NOON_NS
    for passed_ns in (1, LOOK_NS - 1, LOOK_NS, HOUR_NS, DAY_NS):
        host.pass_time(passed_ns)
        assert clock.now_ns() == host.wall


def test_a_night_of_sleep_is_no_step(host):
    one = keeper(host)
    host.pass_time(9 * HOUR_NS)
    one.look()
    assert (one.clock.now_ns(), told(one)) == (host.wall, [])


@pytest.mark.parametrize("drift_ppm", [-500, -20, 20, 500])
def test_drift_is_followed_and_time_never_goes_back(host, clock, drift_ppm):
    last_ns = clock.now_ns()
    for _ in range(2_000):
        host.pass_time(LOOK_NS // 3, drift_ppm)
        now_ns = clock.now_ns()
        assert now_ns > last_ns
        last_ns = now_ns
    assert abs(last_ns - host.wall) < SECOND_NS // 1_000
    assert not clock.stepped


@pytest.mark.parametrize("step_ns", [STEP_NS_MAX, -STEP_NS_MAX, SECOND_NS // 10, -SECOND_NS // 10])
def test_a_small_step_is_made_up_for_slowly(host, clock, step_ns):
    host.wall += step_ns
    last_ns = clock.now_ns()
    for _ in range(1_000):
        host.pass_time(LOOK_NS // 2)
        now_ns = clock.now_ns()
        assert 0 < now_ns - last_ns < LOOK_NS
        last_ns = now_ns
    assert abs(last_ns - host.wall) < SECOND_NS // 1_000


def test_a_long_pause_while_a_small_step_is_made_up_for_does_not_overshoot(host, clock):
    host.wall += SECOND_NS
    host.pass_time(LOOK_NS)
    clock.now_ns()
    host.pass_time(DAY_NS)
    assert host.wall - SECOND_NS < clock.now_ns() <= host.wall


# Steps


@pytest.mark.parametrize("step_ns", [DAY_NS, -DAY_NS, STEP_NS_MAX + 1, -STEP_NS_MAX - 1, 25 * HOUR_NS])
def test_a_step_is_not_followed_and_is_told_until_the_clock_is_right_again(host, step_ns):
    one = keeper(host)
    host.wall += step_ns
    for _ in range(3):
        host.pass_time(SECOND_NS)
        one.look()
        assert one.clock.now_ns() == host.wall - step_ns
        assert told(one) == [("clock", "degraded")]
    host.wall -= step_ns
    host.pass_time(SECOND_NS)
    one.look()
    assert (one.clock.now_ns(), told(one)) == (host.wall, [])


def test_it_is_told_how_far_the_clock_is_away_and_what_to_do(host):
    one = keeper(host)
    host.wall += DAY_NS
    one.look()
    (standing,) = one.conditions.standing.values()
    assert "24:00:00 h ahead" in standing.reason
    assert "--confirm" not in standing.reason, "nothing is noted, so nothing can be confirmed"
    host.wall -= 2 * DAY_NS
    one.look()
    (standing,) = one.conditions.standing.values()
    assert "24:00:00 h behind" in standing.reason


def test_what_is_to_be_called_names_the_database_so_that_it_can_be_pasted(host, tmp_path):
    database = tmp_path / "a day" / "book.db"
    database.parent.mkdir()
    one = keeper(host, database)
    host.wall += DAY_NS
    one.look()
    (standing,) = one.conditions.standing.values()
    assert standing.reason.endswith(f"runline clock '{database}' --confirm")


@pytest.mark.parametrize("step_ns", [DAY_NS, -DAY_NS])
def test_a_person_on_the_host_confirms_a_step(host, database, step_ns):
    one = keeper(host, database)
    host.wall += step_ns
    one.look()
    assert told(one)
    host.pass_time(SECOND_NS)
    assert show_clock(database, confirmed=True, host=host) == 0
    one.look()
    assert (one.clock.now_ns(), told(one)) == (host.wall, [])
    assert not confirmation_file(database).exists()
    assert confirmation_file(database).parent == database.parent


def test_a_confirmation_is_of_the_clock_as_it_was_then(host, database):
    one = keeper(host, database)
    confirm(database, host)
    host.wall += DAY_NS
    one.look()
    assert one.clock.now_ns() == host.wall - DAY_NS
    assert told(one)
    assert not confirmation_file(database).exists()


def test_without_a_database_nothing_is_noted_and_nothing_confirmed(host, tmp_path):
    one = keeper(host)
    for _ in range(NOTE_LOOKS + 1):
        one.look()
    one.note()
    assert list(tmp_path.iterdir()) == []


# Starts


@pytest.mark.parametrize("idle_ns", [0, SECOND_NS, 12 * HOUR_NS, 7 * DAY_NS, IDLE_NS_MAX])
def test_idling_is_no_step_also_across_a_start_of_the_machine(host, database, idle_ns):
    keeper(host, database).note()
    host.wall += idle_ns
    host.restart()
    one = keeper(host, database)
    assert (one.clock.now_ns(), told(one)) == (host.wall, [])


@pytest.mark.parametrize("idle_ns", [0, 12 * HOUR_NS, 90 * DAY_NS])
def test_idling_is_no_step_while_the_machine_runs(host, database, idle_ns):
    keeper(host, database).note()
    host.pass_time(idle_ns)
    one = keeper(host, database)
    assert (one.clock.now_ns(), told(one)) == (host.wall, [])


@pytest.mark.parametrize("step_ns", [DAY_NS, -DAY_NS, 25 * HOUR_NS])
def test_a_step_between_two_starts_is_seen_by_the_note(host, database, step_ns):
    keeper(host, database).note()
    host.pass_time(HOUR_NS)
    host.wall += step_ns
    one = keeper(host, database)
    assert (one.clock.now_ns(), told(one)) == (host.wall - step_ns, [("clock", "degraded")])


def test_a_step_that_was_not_followed_is_not_followed_after_a_start_either(host, database):
    one = keeper(host, database)
    host.wall += DAY_NS
    one.look()
    one.note()
    host.pass_time(HOUR_NS)
    again = keeper(host, database)
    assert (again.clock.now_ns(), told(again)) == (host.wall - DAY_NS, [("clock", "degraded")])


@pytest.mark.parametrize("step_ns", [-DAY_NS, -25 * HOUR_NS, -STEP_NS_MAX - 1, IDLE_NS_MAX + 1])
def test_a_clock_that_does_not_fit_the_last_event_is_not_followed_at_a_start(host, step_ns):
    host.wall += step_ns
    one = keeper(host)
    assert (one.clock.now_ns(), told(one)) == (NOON_NS, [("clock", "degraded")])


@pytest.mark.parametrize("step_ns", [-DAY_NS, IDLE_NS_MAX + 1, 25 * HOUR_NS])
@pytest.mark.parametrize("noted", [False, True])
def test_a_clock_that_the_host_keeps_right_is_believed_at_a_start(host, database, step_ns, noted):
    if noted:
        keeper(host, database).note()
    host.wall += step_ns
    host.synchronised = True
    one = keeper(host, database)
    assert (one.clock.now_ns(), told(one)) == (host.wall, [])


@pytest.mark.parametrize("step_ns", [-DAY_NS, IDLE_NS_MAX + 1])
def test_what_is_doubtful_at_a_start_can_be_confirmed_before_it(host, database, step_ns):
    host.wall += step_ns
    assert show_clock(database, confirmed=True, host=host) == 0
    host.pass_time(HOUR_NS)
    one = keeper(host, database)
    assert (one.clock.now_ns(), told(one)) == (host.wall, [])
    assert not confirmation_file(database).exists()


def test_a_confirmation_of_another_life_of_the_machine_counts_for_nothing(host, database):
    confirm(database, host)
    host.restart()
    host.wall -= DAY_NS
    one = keeper(host, database)
    assert told(one) == [("clock", "degraded")]


def test_a_new_database_begins_with_the_hosts_clock(host):
    one = keeper(host, last_ns=0)
    assert (one.clock.now_ns(), told(one)) == (NOON_NS, [])


@pytest.mark.parametrize("text", [b"", b"{", b'{"boot":1}', b"\xff"])
def test_notes_that_cannot_be_read_are_none(host, database, text):
    note_file(database).write_bytes(text)
    confirmation_file(database).write_bytes(text)
    one = keeper(host, database)
    assert told(one) == []
    one.note()
    assert read_note(note_file(database)) == TimeNote(host.life, host.boot, NOON_NS)


def test_notes_are_for_their_owner_only(host, database):
    keeper(host, database).note()
    confirm(database, host)
    for file in (note_file(database), confirmation_file(database)):
        assert file.stat().st_mode & 0o777 == 0o600


# The command


def test_the_command_says_whether_the_clocks_agree(host, database, capsys):
    assert show_clock(database, confirmed=False, host=host) == 0
    assert "No server has noted the time" in capsys.readouterr().out
    keeper(host, database).note()
    assert show_clock(database, confirmed=False, host=host) == 0
    assert "they agree" in capsys.readouterr().out
    host.wall -= DAY_NS
    assert show_clock(database, confirmed=False, host=host) == 1
    assert "24:00:00 h behind" in capsys.readouterr().out


def test_the_command_knows_no_database_that_is_not_there(host, tmp_path, capsys):
    assert show_clock(tmp_path / "none.db", confirmed=True, host=host) == 2
    assert "There is no database" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_machines_own_clocks_agree_with_themselves():
    clock = SystemClock()
    first = clock.now_ns()
    assert first <= clock.now_ns()
    assert not clock.stepped
    assert isinstance(clock.host.is_synchronised(), bool)
    assert clock.host.boot_id() == clock.host.boot_id()


def test_a_digit_of_a_note_that_a_disk_has_changed_is_not_believed(host, database):
    keeper(host, database).note()
    file = note_file(database)
    whole = file.read_bytes()
    assert read_note(file) is not None
    for at in range(len(whole)):
        for bit in range(8):
            changed = bytearray(whole)
            changed[at] ^= 1 << bit
            file.write_bytes(changed)
            assert read_note(file) is None


def test_the_notes_lie_beside_the_file_itself_by_whatever_link_it_is_named(host, database, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.db"
    link.symlink_to(database)
    assert note_file(link) == note_file(database)
    assert confirmation_file(link) == confirmation_file(database)


@pytest.mark.skipif(os.geteuid() != 0, reason="only an administrator gives files away")
def test_what_an_administrator_confirms_belongs_to_whom_the_database_belongs(host, database):
    os.chown(database, 1234, 2345)
    confirm(database, host)
    found = confirmation_file(database).stat()
    assert (found.st_uid, found.st_gid) == (1234, 2345)


def test_a_server_over_postgresql_keeps_no_time(capsys):
    assert show_clock("postgresql://runline:secret@/runline", confirmed=False) == 2
    said = capsys.readouterr().err
    assert "notes no time" in said
    assert "secret" not in said


# The clocks of others


def test_who_follows_several_goes_by_the_one_in_the_middle_and_by_the_slower_of_two(host):
    followed = FollowedClock(host)
    followed.hear(NOON_NS, "n1")
    followed.hear(NOON_NS + HOUR_NS, "n2")
    assert followed.now_ns() == NOON_NS
    followed.hear(NOON_NS + SECOND_NS, "n3")
    assert followed.now_ns() == NOON_NS + SECOND_NS
    # Time never goes back.
    followed.hear(NOON_NS - HOUR_NS, "n3")
    assert followed.now_ns() == NOON_NS + SECOND_NS


def test_who_says_nothing_any_more_counts_no_more(host):
    followed = FollowedClock(host)
    followed.hear(NOON_NS, "n1")
    host.pass_time(SILENT_NS + SECOND_NS)
    followed.hear(NOON_NS + HOUR_NS, "n2")
    assert followed.now_ns() == NOON_NS + HOUR_NS
    assert list(followed.heard) == ["n2"]
