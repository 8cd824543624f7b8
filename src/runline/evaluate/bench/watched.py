"""Watched: sessions without passwords, and a gateway in small that counts what it hears."""

import asyncio
from collections.abc import Sequence

from runline.domain.messages import GATEWAY
from runline.domain.passwords import ChangePassword
from runline.domain.sessions import SignIn
from runline.engine.bus import Bus
from runline.engine.requests import Accepted, Request
from runline.engine.watching import Began, Cut, Frame, News, TurnedAway
from runline.evaluate.bench.load import HOUR_NS

DAY_NS = 24 * HOUR_NS

NO_PASSWORD = "$argon2id$nobody-signs-in-with-this"
"""In the place of a digest: hashing a thousand passwords is not what is measured."""


async def begin_session(bus: Bus, stream: str, user: str, session: str) -> None:
    """A session of somebody who has never signed in."""
    credential = await bus.send_one(
        Request(stream, bus.new_id(), GATEWAY, ChangePassword(user, NO_PASSWORD, 0, ""), bulk=True)
    )
    if not isinstance(credential, Accepted):
        raise RuntimeError(f"a credential was refused: {credential}")
    signed = SignIn(user, session, "screen", credential.position, DAY_NS, DAY_NS, "")
    outcome = await bus.send_one(Request(stream, bus.new_id(), GATEWAY, signed, bulk=True))
    if not isinstance(outcome, Accepted):
        raise RuntimeError(f"a session was refused: {outcome}")


class Counting:
    """Whoever watches: counts frames, and where the last one ends for each group."""

    def __init__(self) -> None:
        self.positions: dict[int, int] = {}
        self.bytes = 0
        self.heard = asyncio.Event()

    async def hear(self, news: Sequence[News]) -> None:
        """Take news.

        Raises RuntimeError if somebody is cut or turned away.
        """
        for one in news:
            if isinstance(one, Cut | TurnedAway):
                raise RuntimeError(f"a screen of the bench was cut: {one}")
            if isinstance(one, Began | Frame):
                self.positions[one.group] = one.position
                self.bytes += len(one.frame)
        self.heard.set()

    async def reached(self, groups: int, position: int) -> None:
        """Wait until so many groups have been told up to a position."""
        while len(self.positions) < groups or min(self.positions.values(), default=position) < position:
            self.heard.clear()
            await self.heard.wait()
