"""Levels, where it is executed and stored: a book takes what is new once all have it, a database is changed step by step."""

import pytest
from tests.integration.postgresql import cluster
from tests.integration.world import play, running
from tests.unit.test_level import Ring, Toll, bells

from runline.domain.vocabulary import NOUNS, Vocabulary
from runline.engine.ports import StoreError
from runline.engine.requests import Accepted, Refused
from runline.store import postgres_opening
from runline.store.migrations.run import lacking, upgrade_sql
from runline.store.postgres_connection import connect
from runline.store.postgres_opening import beside, open_database
from runline.store.sqlite import SqliteStore
from runline.store.tables import SCHEMA_REVISION


def test_a_book_refuses_what_is_new_until_the_level_is_reached_and_then_does_it(path):
    async def main():
        async with running(SqliteStore(path), vocabulary=Vocabulary(*NOUNS, bells(), level=3)) as world:
            await world.open_house()
            await world.open_book()
            level = world.engine.process.level
            level.reach(1)
            for command, code in ((Toll(), "not_yet"), (Ring(softly=True), "not_yet"), (Ring(), None)):
                outcome = await world.ask("b1", command)
                assert (outcome.code if isinstance(outcome, Refused) else None) == code, command
            level.reach(3)
            for command in (Toll(), Ring(softly=True, why="now")):
                outcome = await world.ask("b1", command)
                assert isinstance(outcome, Accepted), outcome

    play(main())


# Migrations

SCRIPT = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = {revision!r}, {down!r}
{level}

def upgrade():
    op.execute("SELECT {revision}")
"""


def scripts(folder, *levels):
    """Scripts one after the other, each with the level from which on it may take something away, 0 for one that adds."""
    (folder / "versions").mkdir()
    down = None
    for number, level in enumerate(levels, 1):
        text = SCRIPT.format(revision=str(number), down=down, level=f"contracts_from = {level}" if level else "")
        (folder / "versions" / f"{number}.py").write_text(text)
        down = str(number)
    return folder


def test_what_takes_something_away_waits_for_its_level_and_what_adds_does_not(tmp_path):
    found = scripts(tmp_path, 0, 0, 2)
    assert lacking(None, 1, found) == ("2", True)
    assert lacking("1", 1, found) == ("2", True)
    assert lacking("2", 1, found) == (None, True)
    assert lacking("2", 2, found) == ("3", True)
    assert lacking(None, 2, found) == ("3", True)
    assert lacking("3", 2, found) == (None, True)
    script = upgrade_sql("postgresql", "1", "2", found)
    assert "SELECT 2" in script
    assert "SELECT 3" not in script


def test_what_adds_after_what_must_wait_is_of_a_version_that_is_no_neighbour(tmp_path):
    assert lacking("1", 1, scripts(tmp_path, 0, 2, 0)) == (None, False)


@pytest.fixture
def address():
    name = "runline_levels"
    yield cluster().empty(name)
    cluster().ask("postgres", f"DROP DATABASE {name} WITH (FORCE)")


async def told(address, sql):
    """Have a statement done in a database."""
    connection = await connect(address, "runline test")
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def test_a_database_that_nodes_of_a_later_level_have_written_is_refused_and_one_that_they_have_only_added_to_is_not(
    address, monkeypatch
):
    beside(open_database(address, shared=True))
    beside(told(address, "UPDATE alembic_version SET version_num = '9999'"))
    assert beside(open_database(address, shared=True)).number == 2
    beside(told(address, "UPDATE cluster_level SET level = 2"))
    with pytest.raises(StoreError, match="It is of level 2, and this Runline of level 1") as refused:
        beside(open_database(address, shared=True))
    assert refused.value.kind == "unreadable"
    beside(told(address, f"UPDATE alembic_version SET version_num = '{SCHEMA_REVISION}'"))
    monkeypatch.setattr(postgres_opening, "LEVEL", 3)
    beside(open_database(address, shared=True))
    assert beside(told(address, "SELECT level FROM cluster_level")) == 2
    # Whoever has it alone goes on by its own.
    beside(open_database(address))
    assert beside(told(address, "SELECT level FROM cluster_level")) == 3


def test_a_version_whose_changes_the_nodes_do_not_allow_yet_says_which_comes_first(address, monkeypatch):
    beside(open_database(address, shared=True))
    monkeypatch.setattr("runline.store.migrations.run.lacking", lambda revision, level: (None, False))
    beside(told(address, "UPDATE alembic_version SET version_num = '0007'"))
    with pytest.raises(StoreError, match="replace all nodes by the version of level 2 first"):
        beside(open_database(address, shared=True))
