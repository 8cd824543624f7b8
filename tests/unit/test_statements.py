"""The statements: a second database can have them. What only one is told is a hint, and stands in that one's own file."""

import re

import pytest
from tests.doubles.plain import VOCABULARY

from runline.domain.ledger import LedgerEntry
from runline.domain.tickets import Ticket
from runline.engine.ports import Wanted
from runline.store import statements
from runline.store.hints import Hints
from runline.store.sqlite_hints import SQLITE
from runline.store.tables import (
    SYSTEM_TABLES,
    delete,
    equal,
    following,
    held_totals,
    insert,
    select,
    table_of,
    upsert,
)
from runline.store.ways import find, of_agents, ways_to

OTHER = Hints(through=lambda index: "", looked_up="JOIN", among="= ANY(?)", listed=sorted)
"""What another database is told."""

TABLES = {table.name: table for table in (*SYSTEM_TABLES, *map(table_of, VOCABULARY.rows.values()))}

OF_SQLITE_ALONE = re.compile(
    r"INDEXED BY|json_\w+|CROSS JOIN|\bOR (REPLACE|IGNORE)\b|\b(ifnull|iif|rowid|glob|pragma|total)\b|\b(min|max)\([^()]*,",
    re.IGNORECASE,
)

RESERVED = re.compile(
    "all|and|any|array|as|asc|between|both|case|cast|check|collate|column|constraint|create|cross|current_date|current_time|"
    "current_user|default|desc|distinct|do|else|end|except|false|fetch|for|foreign|from|full|grant|group|having|in|inner|into|"
    "is|join|lateral|leading|left|like|limit|localtime|not|null|offset|on|only|or|order|outer|over|primary|references|returning|"
    "right|select|session_user|some|table|then|to|trailing|true|union|unique|user|using|variadic|when|where|window|with"
)
"""Words that PostgreSQL takes for itself unless they are quoted."""


def walked(hints: Hints) -> list[str]:
    """What is read for pages of history, whatever is asked for."""
    asked: list[str] = []

    def read(sql, values):
        assert sql.count("?") == len(values)
        asked.append(sql)
        return ()

    filters: tuple[dict[str, str], ...] = (
        {},
        {"status": "open"},
        {"status": "void"},
        {"player": "P1"},
        {"fixture": "G1", "status": "settled"},
        {"fixture": "G1", "market": "G1:game:total", "side": "over"},
        {"side": "over"},
    )
    for row_type, fields in [(Ticket, one) for one in filters] + [(LedgerEntry, {}), (LedgerEntry, {"player": "P1"})]:
        for within in ((), (of_agents(row_type, "b1", {"A1"}, hints),)):
            for ascending, beside in ((False, ""), (True, "number")):
                wanted = Wanted(fields, {"number": 1}, {"number": 9}, above=1, below=9, ascending=ascending)
                find(read, hints, ways_to(row_type, wanted, within), "b1", wanted, 9, beside)
    return asked


def all_statements(hints: Hints) -> list[str]:
    """Every statement that a store of any kind may have."""
    found = [value for name, value in vars(statements).items() if name.isupper() and isinstance(value, str)]
    found += [statements.subtree(hints), *walked(hints)]
    for table in TABLES.values():
        found += [statements.every_row(table), statements.every_row(table, table.key), statements.how_many(table)]
        found += [statements.every_row_goes(table.name)]
        found += [insert(table), upsert(table), delete(table)]
    for row_type in VOCABULARY.rows.values():
        table = table_of(row_type)
        found += [held_totals(table), select(row_type, f"AND {equal(table.key[1:])}", hints)]
    found += [select(Ticket, f"AND status {sign} 'open'", hints) for sign in ("=", "<>")]
    found += following(Ticket, hints)
    return found


def test_no_statement_says_what_only_sqlite_knows():
    told = all_statements(OTHER)
    assert len(told) > 100
    assert [sql for sql in told if OF_SQLITE_ALONE.search(sql)] == []


def test_sqlite_is_told_by_which_index_to_read():
    assert any("INDEXED BY tickets_held" in sql for sql in all_statements(SQLITE))


def test_every_conflict_that_is_settled_is_named_by_the_key_of_its_table():
    settled = [sql for sql in all_statements(OTHER) if "ON CONFLICT" in sql]
    assert len(settled) > len(TABLES)
    for sql in settled:
        found = re.match(r"INSERT INTO (\w+) \(.*\) VALUES \([?0-9, ]+\) ON CONFLICT \(([^)]+)\) DO UPDATE SET ", sql)
        assert found, sql
        assert found[2].replace('"', "").split(", ") == list(TABLES[found[1]].key), sql


def test_a_mark_stands_for_a_value_and_for_nothing_else():
    for sql in all_statements(OTHER):
        assert "?" not in "".join(re.findall(r"'[^']*'|\"[^\"]*\"", sql)), sql


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_column_that_is_a_word_of_sql_is_quoted(table):
    words = [column.name for column in table.columns if RESERVED.fullmatch(column.name)]
    about = [sql for sql in all_statements(OTHER) if re.search(rf"\b{table.name}\b", sql)]
    assert [sql for sql in about for word in words if re.search(rf'(?<!")\b{word}\b(?!")', sql)] == []
