"""Ids: UUIDv7 as RFC 9562 lays it out."""

import os
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runline.domain.messages import Rejected
from runline.engine.ids import id_bytes, id_text, uuid7

FIXED = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
"""The example of RFC 9562, appendix A.6."""


def refused(text):
    with pytest.raises(Rejected) as rejected:
        id_bytes(text)
    return rejected.value.code == "command_id_invalid"


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, 2**48 - 1), st.integers(0, 999_999), st.binary(min_size=10, max_size=10))
def test_an_id_has_its_time_its_version_its_variant_and_the_rest_by_chance(at_ms, rest_ns, chance):
    made = UUID(uuid7(at_ms * 1_000_000 + rest_ns, lambda size: chance[:size]))
    assert made.version == 7
    assert made.variant == RFC_4122
    assert made.int >> 80 == at_ms
    random = int.from_bytes(chance, "big")
    assert made.int >> 64 & 0xFFF == random >> 68
    assert made.int & (1 << 62) - 1 == random & (1 << 62) - 1


def test_it_is_the_example_of_the_standard():
    random = 0xCC3 << 68 | 0x18C4DC0C0C07398F
    assert uuid7(0x017F22E279B0 * 1_000_000, lambda size: random.to_bytes(size, "big")) == FIXED


def test_ids_are_in_the_order_of_their_times():
    ids = [uuid7(at_ms * 1_000_000, os.urandom) for at_ms in (1, 2, 1_467_374_400_000, 1_467_374_400_001)]
    assert ids == sorted(ids)
    assert [id_bytes(text) for text in ids] == sorted(id_bytes(text) for text in ids)


def test_an_id_reads_back_as_it_was_written():
    assert id_bytes(FIXED) == UUID(FIXED).bytes
    assert id_text(id_bytes(FIXED)) == FIXED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 36,
        "017f22e279b07cc398c4dc0c0c07398f",
        "017f22e2-79b0-4cc3-98c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-18c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-d8c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398ff",
        "{17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        "017f22e279b07cc398c4dc0c0c07398f    ",
        "017f22e279b07cc398c4dc0c0c07398f----",
        "-017f22e2-79b0-7cc3-98c4dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c0739٣f",
        "-" * 60_000,
    ],
)
def test_what_is_no_id_is_refused(text):
    assert refused(text)
