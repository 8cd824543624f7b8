"""Real results: the last line of every MLB game of 2016 and of every NFL game since 1999, counted.

The counts are those that came with the data (`data/*/NOTICE.md`); nothing here computed them first.
"""

import gzip
import shutil
from collections import Counter
from pathlib import Path

import pytest

from runline.domain.grading import Score, grade, league_rules
from runline.feeds import mlb2016, nfl

DATA = Path(__file__).parents[2] / "data"
BASEBALL = league_rules("baseball")
FOOTBALL = league_rules("football")


@pytest.fixture(scope="module")
def mlb_games():
    return mlb2016.read_games(DATA / "mlb")


@pytest.fixture(scope="module")
def mlb_lines():
    """The lines of each game, in order."""
    lines: dict[str, list[mlb2016.MlbLine]] = {}
    for line in mlb2016.read_lines(DATA / "mlb"):
        lines.setdefault(line.game_id, []).append(line)
    return lines


@pytest.fixture(scope="module")
def nfl_played():
    return [game for game in nfl.read_games(DATA / "nfl" / nfl.GAMES) if game.score() is not None]


def mlb_counts(games, lines, score_of):
    """Both sides of the last line of every game in every market: market -> (side, result) -> games."""
    counts: dict[str, Counter[tuple[str, str]]] = {"moneyline": Counter(), "spread": Counter(), "total": Counter()}
    for game in games:
        line, score = lines[game.game_id][-1], score_of(game)
        for market, side, quarters in (
            ("moneyline", "home", None),
            ("moneyline", "away", None),
            ("spread", "home", -line.spread_away),
            ("spread", "away", line.spread_away),
            ("total", "over", line.total),
            ("total", "under", line.total),
        ):
            counts[market][side, grade(BASEBALL, market, "game", side, quarters, score)] += 1
    return counts


def two_sided(side, other, won, lost, push=0, void=0):
    """The counts of a market that one side won this often, and the other that often."""
    counts = Counter({(side, "won"): won, (side, "lost"): lost, (other, "won"): lost, (other, "lost"): won})
    counts += Counter({(side, "push"): push, (other, "push"): push, (side, "void"): void, (other, "void"): void})
    return counts


def test_every_mlb_game_by_arithmetic_alone(mlb_games, mlb_lines):
    counts = mlb_counts(mlb_games, mlb_lines, lambda game: Score(game.final_home, game.final_away))
    assert counts["total"] == two_sided("over", "under", 1_177, 1_173, push=112)
    assert counts["moneyline"] == two_sided("home", "away", 1_302, 1_159, push=1)
    assert counts["spread"] == two_sided("home", "away", 1_139, 1_323)


def test_every_mlb_game_by_the_official_length(mlb_games, mlb_lines):
    counts = mlb_counts(mlb_games, mlb_lines, lambda game: game.score())
    assert counts["total"] == two_sided("over", "under", 1_177, 1_172, push=112, void=1)
    assert counts["moneyline"] == two_sided("home", "away", 1_302, 1_159, push=1)
    assert counts["spread"] == two_sided("home", "away", 1_139, 1_322, void=1)


def test_the_game_called_for_rain_is_no_action_in_every_market(mlb_games, mlb_lines):
    (called,) = (game for game in mlb_games if game.half_innings is not None)
    assert (called.game_id, called.final_away, called.final_home) == ("PIT201609290", 1, 1)
    line = mlb_lines[called.game_id][-1]
    score = called.score()
    assert grade(BASEBALL, "moneyline", "game", "home", None, score) == "push"
    assert grade(BASEBALL, "spread", "game", "away", line.spread_away, score) == "void"
    assert grade(BASEBALL, "total", "game", "over", line.total, score) == "void"


def test_every_nfl_game(nfl_played):
    assert len(nfl_played) == 7_184
    spread: Counter[tuple[str, str]] = Counter()
    total: Counter[tuple[str, str]] = Counter()
    moneyline: Counter[tuple[str, str]] = Counter()
    for game in nfl_played:
        score = game.score()
        for side, line in (("home", game.spread_home), ("away", -game.spread_home)):
            spread[side, grade(FOOTBALL, "spread", "game", side, line, score)] += 1
            moneyline[side, grade(FOOTBALL, "moneyline", "game", side, None, score)] += 1
        for side in ("over", "under"):
            total[side, grade(FOOTBALL, "total", "game", side, game.total, score)] += 1
    assert spread == two_sided("home", "away", 3_426, 3_563, push=195)
    assert total == two_sided("over", "under", 3_492, 3_586, push=106)
    assert moneyline["home", "push"] == moneyline["away", "push"] == 15


def test_every_nfl_game_that_went_to_overtime_is_the_draw_of_the_three_way(nfl_played):
    drawn = [game for game in nfl_played if grade(FOOTBALL, "three_way", "game", "draw", None, game.score()) == "won"]
    assert drawn == [game for game in nfl_played if game.overtime]
    assert sum(game.home_score == game.away_score for game in drawn) == 15


# The readers.


