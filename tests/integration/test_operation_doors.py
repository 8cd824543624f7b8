"""Operations have two doors: their own, and the framework's for whoever asks otherwise than plainly. Both say the same."""

import asyncio

import httpx
from tests.doubles.ids import uuid7
from tests.doubles.plain import VOCABULARY
from tests.integration.served import PASSWORD, served

SENT = {"idempotency-key": ""}
"""Stands for the id of a command that was accepted."""

ASKED = {
    "a query": ("GET", "/v1/players?limit=1", {}, None),
    "a query as CSV": ("GET", "/v1/players", {"accept": "text/csv"}, None),
    "a parameter that there is not": ("GET", "/v1/players?colour=red", {}, None),
    "a parameter of another kind": ("GET", "/v1/players?limit=none", {}, None),
    "a command that was sent before": ("POST", "/v1/create-agent", SENT, {"agent": "A8", "parent": "root"}),
    "a command that is refused": ("POST", "/v1/create-agent", {}, {"agent": "A9", "parent": "nobody"}),
    "a command with no fields": ("POST", "/v1/create-agent", {}, {}),
    "no JSON": ("POST", "/v1/create-agent", {"content-type": "text/plain"}, None),
    "nobody who is signed in": ("GET", "/v1/players", {"authorization": "Bearer b1.x"}, None),
    "another method": ("PUT", "/v1/players", {}, None),
    "the head of an answer": ("HEAD", "/v1/players", {}, None),
    "a sign-in with another password": (
        "POST", "/v1/sign-in", {}, {"stream": "b1", "user": "owner", "password": PASSWORD + "!"},
    ),
    "whether it is ready": ("GET", "/v1/ready", {}, None),
}  # fmt: skip

OF_EACH = ("date", "server-timing")
"""What the heads of two answers need not have in common."""


def answer_of(response):
    head = {name: value for name, value in response.headers.multi_items() if name not in OF_EACH}
    return response.status_code, head, response.content


def test_what_an_operation_answers_is_the_same_by_either_door(path):
    async def main():
        async with served(path) as place:
            await place.world.open_house()
            await place.world.open_book(players=2)
            owner = await place.sign_in("b1", "owner")
            key = uuid7(place.world.clock.at_ns)
            lasting = {"authorization": f"Bearer {owner.token}", "x-request-id": "the-same"}
            async with httpx.AsyncClient(base_url=place.address, headers=lasting) as client:
                first = await client.post(
                    "/v1/create-agent", json={"agent": "A8", "parent": "root"}, headers={"idempotency-key": key}
                )
                assert first.status_code == 200
                for name, (method, where, headers, body) in ASKED.items():
                    headers = {"idempotency-key": key} if headers is SENT else headers
                    one, _, params = where.partition("?")
                    doors = [
                        answer_of(
                            await client.request(method, f"{one}{end}?{params}".rstrip("?"), headers=headers, json=body)
                        )
                        for end in ("", "/")
                    ]
                    assert doors[0] == doors[1], name
                    assert doors[0][0] < 500, name

    asyncio.run(main())


def test_a_host_that_is_none_is_refused_at_every_operation(path):
    async def main():
        async with served(path) as place, httpx.AsyncClient(base_url=place.address) as client:
            for where in ("/v1/ready", "/v1/ready/"):
                assert (await client.get(where, headers={"host": "a<b"})).status_code == 400

    asyncio.run(main())


def test_two_servers_of_one_process_answer_each_for_itself_by_either_door(path):
    async def main():
        there = path.with_name("another.db")
        async with served(path, vocabulary=VOCABULARY) as one, served(there, vocabulary=VOCABULARY) as other:
            await one.world.open_house()
            await one.world.open_book(players=2)
            await one.give_password("b1", "owner")
            who = {"stream": "b1", "user": "owner", "password": PASSWORD}
            for end in ("", "/"):
                answers = [httpx.AsyncClient(base_url=place.address) for place in (one, other)]
                found = [(await client.post(f"/v1/sign-in{end}", json=who)).status_code for client in answers]
                assert found == [200, 401], end
                for client in answers:
                    await client.aclose()

    asyncio.run(main())
