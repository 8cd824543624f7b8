"""Sheets: cells that a spreadsheet shows and does not execute, and lines that any reader of CSV reads again."""

import asyncio
import csv
import io
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runline.gateway import sheets
from runline.gateway.sheets import CutShort, cell, heads, lines_of, sheet, wants_csv


class Row(msgspec.Struct):
    """A row."""

    number: int
    placed_ns: int
    price: str
    idle_ns: int


def test_the_heads_are_the_fields_with_the_texts_beside_their_times():
    assert heads(Row) == ("number", "placed_ns", "placed_at", "price", "idle_ns")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("-110", "-110"),
        ("+120.5", "+120.5"),
        ("EVEN", "EVEN"),
        (-7, -7),
        (None, ""),
        (True, "true"),
        (False, "false"),
        (["=1"], '["=1"]'),
        ({"a": 1}, '{"a":1}'),
    ],
)
def test_a_text_that_would_be_a_formula_is_none_and_a_price_stays_a_price(value, shown):
    assert cell(value) == shown


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1, max_size=5))
def test_lines_are_read_again_as_they_were_and_no_cell_begins_a_formula(texts):
    names = tuple(f"c{number}" for number in range(len(texts)))
    read = next(
        csv.reader(io.StringIO(lines_of(names, [dict(zip(names, texts, strict=True))]).decode(), newline="")), [""]
    )
    for told, text in zip(read, texts, strict=True):
        assert told in (text, f"'{text}")
        assert not told.startswith(("=", "@", "\t", "\r"))


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (b"text/csv", True),
        (b"application/json;q=0.5, Text/CSV; q=1", True),
        (b"application/json, text/csv;q=0.1", False),
        (b"text/csv;q=0", False),
        (b"*/*", False),
        (b"application/json", False),
        (b"", False),
    ],
)
def test_csv_is_given_to_whoever_names_it(accept, wanted):
    assert wants_csv({b"accept": accept}) == wanted


def pages(count: int) -> Any:
    """What gives so many rows, by pages."""

    async def ask(after: str, limit: int) -> dict[str, Any]:
        start = int(after or 0)
        items = [{"number": number} for number in range(start, min(start + limit, count))]
        return {"items": items, "next": str(start + limit) if start + limit < count else ""}

    return ask


@pytest.mark.parametrize(("count", "most", "lines"), [(250, None, 250), (250, 120, 120), (250, 300, 250), (0, None, 0)])
def test_a_sheet_has_all_rows_or_as_many_as_are_asked_for(count, most, lines):
    async def main() -> bytes:
        ask = pages(count)
        first = await ask("", min(100, most or 100))
        return b"".join([piece async for piece in sheet(Row, first, most, ask)])

    assert asyncio.run(main()).count(b"\r\n") == lines + 1


def test_a_sheet_that_would_be_too_long_does_not_end(monkeypatch):
    monkeypatch.setattr(sheets, "CSV_ROWS_MAX", 200)

    async def main() -> None:
        ask = pages(250)
        async for _ in sheet(Row, await ask("", 100), None, ask):
            pass

    with pytest.raises(CutShort):
        asyncio.run(main())
