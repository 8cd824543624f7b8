"""The demo, as a shell runs it, and what it refuses to do."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from tests.integration.world import NOON_NS, SetClock

from runline.demo.bettors import Bettors
from runline.demo.clock import eastern
from runline.demo.day import DEFAULT_DAY, SUNDAY, Rush, fitted, read_baseball, read_sunday, scenario_here
from runline.demo.headless import run_demo
from runline.demo.options import BadOption, check_rate, parse_day, parse_duration
from runline.demo.people import BOOKS, creating, people_of
from runline.demo.timeline import Timeline, spark, write_picture
from runline.demo.walkthrough import speed_of
from runline.domain.board import MarketLine
from runline.domain.grading import Score
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.prices import Prices
from runline.evaluate.verify import verify

PROJECT = Path(__file__).parents[2]
HOUR_NS = 3_600 * 10**9
MINUTE_NS = 60 * 10**9


def demo(*words, **environment):
    return subprocess.run(
        [sys.executable, "-m", "runline", "demo", "--headless", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def demo_here(**options):
    """The demo in this process, for what goes wrong before anything starts."""
    wanted = {
        "duration": "3s",
        "data": None,
        "scenario": "baseball",
        "day": None,
        "rate": 200.0,
        "seed": 1,
        "committer": "inline",
    }
    return run_demo(**{**wanted, **options})


def test_three_seconds_of_a_baseball_day_settle_and_verify():
    done = demo("--for", "3s")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Verified" in done.stdout
    assert "wager placed by" in done.stdout, "the way of a wager is shown"
    assert " commit p50 " in done.stdout
    assert " p50 0.0 " not in done.stdout, "how long commands take is measured"
    assert "\x1b" not in done.stdout, "no drawing where there is no terminal"
    assert done.stderr == ""


def test_a_database_that_is_kept_can_be_verified_again(tmp_path):
    done = demo(
        "--for", "1s", "--rate", 400, "--data", tmp_path / "kept", "--committer", "inline", "--day", "2016-11-02"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    database = tmp_path / "kept" / "runline.db"
    assert f"runline verify {database}" in done.stdout.splitlines()[-1]
    report = verify(database)
    assert not report.differences
    assert set(report.streams) == {"house", "harbor", "summit"}
    assert report.rows["players"] == 540
    again = demo("--for", "1s", "--data", tmp_path / "kept")
    assert again.returncode == 2
    assert "database already" in again.stderr


@pytest.mark.parametrize("committer", ["inline", "process"])
def test_an_interrupted_day_is_closed_and_verified(committer):
    words = f"-m runline demo --headless --for 1m --rate 500 --committer {committer}".split()
    with subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if " accepted " in line:
                break
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 0, out + err
    assert "Verified" in out
    assert err == ""


def test_nothing_of_a_demo_that_is_killed_goes_on():
    words = "-m", "runline", "demo", "--for", "10m"
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        port = int(next(found[1] for line in running.stdout if (found := re.search(r"http://[\d.]+:(\d+)", line))))
        assert is_up(port)
        running.kill()
        # Who ends lets go of connections one after the other.
        assert not all(is_up(port) for _ in range(5))


def is_up(port: int) -> bool:
    """Whether a server takes a connection; returns when it lets go of it."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.send(b"\n\n")
            with suppress(ConnectionResetError):
                connection.recv(1)
            return True
    except ConnectionRefusedError:
        return False


def test_a_day_without_a_wager_fails():
    done = demo("--for", "1s", "--rate", "0.000001", "--day", "2016-11-02")
    assert done.returncode == 1
    assert "no wager was accepted" in done.stderr
    assert "Verified" in done.stdout


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"duration": "20"}, "--for"),
        ({"duration": "-1s"}, "--for"),
        ({"duration": "0.5s"}, "--for"),
        ({"duration": "25h"}, "--for"),
        ({"day": "2016-02-30"}, "--day"),
        ({"day": "today"}, "--day"),
        ({"day": "2016-01-01"}, "no game"),
        ({"day": "2016-07-13"}, "no game"),
        ({"day": "2016-06-25", "scenario": "sunday"}, "--day"),
        ({"rate": 0.0}, "--rate"),
        ({"rate": float("nan")}, "--rate"),
        ({"rate": 1e9}, "--rate"),
        ({"data": Path(__file__)}, "--data"),
    ],
)
def test_what_cannot_be_run_is_said_and_exits_2(options, says, capsys):
    assert demo_here(**options) == 2
    printed = capsys.readouterr()
    assert says in printed.err
    assert printed.err.startswith("runline: ")
    assert printed.out == ""


