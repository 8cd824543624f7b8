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
APART = ("/v1/stream", "/v1/sign-out", "/v1/commands", "/v1/change-password", "/v1/set-password", "/v1/sign-in")
"""A stream does not end; the others end the session that attacks, wait longer and longer, or are no JSON. They have tests."""

ATTACKERS = [("b1", "owner"), ("b1", "P1"), (HOUSE, "platform")]


def not_for(stream, user):
    """The paths of commands that are no use to somebody."""
    kind = "house" if stream == HOUSE else "book"
    return [
        path_of(one.__name__)
        for one in public_commands(VOCABULARY)
        if kind not in one.streams or (user == "P1" and one.needs not in PLAYER_MAY)
    ]


def test_every_command_is_attacked_by_somebody():
    left = [set(not_for(stream, user)) for stream, user in ATTACKERS]
    assert set.intersection(*left) == set()
    assert path_of("PlaceWager") not in left[0] | left[1]


@pytest.mark.parametrize(("stream", "user"), ATTACKERS)
def test_no_request_makes_the_server_fail_or_answer_what_is_not_documented(path, stream, user, monkeypatch):
    monkeypatch.setattr("runline.reads.questions.AT_LEAST_WAIT_S", 0.01)

    async def main():
        async with served(path, SystemClock()) as place:
            world = place.world
            await world.open_book("b1", credit_minor=10**9)
            client = await place.sign_in(stream, user)
            words = ["run", f"{place.address}/v1/schema/openapi.json", "-H", f"Authorization: Bearer {client.token}"]
            words += [
                "--max-examples",
                "8",
                "--checks",
                CHECKS,
                "--seed",
                "1",
                "--generation-deterministic",
                "--no-color",
            ]
            for one in (*APART, *not_for(stream, user)):
                words += ["--exclude-path", one]
            program = str(Path(sys.executable).with_name("schemathesis"))
            child = await asyncio.create_subprocess_exec(
                program, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=path.parent
            )
            said, _ = await child.communicate()
            assert child.returncode == 0, said.decode()[-6_000:]
            assert b" passed" in said
            assert await world.read("b1", lambda book: book.ledger.sum_minor) == 0

    asyncio.run(main())
