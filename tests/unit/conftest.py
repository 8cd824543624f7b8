"""What unit tests share: a house with one book, on stage (see tests/doubles/stage.py)."""

import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
if str(PROJECT) not in sys.path:
    sys.path.append(str(PROJECT))  # so that tests import `tests.doubles` however pytest was called

from tests.doubles.beside import compared_stage  # noqa: E402
from tests.doubles.stage import BookStage, HouseStage  # noqa: E402


@pytest.fixture
def house(request: pytest.FixtureRequest) -> HouseStage:
    """A house that has just been founded. Whatever is decided on stage the oracle's model must say too, unless the test is marked
    as one that it does not follow."""
    return HouseStage() if request.node.get_closest_marker("alone") else compared_stage()


@pytest.fixture
def book(house: HouseStage) -> BookStage:
    """A book that has just been started."""
    return house.open_book("main")
