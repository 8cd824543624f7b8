"""Ids of commands: UUIDv7 (RFC 9562), in time order."""

from collections.abc import Callable

from runline.domain.messages import Rejected

Entropy = Callable[[int], bytes]
"""So many random bytes."""


def uuid7(at_ns: int, entropy: Entropy) -> str:
    """A new id of this time (UTC nanoseconds)."""
    random = int.from_bytes(entropy(10), "big")
    value = (at_ns // 1_000_000) << 80 | 7 << 76 | (random >> 68 & 0xFFF) << 64 | 2 << 62 | random & (1 << 62) - 1
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def id_bytes(text: str) -> bytes:
    """The 16 bytes of a command's id; the first six are its time in milliseconds.

    Raises Rejected `command_id_invalid`.
    """
    if len(text) == 36 and text[8:24:5] == "----" and text[14] == "7" and text[19] in "89abAB":
        try:
            value = bytes.fromhex(text.replace("-", ""))
        except ValueError:
            value = b""
        if len(value) == 16:
            return value
    raise Rejected("command_id_invalid", "A command's id is a UUIDv7.")


def id_text(value: bytes) -> str:
    """The usual writing of an id."""
    text = value.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
