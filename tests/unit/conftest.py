"""What unit tests share: a house with one book, on stage (see tests/doubles/stage.py)."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, settings

PROJECT = Path(__file__).parents[2]
if str(PROJECT) not in sys.path:
    sys.path.append(str(PROJECT))  # so that tests import `tests.doubles` however pytest was called

from tests.doubles.beside import Compared, compare_figures, compared_stage  # noqa: E402
from tests.doubles.stage import BookStage, HouseStage  # noqa: E402

from runline.simulate.laws import memory_is_what_a_restart_would_rebuild  # noqa: E402

# No test is held to a time: neither to how long one example takes, nor to how long it takes to make one.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture
def house(request: pytest.FixtureRequest) -> Iterator[HouseStage]:
    """A house that has just been founded. Whatever is decided on stage the oracle's model must say too, and what stands there at
    the end; and that must be what a restart would rebuild, unless the test is marked as one that goes its own way."""
    if request.node.get_closest_marker("alone"):
        yield HouseStage()
        return
    house = compared_stage()
    yield house
    for stage in (house, *house.books):
        compare_figures(cast("Compared", stage))
        memory_is_what_a_restart_would_rebuild(stage.state, stage.recovered())


@pytest.fixture
def book(house: HouseStage) -> BookStage:
    """A book that has just been started."""
    return house.open_book("main")
