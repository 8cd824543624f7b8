"""Sheets: the rows of a query as CSV, page by page, for whoever opens them in a spreadsheet.

Rule: nothing that somebody wrote is taken for a formula there. A sheet that ends is whole: if something goes wrong on the way,
or it would be too long, the connection is cut before its end.
"""

import csv
import io
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import Any

import msgspec

from runline.domain.times import sibling
from runline.gateway.limits import CSV_PAGE_ROWS, CSV_ROWS_MAX
from runline.gateway.site import Headers

CSV = "text/csv"

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""With what a text begins that a spreadsheet executes."""

WEIGHT = re.compile(r"q=([01](?:\.\d{0,3})?)")
"""How much a kind of answer is wanted, as RFC 9110 has it."""

NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
"""A price such as -110 is none."""


class CutShort(Exception):
    """There are more rows than an answer may have."""


def wants_csv(headers: Headers) -> bool:
    """Whether a client asks for CSV, and not rather for JSON."""
    wanted = {"text/csv": 0.0, "application/json": 0.0}
    for one in headers.get(b"accept", b"").decode("latin-1").lower().split(","):
        kind, *more = map(str.strip, one.split(";"))
        if kind in wanted:
            weight = next((WEIGHT.fullmatch(text) for text in more if text.startswith("q=")), None)
            wanted[kind] = float(weight[1]) if weight else 1.0
    return wanted[CSV] > 0 and wanted[CSV] >= wanted["application/json"]


def heads(row: type[msgspec.Struct]) -> tuple[str, ...]:
    """The names of the columns: of the row's fields, with the texts beside its times."""
    names: list[str] = []
    for field in msgspec.structs.fields(row):
        names.append(field.encode_name)
        if beside := sibling(field.encode_name):
            names.append(beside)
    return tuple(names)


def cell(value: Any) -> Any:
    """A value in its cell. Lists and objects are JSON; what begins like a formula gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return msgspec.json.encode(value).decode()
    if isinstance(value, str) and value.startswith(FORMULA) and NUMBER.fullmatch(value) is None:
        return f"'{value}"
    return value


def lines_of(names: tuple[str, ...], items: Iterable[dict[str, Any]]) -> bytes:
    """Rows as lines."""
    text = io.StringIO()
    csv.writer(text).writerows([cell(item.get(name)) for name in names] for item in items)
    return text.getvalue().encode()


Ask = Callable[[str, int], Awaitable[dict[str, Any]]]
"""(after, limit) -> a page."""


async def sheet(
    row: type[msgspec.Struct], first: dict[str, Any], most: int | None, ask: Ask
) -> AsyncGenerator[bytes, None]:
    """The lines of all rows, from a first page on. most: how many, None for all.

    Raises CutShort, and what `ask` raises.
    """
    names = heads(row)
    yield ",".join(names).encode() + b"\r\n"
    page, count = first, 0
    while True:
        count += len(page["items"])
        yield lines_of(names, page["items"])
        if not page["next"] or count == most:
            return
        if count >= CSV_ROWS_MAX:
            raise CutShort
        page = await ask(page["next"], CSV_PAGE_ROWS if most is None else min(CSV_PAGE_ROWS, most - count))
