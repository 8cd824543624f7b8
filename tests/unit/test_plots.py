"""Plots of the benches: every budget has its row, the same results give the same bytes."""

import json
from pathlib import Path

import plots
import pytest
from run import BUDGETS


@pytest.fixture
def results():
    """Results in which every budget is just met."""
    found = {name: {key: budget for _, key, _, budget in rows} for name, rows in BUDGETS.items()}
    found["idle"] |= {"answer_ms_p50": 0.8, "answer_ms_p99": 2.0, "answer_ms_p99_9": 3.0}
    found["growth"] |= {f"{way}_{what}_x": 1.1 for way in plots.WAYS for what in ("core", "end_to_end")}
    found["growth"] |= dict.fromkeys(plots.WAYS, 1_000.0)
    for factor in plots.FACTORS:
        times = float(factor.replace("_", "."))
        found["overload"] |= {f"at_{factor}x_offered_per_s": times, f"at_{factor}x_accepted_per_s": min(times, 1.0)}
        found["overload"][f"at_{factor}x_answer_ms_p99"] = 10.0
    return found


def drawn(figure, path):
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    return path.read_text()


def test_every_budget_has_its_row_with_its_figure(results, tmp_path):
    picture = drawn(plots.budgets(results), tmp_path / "budgets.svg")
    for name, rows in BUDGETS.items():
        for what, *_ in rows:
            assert f"{name}: {what}" in picture


@pytest.mark.parametrize("name", plots.DRAWN)
def test_the_same_results_give_the_same_file(results, name, tmp_path):
    draw = plots.DRAWN[name]
    assert drawn(draw(results), tmp_path / "one.svg") == drawn(draw(results), tmp_path / "two.svg")


def test_what_was_not_measured_is_not_drawn(results):
    del results["overload"]["at_5x_offered_per_s"]
    del results["growth"]
    assert plots.overload(results) is None
    assert plots.growth(results) is None


def test_the_recorded_results_can_be_read():
    recorded = json.loads((Path(plots.__file__).parent / "results.json").read_text())
    assert plots.read(Path(plots.__file__).parent / "results.json").keys() == {one["name"] for one in recorded}
