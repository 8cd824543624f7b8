"""Client: Runline's API from Python, asynchronous (`AsyncClient`) and synchronous (`Client`).

    from runline.client import AsyncClient
    from runline.client.commands import PlaceWager
    from runline.client.events import WagerPlaced
    from runline.client.queries import WagersAsked

    async with AsyncClient("http://localhost:8321") as runline:
        await runline.sign_in("b1", "anna", "a long password")
        placed = await runline.do(PlaceWager("P1", "G1:game:moneyline", "home", None, "-110", 10_00))
        print(placed.event(WagerPlaced).wager)
        async for ticket in runline.rows(WagersAsked(status="open", least_minor=500_00)):
            print(ticket.player, ticket.risk_minor)
        async for frame in runline.stream("wagers", "figures"):
            print(frame.position, frame.topics)

Commands, rows and events are the types that declare them, so that an editor and a type checker know every field. What has no
type here (a newer server has more) is sent and asked by name: `send("PlaceWager", player="P1", …)`, `ask("wagers", limit=5)`.

A command gets an id here, by the server's clock, and is sent with the same id again until it is answered, so that it is
executed once, whatever happens on the way. A stream resumes by itself where it was cut.
"""

from runline.client.answers import Executed, Page, RefusedError, UnreachableError
from runline.client.asynchronous import AsyncClient
from runline.client.frames import Follower, Frame, Gap, Reset
from runline.client.requests import command_id
from runline.client.synchronous import Client
from runline.client.typed import Happened, OtherEvent, Preview, Rows, event_of

__all__ = [
    "AsyncClient",
    "Client",
    "Executed",
    "Follower",
    "Frame",
    "Gap",
    "Happened",
    "OtherEvent",
    "Page",
    "Preview",
    "RefusedError",
    "Reset",
    "Rows",
    "UnreachableError",
    "command_id",
    "event_of",
]
