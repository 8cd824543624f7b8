"""Astray: what was sent to where its stream is not, or not just now."""

from collections.abc import Mapping
from typing import Any


def is_astray(code: str, details: Mapping[str, Any]) -> bool:
    """Whether a refusal says that something is to be sent again: the stream is not there, or not just now, or is not known there
    yet. (A command that names a book which there is not hears which.)"""
    return code in ("not_here", "unavailable") or (code == "unknown_book" and not details)
