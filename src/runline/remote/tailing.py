"""Tailing: `runline tail`: events as they happen, from the last ones on, for as long as nobody interrupts it.

Rule: it resumes by itself where it was cut, and from the outside by what it has said last; what may be missing is said.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from runline.client import AsyncClient, Frame
from runline.client.frames import place_of
from runline.domain.messages import HOUSE
from runline.remote.calling import call
from runline.remote.declared import require_events
from runline.remote.keeping import SignIn
from runline.remote.where import Where
from runline.remote.words import Games, Row, amount, fields_in_words, time_of
from runline.shell import DONE, complain, in_words, to_paste

SILENCE_S = 20.0
"""Heartbeats come each few seconds: after so long without one it is said that the server is silent."""

TICKETS_KEPT = 100_000
"""Tickets that were shown, of which later events are shown too."""


class Tail(msgspec.Struct, frozen=True):
    """What is to be followed. words: the command's own words, to say how it goes on.

    last: so many of the last events first. limit: end after so many; 0: never. resume: where an earlier one ended.
    """

    topic: str
    words: tuple[str, ...]
    min_minor: int = 0
    player: str = ""
    agent: str = ""
    game: str = ""
    types: tuple[str, ...] = ()
    last: int = 10
    limit: int = 0
    resume: str = ""
    as_json: bool = False


def tail(where: Where, wanted: Tail) -> int:
    """`runline tail`: until Ctrl-C, or 1 once it is refused. Raises UnusableError for an event that there is not."""
    require_events(wanted.types)

    async def work(client: AsyncClient, sign_in: SignIn) -> int:
        return await Follower(client, wanted).run()

    return call(where, work)


class Follower:
    """One tail: what was shown, and where it is."""

    def __init__(self, client: AsyncClient, wanted: Tail) -> None:
        self.client = client
        self.wanted = wanted
        self.games = Games(client)
        self.tickets: dict[int, None] = {}
        """Numbers of the tickets that were shown."""
        house, position = place_of(wanted.resume)
        self.resumed_at = {HOUSE: house, "": position}
        self.seen: dict[str, int] = {}
        """The position of the last event that came, by its stream."""
        self.resume = wanted.resume
        self.shown = 0

    async def run(self) -> int:
        """Follow until it is enough, or until it is interrupted."""
        # Whoever cannot be reached is told so at once; later cuts are waited out.
        await self.client.ask("me")
        frames = self.client.stream(self.wanted.topic, last_id=self.wanted.resume, node=self.wanted.agent)
        begins = not self.wanted.resume
        try:
            async with aclosing(frames), aclosing(heard(frames)) as coming:
                async for frame in coming:
                    if frame.kind != "heartbeat":
                        if await self.take(frame, begins=begins):
                            break
                        begins = False
                    self.resume = frame.id or self.resume
        finally:
            if self.resume and not self.wanted.limit:
                again = to_paste(*self.wanted.words, "--resume", self.resume)
                print(f"\nIt goes on from here with: {again}", file=sys.stderr)
        return DONE

    async def take(self, frame: Frame, *, begins: bool) -> bool:
        """Show what is new of a frame; returns whether it was enough. begins: it is the first one that was ever asked for."""
        entries = frame.topics.get(self.wanted.topic, {}).get("events", [])
        new = [entry for entry in entries if entry["seq"] > self.last_of(entry)]
        if frame.kind == "image" and not begins and new and len(new) == len(entries):
            complain(f"so much has happened meanwhile that what came before #{new[0]['seq']:,} may be missing here")
        matching = [entry for entry in new if self.matches(entry)]
        if begins and frame.kind == "image":
            matching = matching[-self.wanted.last :] if self.wanted.last else []
        for place, entry in enumerate(matching, 1):
            await self.show(entry, frame.id if place == len(matching) else "")
            self.shown += 1
            if self.wanted.limit and self.shown >= self.wanted.limit:
                return True
        for entry in new:
            self.seen[entry.get("stream", "")] = entry["seq"]
        return False

    def last_of(self, entry: Row) -> int:
        """The position in an event's stream up to which all has come. (Notifications are of two: the house's and the book's.)"""
        stream = entry.get("stream", "")
        return self.seen.get(stream, self.resumed_at.get(stream, self.resumed_at[""]))

    def matches(self, entry: Row) -> bool:
        """Whether an event is to be shown: a ticket that fits, whatever happens to one that was shown, or what fits by itself."""
        wanted, event = self.wanted, entry["event"]
        if wanted.types and event["type"] not in wanted.types:
            return False
        if wanted.player and event.get("player") != wanted.player:
            return False
        if not wanted.min_minor and not wanted.game:
            return True
        if event.get("wager") in self.tickets:
            return True
        risk = event.get("risk_minor", entry.get("ticket", {}).get("risk_minor"))
        games = [
            event.get("fixture"),
            *(leg.get("fixture") for leg in event.get("legs") or () if isinstance(leg, dict)),
        ]
        if (wanted.min_minor and (risk is None or risk < wanted.min_minor)) or (
            wanted.game and wanted.game not in games
        ):
            return False
        if "wager" in event:
            self.tickets[event["wager"]] = None
            if len(self.tickets) > TICKETS_KEPT:
                del self.tickets[next(iter(self.tickets))]
        return True

    async def show(self, entry: Row, resume: str) -> None:
        """Print an event in a line. resume: of the frame that it is the last one of."""
        if self.wanted.as_json:
            print(msgspec.json.encode({**entry, **({"resume": resume} if resume else {})}).decode(), flush=True)
        else:
            print(await self.line(entry), flush=True)

    async def line(self, entry: Row) -> str:
        """An event in words."""
        event = entry["event"]
        at, who = time_of(entry["at_ns"]), event.get("player", "")
        if event["type"] == "WagerPlaced":
            what = await self.games.ticket(event)
            money = f"risk {amount(event['risk_minor'])} to win {amount(event['win_minor'])}"
            return f"{at}  {who:<8}  {what}  {money}  #{event['wager']:,}"
        if "wager" in event:
            done = in_words(event["type"]).removeprefix("wager ")
            more = [str(event.get("result") or event.get("reason") or "")]
            if "returned_minor" in event:
                more.append(f"returned {amount(event['returned_minor'])}")
            more.append(entry.get("ticket", {}).get("selection", ""))
            return f"{at}  {who:<8}  #{event['wager']:,} {done} {', '.join(filter(None, more))}".rstrip()
        return (
            f"{at}  #{entry['seq']:,}  {in_words(event['type'])} by {entry.get('actor', '')}: {fields_in_words(event)}"
        )


async def heard(frames: AsyncGenerator[Frame, None]) -> AsyncGenerator[Frame, None]:
    """The frames; meanwhile it is said if the server is silent for long. They go on by themselves."""
    while True:
        coming = asyncio.ensure_future(anext(frames))
        try:
            done, _ = await asyncio.wait({coming}, timeout=SILENCE_S)
            if not done:
                complain(f"nothing is heard of the server for {SILENCE_S:g} s; it goes on by itself once it answers")
            frame = await coming
        except StopAsyncIteration:
            return
        finally:
            # Nobody else may read on while this one reads still.
            coming.cancel()
            await asyncio.wait({coming})
        yield frame
