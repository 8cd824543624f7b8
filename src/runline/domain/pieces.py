"""Pieces: whatever a command is made of has a bound, so that no text or list goes on its way that none could need."""

from typing import Any

import msgspec

from runline.domain.bounds import PIECE_MAX
from runline.domain.messages import Rejected


def require_small_pieces(message: Any, named: str = "") -> None:
    """Refuse a message in which any text or list, at any depth, is larger than PIECE_MAX.

    Who knows that its encoding has no more bytes than that need not ask. Raises Rejected `too_long`, `too_many`.
    """
    if isinstance(message, str):
        if len(message) > PIECE_MAX:
            raise Rejected("too_long", f"{named or 'A text'} is too long.", field=named, most=PIECE_MAX)
    elif isinstance(message, msgspec.Struct):
        for name in message.__struct_fields__:
            require_small_pieces(getattr(message, name), name)
    elif isinstance(message, tuple | list | dict):
        if len(message) > PIECE_MAX:
            raise Rejected("too_many", f"{named or 'A list'} has too many items.", field=named, most=PIECE_MAX)
        for piece in message:
            require_small_pieces(piece, named)
        if isinstance(message, dict):
            require_small_pieces(list(message.values()), named)
