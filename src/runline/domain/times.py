"""Times: how they are told: beside each integer of nanoseconds stands a text that nothing rounds.

Rule: wherever JSON leaves Runline, a field `start_ns` that is a time has a sibling `start_at` right after it (`at_ns` has `at`):
the same time in ISO 8601, in UTC, to the nanosecond. It is null where there is no time. Integers beyond 2^53 are rounded by
JavaScript and by jq; texts are not, and are in the order of the times.
"""

import re
from functools import lru_cache

SECOND = 10**9

NEVER = 2**53
"""Nanoseconds below which a number is no time of a sportsbook (that would be April 1970): 0 stands for none."""

LENGTHS = ("idle", "whole")
"""Of fields in nanoseconds that are a length of time, and so have no sibling: the name without its unit."""

DAYS_REMEMBERED = 4_096
SECONDS_REMEMBERED = 4_096
"""Days and seconds whose text is remembered: pages and frames tell of the same ones again and again."""

MINUTES = 24 * 60
MINUTE_TEXTS = tuple(f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(MINUTES))
"""The minutes of a day."""

TEXT = re.compile(r"(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):?(\d{2}))")

VALUE = re.compile(r"(?:\d+|null)(?=[,}])", re.ASCII)
"""What stands behind the name of such a field."""

DAYS_OF_400_YEARS = 146_097
DAYS_BEFORE_1970 = 719_468
"""From 1 March of the year 0, in which the years of this reckoning begin, so that a leap day is a year's last."""


def sibling(field: str) -> str:
    """The name of the text beside a field, "" if it has none."""
    name, unit, rest = field.rpartition("_ns")
    if not name or not unit or rest or name in LENGTHS:
        return ""
    return "at" if name == "at" else f"{name}_at"


@lru_cache(DAYS_REMEMBERED)
def day_text(day: int) -> str:
    """A day since 1970 as text. (By the reckoning of Howard Hinnant, "chrono-compatible low-level date algorithms",
    `civil_from_days`.)"""
    era, day = divmod(day + DAYS_BEFORE_1970, DAYS_OF_400_YEARS)
    year = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5 - 1
    year += 400 * era + (month >= 10)
    month += 3 if month < 10 else -9
    return f"{year:04d}-{month:02d}-{day:02d}"


def time_text(at_ns: int) -> str:
    """A time in UTC nanoseconds, as text: 2026-09-13T17:00:00.000000000Z."""
    second, rest = divmod(at_ns, SECOND)
    return f"{second_text(second)}.{rest:09d}Z"


@lru_cache(SECONDS_REMEMBERED)
def second_text(second: int) -> str:
    """A second since 1970 as text, without what comes behind it."""
    minute, second = divmod(second, 60)
    day, minute = divmod(minute, MINUTES)
    return f"{day_text(day)}T{MINUTE_TEXTS[minute]}:{second:02d}"


def days_of(year: int, month: int, day: int) -> int:
    """Days since 1970 (by the same reckoning, `days_from_civil`)."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * DAYS_OF_400_YEARS + of_era * 365 + of_era // 4 - of_era // 100 + of_year - DAYS_BEFORE_1970


def time_of(text: str) -> int:
    """The UTC nanoseconds of a text: such as `time_text` gives (in any zone, with or without a fraction), or the integer itself.

    Raises ValueError.
    """
    if text.isdecimal() and len(text) <= 19:
        return int(text)
    found = TEXT.fullmatch(text)
    if found is None:
        raise ValueError("a time is nanoseconds since 1970, or like 2026-09-13T17:00:00Z")
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    days = days_of(year, month, day)
    if hour > 23 or minute > 59 or second > 59 or day_text(days) != text[:10]:
        raise ValueError("there is no such day or time of day")
    fraction, sign, hours, minutes = found.groups()[6:]
    if sign:
        if int(hours) > 23 or int(minutes) > 59:
            raise ValueError("there is no such zone")
        minute -= int(f"{sign}1") * (60 * int(hours) + int(minutes))
    at_ns = (days * 86_400 + hour * 3_600 + minute * 60 + second) * SECOND + int((fraction or "").ljust(9, "0"))
    if at_ns < 0:
        raise ValueError("that is before 1970")
    return at_ns


def with_times(body: bytes) -> bytes:
    """JSON, with the texts beside its times. What has none is returned as it is.

    (In a text a quote has a backslash before it, so that nothing in it is taken for the name of a field.)
    """
    if b'_ns":' not in body:
        return body
    before, *rest = body.decode().split('_ns":')
    parts = [before]
    for part in rest:
        name = before[before.rfind('"') + 1 :]
        before = part
        found = VALUE.match(part)
        if found is None or not name or name in LENGTHS:
            parts.append(part)
            continue
        value = found[0]
        at_ns = int(value) if value != "null" else 0
        told = f'"{time_text(at_ns)}"' if at_ns >= NEVER else "null"
        beside = f"{name}_at" if name != "at" else name
        parts.append(f'{value},"{beside}":{told}{part[len(value) :]}')
    return '_ns":'.join(parts).encode()
