"""Channels: how a ticket came in, by who wagers and in which kind of session.

Rule: a channel follows from the session and from who acts in it, and is never a claim. A player before a screen is on the web;
staff before a screen write for a player who has come to them (clerk), or, if they say so, who phones; whatever a program sends,
for whomever, came by the API. A wager that says anything else is refused.
"""

from typing import TYPE_CHECKING, Literal

from runline.domain.messages import Rejected

if TYPE_CHECKING:
    from runline.domain.book import Book
    from runline.domain.context import Context

Channel = Literal["api", "web", "phone", "clerk"]
"""How a ticket came in. web: the player's own screen. clerk, phone: written by staff, for a player who is there, or phones.
api: by a program."""


def channel_of(book: "Book", asked: Channel | None, context: "Context") -> Channel:
    """The channel of a wager. asked: what it says itself, None for nothing.

    Raises Rejected `channel_invalid`.
    """
    channel: Channel = "api"
    if context.session and book.sessions.by_name[context.session].kind == "screen":
        channel = "web" if context.user.player else "clerk"
    if asked is None or asked == channel:
        return channel
    if asked == "phone" and channel == "clerk":
        return asked
    raise Rejected("channel_invalid", f"A wager of this session comes in by {channel}.", channel=channel)
