"""The whole OpenAPI document, attacked: whatever is sent, the answer is one of those documented and never a 5xx.

Each command is attacked by those who may send it. (That nobody else may, whichever it is: test_gateway_access.py.)
"""

import asyncio
import sys
from pathlib import Path

import pytest
from tests.doubles.plain import VOCABULARY
from tests.integration.served import served

from runline.client.requests import path_of
from runline.domain.messages import HOUSE
from runline.domain.permissions import PLAYER_MAY
from runline.engine.clock import SystemClock
from runline.gateway.door import public_commands

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
APART = (
    "/v1/stream",
    "/v1/sign-out",
    "/v1/commands",
    "/v1/change-password",
    "/v1/set-password",
    "/v1/sign-in",
    "/v1/confirm",
)
"""A stream does not end; the others end the session that attacks, wait longer and longer, or are no JSON. They have tests."""

ATTACKERS = [("b1", "owner"), ("b1", "P1"), (HOUSE, "platform")]


READY = "/v1/ready"


def kind_of(stream):
    return "house" if stream == HOUSE else "book"


def not_for(stream, user):
    """The paths of commands and queries that are no use to somebody. (To the house's staff a stream that nobody has is not
    ready, which is a 503.)"""
    commands = [
        path_of(one.__name__)
        for one in public_commands(VOCABULARY)
        if kind_of(stream) not in one.streams or (user == "P1" and one.needs not in PLAYER_MAY)
    ]
    queries = [
        f"/v1/{one.name}"
        for one in VOCABULARY.queries.values()
        if kind_of(stream) not in one.streams or (user == "P1" and one.needs is not None and not one.players)
    ]
    return [*commands, *queries, *([READY] if stream == HOUSE else [])]


def left_to(stream, user):
    """The paths that are some use to somebody, and to nobody who attacks before them."""
    before = ATTACKERS[: ATTACKERS.index((stream, user))]
    paths = {path_of(one.__name__) for one in public_commands(VOCABULARY)}
    paths |= {f"/v1/{one.name}" for one in VOCABULARY.queries.values()}
    own = paths - {*APART, *not_for(stream, user)}
    return sorted(one for one in own if all(one in not_for(*other) for other in before))


def runs(stream, user):
    """What is attacked, in which phases. What goes through all bounds of a path sends the same whoever does it: one is enough."""
    own = [word for one in (*APART, *not_for(stream, user)) for word in ("--exclude-path", one)]
    if (stream, user) == ATTACKERS[0]:
        return [own]
    left = [word for one in left_to(stream, user) for word in ("--include-path", one)]
    return [["--phases", "examples,fuzzing", *own], *([["--phases", "coverage", *left]] if left else [])]


def test_every_command_and_every_query_is_attacked_by_somebody():
    left = [set(not_for(stream, user)) for stream, user in ATTACKERS]
    assert set.intersection(*left) == set()
    assert {path_of("PlaceWager"), "/v1/wagers"} & (left[0] | left[1]) == set()


@pytest.mark.parametrize(("stream", "user"), ATTACKERS)
def test_no_request_makes_the_server_fail_or_answer_what_is_not_documented(path, stream, user, monkeypatch):
    monkeypatch.setattr("runline.reads.questions.AT_LEAST_WAIT_S", 0.01)

    async def main():
        async with served(path, SystemClock()) as place:
            world = place.world
            await world.open_book("b1", credit_minor=10**9)
            client = await place.sign_in(stream, user)
            for chosen in runs(stream, user):
                words = [
                    "run",
                    f"{place.address}/v1/schema/openapi.json",
                    "-H",
                    f"Authorization: Bearer {client.token}",
                ]
                words += ["--max-examples", "8", "--checks", CHECKS, "--seed", "1", "--generation-deterministic"]
                child = await asyncio.create_subprocess_exec(
                    *(str(Path(sys.executable).with_name("schemathesis")), *words, "--no-color", *chosen),
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.STDOUT,
                    cwd=path.parent,
                )
                said, _ = await child.communicate()
                assert child.returncode == 0, said.decode()[-6_000:]
                assert b" passed" in said
            # Whoever attacked was signed in to the end.
            assert (await client.http.get("/v1/me")).status_code == 200
            assert await world.read("b1", lambda book: book.ledger.sum_minor) == 0

    asyncio.run(main())