def test_a_day_on_a_page_that_would_pass_too_fast_names_the_option_that_was_given():
    assert speed_of(None, "5m", 86_400) == 288
    assert speed_of(10, "5m", 86_400) == 10
    with pytest.raises(BadOption, match=r"--for takes from 9s to 86400s .*, not '5s'"):
        speed_of(None, "5s", 86_400)
    for speed in (0, 0.5, 10_001, float("nan")):
        with pytest.raises(BadOption, match="--speed takes from 1 to 10,000"):
            speed_of(speed, "5m", 86_400)


def test_a_misspelt_name_in_the_environment_is_refused(monkeypatch, capsys):
    monkeypatch.setenv("RUNLINE_DTA", "x")
    assert demo_here() == 2
    assert "Did you mean RUNLINE_DATA?" in capsys.readouterr().err


def test_where_the_baseball_season_is_not_the_sunday_is_shown_unless_baseball_is_asked_for(tmp_path, monkeypatch):
    assert scenario_here(None, None) == "baseball"
    monkeypatch.setattr("runline.demo.options.CHECKOUT", tmp_path)
    assert scenario_here(None, None) == "sunday"
    assert scenario_here("baseball", None) == "baseball"
    assert scenario_here(None, "2016-06-25") == "baseball"
    monkeypatch.setenv("RUNLINE_DATA", str(tmp_path))
    assert scenario_here(None, None) == "baseball"


def test_missing_data_are_named_with_the_remedy(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RUNLINE_DATA", str(tmp_path))
    assert demo_here() == 2
    said = capsys.readouterr().err
    assert "RUNLINE_DATA" in said
    assert "--scenario sunday" in said


def test_broken_data_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RUNLINE_DATA", str(tmp_path))
    (tmp_path / "mlb").mkdir()
    (tmp_path / "mlb" / "called_games.csv").write_text("nonsense\n")
    assert demo_here() == 2
    assert "called_games.csv" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "seconds"), [("20s", 20), ("1.5s", 1.5), ("5m", 300), ("1h", 3_600), ("24h", 86_400)])
def test_a_duration_is_a_number_and_a_unit(text, seconds):
    assert parse_duration(text) == seconds


def test_options_keep_what_is_sound():
    assert check_rate(200.0) == 200.0
    assert parse_day("2016-06-25") == date(2016, 6, 25)
    with pytest.raises(BadOption):
        parse_day("")


def test_the_default_day_is_a_full_slate_with_a_double_header_and_a_full_board_in_the_morning():
    day: Any = read_baseball(PROJECT / "data" / "mlb", DEFAULT_DAY)
    assert len(day.games) >= 14
    assert sorted(game.doubleheader_game for game in day.games)[-2:] == [1, 2]
    assert len(day.lines) == sum(game.lines for game in day.games)
    morning = {line.game_id: line for line in day.lines if line.entered_ns < day.origin_ns}
    assert len(morning) == len(day.games)
    for line in morning.values():
        assert None not in (line.spread_away, line.moneyline_home_price, line.total)
    assert day.origin_ns // HOUR_NS % 24 == 5
    assert 24 <= (day.end_ns - day.origin_ns) / HOUR_NS < 31
    assert day.title() == "MLB, Saturday 25 June 2016: 16 games, one double-header"


