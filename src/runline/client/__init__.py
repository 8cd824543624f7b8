"""Client: Runline's API from Python, asynchronous (`AsyncClient`) and synchronous (`Client`).

    async with AsyncClient("http://localhost:8321") as runline:
        await runline.sign_in("b1", "anna", "a long password")
        placed = await runline.send("PlaceWager", player="P1", market="G1:game:moneyline", side="home",
                                    line_quarters=None, price="-110", amount_minor=10_00)
        async for frame in runline.stream("wagers", "figures"):
            print(frame.position, frame.topics)

A command gets an id here and is sent with the same id again until it is answered, so that it is executed once, whatever
happens on the way. A stream resumes by itself where it was cut.
"""

from runline.client.answers import Executed, Page, RefusedError, UnreachableError
from runline.client.asynchronous import AsyncClient
from runline.client.frames import Follower, Frame, Gap, Reset
from runline.client.requests import command_id
from runline.client.synchronous import Client

__all__ = [
    "AsyncClient",
    "Client",
    "Executed",
    "Follower",
    "Frame",
    "Gap",
    "Page",
    "RefusedError",
    "Reset",
    "UnreachableError",
    "command_id",
]
