"""Golden log: what was stored once is readable for ever. A changed event needs a new version and an upcaster.

(To add the line of a new type or version: `python -m tests.doubles.golden`. Lines are never changed.)
"""

import msgspec
import pytest
from tests.doubles.golden import FILE, stored
from tests.doubles.plain import VOCABULARY

from runline.engine.envelope import encode_envelope

ENTRIES = stored()
each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.type}-{entry.version}")


@each_entry
def test_a_stored_event_is_still_an_event(entry):
    assert type(entry.event(VOCABULARY)) is VOCABULARY.events[entry.type]


@each_entry
def test_an_event_is_stored_as_it_was_or_has_another_version(entry):
    if entry.version == VOCABULARY.events[entry.type].version:
        assert msgspec.json.encode(entry.event(VOCABULARY)) == bytes(entry.payload)


def test_an_envelope_is_stored_as_it_was():
    assert b"".join(encode_envelope(entry) + b"\n" for entry in ENTRIES) == FILE.read_bytes()


def test_no_type_has_two_lines_of_one_version():
    assert len({(entry.type, entry.version) for entry in ENTRIES}) == len(ENTRIES)