def test_ten_games_close_at_once_on_the_sunday_and_end_within_ten_minutes_as_they_did():
    day = read_sunday()
    early = [game for game in day.games if game.final_ns is not None]
    assert (len(early), len(day.games)) == (10, 14)
    assert {eastern(game.start_ns).isoformat() for game in early} == {"2024-09-15T13:00:00-04:00"}
    finals = sorted(game.final_ns or 0 for game in early)
    assert len(set(finals)) == 10
    assert finals[-1] - finals[0] <= 10 * MINUTE_NS
    assert {(game.away, game.home): game.score() for game in early}["NO", "DAL"] == Score(19, 44)
    assert (day.date, day.later) == (SUNDAY, True)
    boards = {line.game_id: line.offered() for line in day.lines}
    assert boards.keys() == {game.game_id for game in day.games}
    assert all({market.kind for market in board} == {"spread", "moneyline", "total"} for board in boards.values())
    dallas = {market.kind: market for market in boards["2024_02_NO_DAL"]}
    assert dallas["spread"] == MarketLine("spread", "game", -26, Prices(away="-112", home="-108"))
    assert dallas["moneyline"] == MarketLine("moneyline", "game", None, Prices(away="+235", home="-290"))
    assert dallas["total"].line_quarters == 188
    assert day.rush is not None
    assert (day.rush.until_ns - day.rush.from_ns, day.rush.factor) == (5 * MINUTE_NS, 10)
    assert day.rush.until_ns == day.opening_ns == early[0].start_ns


def test_a_day_that_is_pressed_together_keeps_its_order_and_its_ends():
    day = read_sunday()
    short = fitted(day, NOON_NS, 60)
    assert (short.origin_ns, short.end_ns) == (NOON_NS, NOON_NS + (day.end_ns - day.origin_ns) // 60)
    assert short.rush is not None
    assert short.rush.until_ns - short.rush.from_ns == 5 * MINUTE_NS // 60
    assert [game.game_id for game in short.games] == [game.game_id for game in day.games]
    assert all(one.final_ns is None for one in short.games if one.start_ns > short.end_ns)
    assert {line.entered_ns for line in short.lines} == {NOON_NS}


def test_in_the_rush_ten_times_as_many_wager():
    clock = SetClock(0)
    nobody: Any = None
    bettors = Bettors(nobody, clock, nobody, [], 20.0, 1, rush=Rush(100, 200, 10))
    rates = []
    for at_ns in (99, 100, 199, 200):
        clock.at_ns = at_ns
        rates.append(bettors.rate_now)
    assert rates == [20.0, 200.0, 200.0, 20.0]


def test_a_timeline_counts_each_wager_in_its_part_of_the_day(tmp_path):
    day = read_sunday()
    timeline = Timeline(day, 60.0)
    assert day.rush is not None
    for at_ns, duration_ns in ((day.origin_ns, 1_000_000), (day.rush.from_ns, 5_000_000), (day.end_ns - 1, 9_000_000)):
        timeline.add(at_ns, duration_ns)
    timeline.add(day.end_ns + HOUR_NS, 1)
    assert sum(one.count for one in timeline.bins) == 3
    assert [part.name for part in timeline.table()] == [
        "before the rush",
        "the last five minutes",
        "while the results settle",
    ]
    assert spark([0.0, 1.0, 2.0]) == " \u2585\u2588"
    write_picture(timeline, tmp_path / "day.svg")
    picture = ElementTree.parse(tmp_path / "day.svg").getroot()
    assert "10 games at 1 pm" in "".join(picture.itertext())


def test_a_short_sunday_runs_settles_shows_its_latency_and_verifies(tmp_path):
    done = demo("--scenario", "sunday", "--for", "4s", "--rate", 100, "--data", tmp_path / "kept")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    for words in ("10 games at 1 pm", "the last five minutes", "27 agents opened their figures", "Verified"):
        assert words in done.stdout
    assert (tmp_path / "kept" / "latency.svg").exists()
    report = verify(tmp_path / "kept" / "runline.db")
    assert not report.differences
    assert report.rows["fixtures"] == 14


def test_the_house_has_the_people_it_promises():
    harbor, summit = (people_of(plan) for plan in BOOKS)
    assert (len(harbor.agents), len(harbor.sub_agents), len(harbor.players)) == (5, 20, 500)
    assert {len(seat.players) for seat in harbor.sub_agents} == {25}
    assert len(summit.players) == 40
    assert harbor.players[0] == "A1021"
    assert len({*harbor.players, *summit.players}) == 540
    created = creating(harbor, random.Random(1), 1)
    assert sum(isinstance(command, CreateAgent) for command in created) == 26
    limits = {command.credit_limit_minor for command in created if isinstance(command, CreatePlayer)}
    assert len(limits) > 4
    assert created == creating(harbor, random.Random(1), 1)