def test_the_mlb_season_is_all_there(mlb_games, mlb_lines):
    assert len(mlb_games) == 2_462
    assert sum(len(lines) for lines in mlb_lines.values()) == 241_039
    assert all(len(mlb_lines[game.game_id]) == game.lines for game in mlb_games)
    assert sum(game.doubleheader_game > 0 for game in mlb_games) == 28
    starts = {game.game_id: game.start_ns for game in mlb_games}
    assert sum(line.entered_ns > starts[game] for game, lines in mlb_lines.items() for line in lines) == 39


def test_mlb_lines_are_typed(mlb_games, mlb_lines):
    first = mlb_lines["PIT201604030"][1]
    assert mlb_games[0].start_ns == 1_459_703_100_000_000_000
    assert first.entered_ns == 1_459_433_856_923_000_000
    assert (first.spread_away, first.spread_away_price) == (None, None)
    assert (first.moneyline_away_price, first.moneyline_home_price) == ("-110", "+102")
    assert (first.total, first.over_price, first.under_price) == (26, "+100", "-110")


def test_nfl_games_are_typed(nfl_played):
    game = next(game for game in nfl_played if game.game_id == "2024_04_WAS_ARI")
    assert (game.away_score, game.home_score, game.overtime) == (42, 14, False)
    assert (game.spread_home, game.spread_home_price, game.total) == (-14, "-105", 196)
    assert (game.moneyline_away_price, game.moneyline_home_price) == ("+150", "-180")


@pytest.fixture
def mlb_copy(tmp_path):
    for name in (mlb2016.GAMES, mlb2016.CALLED):
        shutil.copy(DATA / "mlb" / name, tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "old", "new", "place"),
    [
        (mlb2016.GAMES, "2016-04-03T17:05:00.000Z", "yesterday", ":2:"),
        (mlb2016.GAMES, "2016-04-03T17:05:00.000Z", "2016-04-03T17:05:00", ":2:"),
        (mlb2016.GAMES, ",1,4,82", ",1,-4,82", ":2:"),
        (mlb2016.GAMES, ",1,4,82", ",1,4", ":2:"),
        (mlb2016.GAMES, "TBA201604030", "PIT201604030", ":3:"),
        (mlb2016.GAMES, "final_away", "away", ":1:"),
        (mlb2016.CALLED, "10", "ten", ":2:"),
        (mlb2016.CALLED, "PIT201609290", "nowhere", "nowhere"),
    ],
)
def test_a_bad_row_of_mlb_games_is_named(mlb_copy, file, old, new, place):
    path = mlb_copy / file
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ValueError, match=file) as caught:
        mlb2016.read_games(mlb_copy)
    assert place in str(caught.value)


@pytest.mark.parametrize(
    "row",
    [
        "PIT201604030,2016-03-31T14:16:48.047Z,,,,-11,102,,,",
        "PIT201604030,2016-03-31T14:16:48.047Z,1.3,,,-110,102,,,",
        "PIT201604030,then,,,,-110,102,,,",
        "PIT201604030,2016-03-31T14:16:48.047Z",
        "",
    ],
)
def test_a_bad_mlb_line_is_named(tmp_path, row):
    with gzip.open(tmp_path / mlb2016.LINES, "wt") as file:
        file.write(f"{mlb2016.LINE_FIELDS}\n{row}\n")
    with pytest.raises(ValueError, match=r"lines\.csv\.gz:2:"):
        list(mlb2016.read_lines(tmp_path))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (",MIN,17,ATL,14,", ",MIN,17,ATL,,"),
        (",MIN,17,ATL,14,", ",MIN,17,ATL,15,"),
        (",MIN,17,ATL,14,", ",MIN,x,ATL,14,"),
        (",Home,-3,31,0,", ",Home,-3,31,2,"),
        (",Home,-3,31,0,", ",Home,-3,31,0"),
        (",,,-4,,,49,", ",,,-4.1,,,49,"),
        (",,,-4,,,49,", ",50,,-4,,,49,"),
    ],
)
def test_a_bad_row_of_nfl_games_is_named(tmp_path, old, new):
    text = gzip.decompress((DATA / "nfl" / nfl.GAMES).read_bytes()).decode()
    head = "".join(text.splitlines(keepends=True)[:3])
    assert old in head
    (tmp_path / nfl.GAMES).write_bytes(gzip.compress(head.replace(old, new, 1).encode()))
    with pytest.raises(ValueError, match=r"nflverse.*\.csv\.gz:2:"):
        nfl.read_games(tmp_path / nfl.GAMES)


@pytest.mark.parametrize("cut", [20, 100_000])
def test_a_file_that_is_cut_off_is_named(tmp_path, cut):
    (tmp_path / nfl.GAMES).write_bytes((DATA / "nfl" / nfl.GAMES).read_bytes()[:cut])
    (tmp_path / mlb2016.LINES).write_bytes((DATA / "mlb" / mlb2016.LINES).read_bytes()[:cut])
    with pytest.raises(ValueError, match="nflverse"):
        nfl.read_games(tmp_path / nfl.GAMES)
    with pytest.raises(ValueError, match="lines"):
        list(mlb2016.read_lines(tmp_path))
