"""What integration tests share: a place for the database, stores of every kind, and limits short enough to wait for."""

import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

PROJECT = Path(__file__).parents[2]
if str(PROJECT) not in sys.path:
    sys.path.append(str(PROJECT))  # so that tests import `tests.integration` however pytest was called

from tests.doubles.nursery import Nursery, nursery  # noqa: E402
from tests.doubles.once import make_once  # noqa: E402
from tests.integration.days import a_day, a_settled_day  # noqa: E402
from tests.integration.postgresql import drop_databases, end_cluster  # noqa: E402
from tests.integration.stores import COMMITTERS, STORES, Opener  # noqa: E402

from runline.store.sqlite import SqliteStore  # noqa: E402

LONG = (
    "test_nodes.py",
    "test_gateway_schema.py",
    "test_cli.py",
    "test_remote.py",
    "test_cluster_here.py",
    "test_cluster.py",
    "test_simulate.py",
    "test_serve.py",
    "test_gateway_signing.py",
    "test_backup.py",
    "test_failover.py",
    "test_simulate_planted.py",
    "test_postgresql.py",
    "test_demo.py",
    "test_gateway.py",
    "test_gateway_stream.py",
    "test_feed_replay.py",
    "test_crash.py",
    "test_wheel.py",
    "test_deployment.py",
    "test_capability.py",
    "test_history_plans.py",
    "test_gateway_access.py",
    "test_migrate.py",
    "test_gateways.py",
    "test_live_hubs.py",
    "test_api.py",
)
"""What takes longest begins first, so that it is not waited for alone at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest in front."""
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONG)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a database may be made."""
    return tmp_path / "book.db"


@pytest.fixture(params=STORES)
def opened(request: pytest.FixtureRequest, path: Path) -> Opener:
    """Opens a store of each kind, again and again the same one."""
    return Opener(STORES[request.param], path)


@pytest.fixture(params=COMMITTERS)
def committed(request: pytest.FixtureRequest, path: Path) -> Opener:
    """Opens a store that keeps a file, with each kind of committer."""
    return Opener(COMMITTERS[request.param], path)


@pytest.fixture(scope="session", autouse=True)
def made_once() -> Iterator[None]:
    """What follows from declarations alone is made once."""
    with pytest.MonkeyPatch.context() as patch:
        make_once(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def cluster_ends() -> Iterator[None]:
    """The PostgreSQL that was started for a test ends with them all."""
    yield
    end_cluster()


@pytest.fixture(autouse=True)
def databases_go() -> Iterator[None]:
    """What a test has had in PostgreSQL goes with it."""
    yield
    drop_databases()


@pytest.fixture(scope="session")
def nursery_of_helpers() -> Iterator[Nursery | None]:
    """What helpers are forked from."""
    with nursery() as one:
        yield one


@pytest.fixture(autouse=True)
def helpers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Helpers come from the nursery, but where tests want them as programs (`programs`)."""
    if "programs" not in request.fixturenames:
        found = request.getfixturevalue("nursery_of_helpers")
        if found is not None:
            monkeypatch.setattr("runline.helpers.subprocess", found)


@pytest.fixture
def programs() -> None:
    """Helpers are started as the programs that they are."""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for long: a failing commit is given up after a few tries, recovery is tried again at once."""
    monkeypatch.setattr("runline.engine.commit.COMMIT_RETRY_S_MAX", 0.1)
    monkeypatch.setattr("runline.engine.commit.COMMIT_RETRY_PAUSE_S", 0.001)
    monkeypatch.setattr("runline.engine.owned.RECOVER_PAUSE_S", 0.001)
    monkeypatch.setattr("runline.store.file.BUSY_MS", 0)
    monkeypatch.setattr("runline.store.file.LOCK_WAIT_S", 0.0)


@pytest.fixture(scope="session")
def day_made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a database after a whole day: every table has rows."""
    folder = tmp_path_factory.mktemp("day")
    a_day(lambda: SqliteStore(folder / "book.db"))
    return folder


@pytest.fixture
def day(day_made_once: Path, tmp_path: Path) -> Path:
    """A copy of that database, to do anything to."""
    return copytree(day_made_once, tmp_path / "day") / "book.db"


@pytest.fixture(scope="session")
def settled_day_made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a database with a fixture settled, an anchor taken, and play after it."""
    folder = tmp_path_factory.mktemp("settled")
    a_settled_day(lambda: SqliteStore(folder / "book.db"), folder / "book.db", folder)
    return folder


@pytest.fixture
def settled_day(settled_day_made_once: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    return copytree(settled_day_made_once, tmp_path / "settled")
