"""The doors: sign-in, commands and queries over HTTP, and whatever a stranger may send."""

import asyncio
import json
import resource
import sys
import time
from asyncio.subprocess import PIPE

import httpx
import msgspec
import pytest
from tests.doubles.coming import comes_true
from tests.doubles.ids import uuid7
from tests.doubles.wired import BUSES
from tests.integration.served import PASSWORD, raw, served
from tests.integration.world import LINES, NOON_NS, start_ns, wager

from runline.client import Client, RefusedError, command_id
from runline.domain.users import RevokeUser
from runline.gateway.limits import BODY_BYTES_MAX, BULK_BYTES_MAX


def fields(command):
    return {name: getattr(command, name) for name in command.__struct_fields__}


PLACE = fields(wager())


@pytest.fixture(params=BUSES)
def place(path, request):
    """Run a test against a server with a house, a book and a game."""

    def run(main, clock=None):
        async def prepared():
            async with served(path, clock, way=request.param) as place:
                await place.world.open_house()
                await place.world.open_book(players=2)
                await main(place)

        asyncio.run(prepared())

    return run


async def refused(awaitable):
    with pytest.raises(RefusedError) as error:
        await awaitable
    return error.value


def in_time(clock):
    """A command id of the stream's own time."""
    return uuid7(clock.at_ns)


async def send(place, client, command, /, **named):
    return await client.send_as(in_time(place.world.clock), command, named)


# From nothing to a first wager


def test_from_nothing_to_a_first_wager_over_http_alone(path):
    async def main():
        async with served(path) as place:
            platform = await place.platform()
            await send(place, platform, "CreateLeague", league="MLB", sport="baseball")
            await send(
                place, platform, "CreateFixture", fixture="G1", league="MLB", rotation=901, away="A", home="H",
                start_ns=start_ns("G1"),
            )  # fmt: skip
            lines = [msgspec.to_builtins(line) for line in LINES]
            await send(place, platform, "PostLines", fixture="G1", entered_ns=NOON_NS, lines=lines)
            await send(place, platform, "OpenBook", book="b9", owner="olga")
            await platform.post("/v1/set-owners-password", book="b9", password=PASSWORD)
            olga = place.client()
            await olga.sign_in("b9", "olga", PASSWORD)
            await send(place, olga, "CreateAgent", agent="A1", parent="root")
            await send(place, olga, "CreatePlayer", player="P1", agent="A1", credit_limit_minor=500_00)
            await olga.post("/v1/set-password", user="P1", password=PASSWORD)
            player = place.client()
            await player.sign_in("b9", "P1", PASSWORD)
            placed = await send(place, player, "PlaceWager", **PLACE)
            assert placed.events[0]["type"] == "WagerPlaced"
            own = await player.ask("wagers", at_least=placed.position)
            assert [row["number"] for row in own.items] == [placed.events[0]["wager"]]

    asyncio.run(main())


def test_a_command_that_is_sent_again_is_executed_once(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        sent_as = in_time(place.world.clock)
        first = await owner.send_as(sent_as, "PlaceWager", PLACE)
        again = await owner.send_as(sent_as, "PlaceWager", PLACE)
        assert (first.repeated, again.repeated) == (False, True)
        assert first.position == again.position
        assert first.events == again.events
        other = await refused(owner.send_as(sent_as, "PlaceWager", PLACE | {"amount_minor": 11_00}))
        assert (other.status, other.code) == (409, "command_reused")

    place(main)


def test_a_preview_changes_nothing_and_says_what_would_move(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        preview = await owner.send_as(in_time(place.world.clock), "PlaceWager", PLACE, preview=True)
        assert preview.preview
        assert preview.moves["pending"] == {"P1": 50_00}
        assert (await owner.ask("wagers")).items == []
        await send(place, owner, "PlaceWager", **PLACE)
        moved = await send(place, owner, "AdjustCredit", player="P1", credit_limit_minor=9_000_00, reason="given")
        stale = await refused(
            owner.send_as(in_time(place.world.clock), "PlaceWager", PLACE, if_position=preview.position)
        )
        assert (stale.status, stale.code, stale.details["position"]) == (409, "position_moved", moved.position)

    place(main)


def test_many_commands_in_one_call_have_an_outcome_each(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        owner.http.headers["content-type"] = "application/x-ndjson"
        good = {"type": "PlaceWager", "command": PLACE}
        lines = [good, {"type": "NoSuch", "command": {}}, {"type": "PlaceWager", "command": {}}, {"oops": 1}, good]
        content = "\n".join([*map(json.dumps, lines), "{", "", json.dumps(good)])
        response = await owner.http.post("/v1/commands", content=content)
        outcomes = [json.loads(line) for line in response.text.splitlines()]
        codes = [outcome.get("error", {}).get("code", "") for outcome in outcomes]
        assert codes == ["", "unknown_command", "malformed_command", "malformed_command", "", "malformed_command", ""]
        assert len((await owner.ask("wagers")).items) == 3
        many = "\n".join([json.dumps(good)] * 1_001)
        assert (await owner.http.post("/v1/commands", content=many)).json()["error"]["code"] == "too_many"

    place(main)


def test_the_synchronous_client_does_the_same(path):
    async def main():
        async with served(path) as place:
            await place.world.open_house()
            await place.world.open_book()
            await place.give_password("b1", "owner")
            sent_as = in_time(place.world.clock)

            def talk():
                with Client(place.address) as client:
                    client.sign_in("b1", "owner", PASSWORD)
                    placed = client.send_as(sent_as, "PlaceWager", PLACE)
                    frames = client.stream("wagers")
                    image = next(frames)
                    frames.close()
                    return placed.position, image.topics["wagers"]["events"][-1]["seq"]

            position, seen = await asyncio.to_thread(talk)
            assert position == seen

    asyncio.run(main())


# Queries


def test_pages_follow_one_another_without_a_gap(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        for number in range(25):
            await send(place, owner, "CreateAgent", agent=f"B{number:02}", parent="root")
            await send(place, owner, "PlaceWager", **PLACE)
        for query, key, total in (("figures", "agent", 27), ("wagers", "number", 25), ("log", "seq", None)):
            whole = (await owner.ask(query, limit=1_000)).items
            after, rows = "", []
            while True:
                page = await owner.ask(query, limit=7, after=after)
                rows += page.items
                after = page.next
                if not after:
                    break
            assert rows == whole
            assert len({row[key] for row in rows}) == len(rows) == (total or len(rows))

    place(main)


def test_an_answer_waits_for_the_position_that_is_asked_for(place, monkeypatch):
    monkeypatch.setattr("runline.reads.questions.AT_LEAST_WAIT_S", 0.05)

    async def main(place):
        owner = await place.sign_in("b1", "owner")
        placed = await send(place, owner, "PlaceWager", **PLACE)
        for query in ("players", "wagers", "log", "figures", "board", "exposure"):
            assert (await owner.ask(query, at_least=placed.position)).position >= placed.position

    place(main)


def test_an_agent_sees_their_own_subtree_and_nothing_else(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        for agent, number in (("A2", "P8"), ("A3", "P9")):
            await send(place, owner, "CreateAgent", agent=agent, parent="root")
            await send(place, owner, "CreatePlayer", player=number, agent=agent, credit_limit_minor=500_00)
        may = ["figures_view", "ticker_view", "board_view", "log_view"]
        await send(place, owner, "SetRole", role="watch", node="root", permissions=may, reason="given")
        await send(place, owner, "CreateUser", user="ann", node="A2", role="watch")
        await send(place, owner, "PlaceWager", **PLACE | {"player": "P8"})
        await send(place, owner, "PlaceWager", **PLACE | {"player": "P9"})
        ann = await place.sign_in("b1", "ann")
        assert {row["agent"] for row in (await ann.ask("figures")).items} == {"A2"}
        assert {row["player"] for row in (await ann.ask("players")).items} == {"P8"}
        assert {row["player"] for row in (await ann.ask("wagers")).items} == {"P8"}
        assert (await ann.ask("exposure")).items[0]["wagers"] == 1
        seen = [row["event"] for row in (await ann.ask("log", limit=1_000)).items]
        assert {event["player"] for event in seen if event["type"] == "WagerPlaced"} == {"P8"}
        assert not [event for event in seen if event.get("agent") == "A3"]
        assert (await refused(ann.ask("players", player="P9"))).code == "not_permitted"
        assert (await refused(ann.ask("exposure", node="A3"))).code == "not_permitted"
        assert (await refused(ann.ask("wagers", player="P9"))).code == "not_permitted"
        assert (await refused(ann.ask("users"))).code == "not_permitted"

    place(main)


def test_no_answer_shows_the_digest_of_a_password(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        await owner.post("/v1/set-password", user="P1", password=PASSWORD)
        page = await owner.ask("log", type="PasswordSet")
        assert page.items
        assert "argon2" not in json.dumps(page.items)
        frames = owner.stream("log")
        assert "argon2" not in json.dumps((await anext(frames)).topics)
        await frames.aclose()

    place(main)


# Signing in


def test_an_unknown_user_or_book_looks_like_a_wrong_password(place):
    async def main(place):
        client = place.client()
        for stream, user in (("b1", "nobody"), ("nowhere", "owner"), ("", ""), ("b1", "P1")):
            error = await refused(client.sign_in(stream, user, PASSWORD))
            assert (error.status, error.code) == (401, "sign_in_failed")

    place(main)


def test_a_revoked_user_is_told_so_by_the_right_password_only(place):
    async def main(place):
        owner, client = await place.sign_in("b1", "owner"), place.client()
        await owner.post("/v1/set-password", user="P1", password=PASSWORD)
        await owner.post("/v1/revoke-user", user="P1", reason="moved away")
        error = await refused(client.sign_in("b1", "P1", PASSWORD))
        assert (error.status, error.code) == (403, "revoked")
        assert (await refused(client.sign_in("b1", "P1", PASSWORD + "x"))).code == "sign_in_failed"
        await owner.post("/v1/restore-user", user="P1", reason="came back")
        await client.sign_in("b1", "P1", PASSWORD)

    place(main)


def test_signing_out_ends_the_session_at_every_door(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        frames = owner.stream("wagers")
        await anext(frames)
        await owner.post("/v1/sign-out")
        for awaitable in (owner.ask("me"), owner.ask("wagers"), send(place, owner, "PlaceWager", **PLACE)):
            assert (await refused(awaitable)).status == 401
        error = await refused(anext(frames))
        assert error.status == 401

    place(main)


def test_a_password_is_changed_by_whoever_knows_it_and_ends_the_other_sessions(place):
    async def main(place):
        one, other = await place.sign_in("b1", "owner"), await place.sign_in("b1", "owner")
        assert (
            await refused(one.post("/v1/change-password", old="wrong", new=PASSWORD + "2"))
        ).code == "sign_in_failed"
        assert (await refused(one.post("/v1/change-password", old=PASSWORD, new="short"))).code == "password_invalid"
        await one.post("/v1/change-password", old=PASSWORD, new=PASSWORD + "2")
        assert (await one.ask("me")).items
        assert (await refused(other.ask("me"))).status == 401
        assert (await refused(other.sign_in("b1", "owner", PASSWORD))).code == "sign_in_failed"
        await other.sign_in("b1", "owner", PASSWORD + "2")

    place(main)


def test_a_cookie_acts_for_pages_of_this_site_only(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        address = place.address
        async with httpx.AsyncClient(base_url=address, cookies={"runline": owner.token}) as browser:
            host = address.removeprefix("http://")
            body = {"agent": "A7", "parent": "root"}
            key = {"idempotency-key": in_time(place.world.clock)}
            for headers in (
                {"origin": "https://evil.example"},
                {"origin": f"http://{host}", "sec-fetch-site": "cross-site"},
                {"sec-fetch-site": "same-site"},
            ):
                answer = await browser.post("/v1/create-agent", json=body, headers=headers | key)
                assert (answer.status_code, answer.json()["error"]["code"]) == (403, "cross_site")
            own = {"origin": f"http://{host}", "sec-fetch-site": "same-origin"}
            assert (await browser.post("/v1/create-agent", json=body, headers=own | key)).status_code == 200

    place(main)


def test_a_token_is_of_one_book_only(place):
    async def main(place):
        await place.world.open_book("b2")
        owner = await place.sign_in("b1", "owner")
        forged = place.client("b2." + owner.token.partition(".")[2])
        assert (await refused(forged.ask("me"))).status == 401
        for token in ("b1.", "b1.x", "x" * 1_000, ".", "b1", "é"):
            response = await place.client().http.get("/v1/me", headers={"authorization": f"Bearer {token}".encode()})
            assert response.status_code == 401

    place(main)


def test_a_revoked_user_is_refused_at_the_very_next_request(place):
    async def main(place):
        player = await place.sign_in("b1", "P1")
        await send(place, player, "PlaceWager", **PLACE)
        await place.world.do("b1", RevokeUser("P1", "lost the phone"))
        assert (await refused(send(place, player, "PlaceWager", **PLACE))).status in (401, 403)
        assert (await refused(player.ask("players"))).status in (401, 403)

    place(main)


# What a stranger may send

JSON = {"content-type": "application/json"}
BAD_BODIES = {
    "no JSON": (b"{", JSON, 400, "malformed_command"),
    "nothing": (b"", JSON, 400, "malformed_command"),
    "a list": (b"[]", JSON, 400, "malformed_command"),
    "deep nesting": (b"[" * 30_000, JSON, 400, "malformed_command"),
    "a field too many": (b'{"agent":"A5","parent":"root","x":1}', JSON, 400, "malformed_command"),
    "a wrong type": (b'{"agent":5,"parent":"root"}', JSON, 400, "malformed_command"),
    "no UTF-8": (b'{"agent":"\xff\xfe","parent":"root"}', JSON, 400, "malformed_command"),
    "half a character": (b'{"agent":"\\ud800","parent":"root"}', JSON, 400, "malformed_command"),
    "an id with spaces": (b'{"agent":"a b","parent":"root"}', JSON, 422, "identifier_invalid"),
    "no content type": (b"{}", {"content-type": ""}, 415, "content_type"),
    "a form": (b"a=b", {"content-type": "application/x-www-form-urlencoded"}, 415, "content_type"),
    "too large": (b'{"agent":"' + b"x" * BODY_BYTES_MAX + b'"}', JSON, 413, "too_large"),
}


@pytest.mark.parametrize("what", BAD_BODIES)
def test_a_bad_body_gets_a_clear_answer_at_every_door_and_changes_nothing(place, what):
    body, headers, status, code = BAD_BODIES[what]

    async def main(place):
        owner = await place.sign_in("b1", "owner")
        position = (await owner.ask("me")).position
        for path in ("/v1/create-agent", "/v1/wagers"):
            answer = await owner.http.post(path, content=body, headers=headers)
            if path == "/v1/create-agent" or code in ("content_type", "too_large"):
                assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
            else:
                assert 400 <= answer.status_code < 500
        assert (await owner.ask("me")).position == position

    place(main)


def test_a_body_of_ten_megabytes_is_refused_whether_it_says_so_or_not(place):
    async def parts():
        for _ in range(160):
            yield b"x" * 65_536

    async def main(place):
        owner = await place.sign_in("b1", "owner")
        for path, kind in (("/v1/wagers", "application/json"), ("/v1/commands", "application/x-ndjson")):
            for content in (b"x" * 10_000_000, parts()):
                try:
                    answer = await owner.http.post(path, content=content, headers={"content-type": kind})
                    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
                except httpx.TransportError:
                    # The server closes the connection while the client still sends.
                    pass
        assert (await owner.ask("me")).items
        assert BULK_BYTES_MAX < 10_000_000

    place(main)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("not-an-id", "command_id_invalid"),
        ("00000000-0000-4000-8000-000000000000", "command_id_invalid"),
        ("01890000-0000-7000-8000-000000000000", "command_ahead"),
        ("00000000-0000-7000-8000-000000000000", "stale_command"),
    ],
)
def test_an_id_that_is_none_or_of_another_time_is_refused(place, sent, code):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        assert (await refused(owner.send_as(sent, "PlaceWager", PLACE))).code == code

    place(main)


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ("/v1/board?limit=0", 400, "malformed_request"),
        ("/v1/board?limit=9999999999999999999999", 400, "malformed_request"),
        ("/v1/board?status=sideways", 400, "malformed_request"),
        ("/v1/players?agent=nobody", 404, "unknown_agent"),
        ("/v1/wagers?after=x&limit=1001", 400, "malformed_request"),
        ("/v1/stream?topics=wagers,secrets", 400, "topic_invalid"),
        ("/v1/stream", 400, "malformed_request"),
        ("/v1/stream?topics=%ff", 400, "malformed_request"),
        ("/v1/books", 400, "wrong_stream"),
        ("/v1/nothing", 404, "not_found"),
        ("/nothing", 404, "not_found"),
        ("/v1/create-agent", 405, "method_not_allowed"),
    ],
)
def test_a_bad_address_gets_a_clear_answer(place, asked, status, code):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        answer = await owner.http.get(asked)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)

    place(main)


def test_nobody_is_let_in_without_a_token(place):
    async def main(place):
        client = place.client()
        document = (await client.http.get("/v1/schema/openapi.json")).json()
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if operation.get("security") == []:
                    continue
                params = {"topics": "wagers"} if path == "/v1/stream" else {}
                answer = await client.http.request(method, path, params=params)
                assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_signed_in"), path

    place(main)


def test_whoever_sends_slowly_or_nothing_delays_nobody(place, monkeypatch):
    monkeypatch.setattr("runline.gateway.intake.BODY_WAIT_S_MAX", 0.05)

    async def main(place):
        owner = await place.sign_in("b1", "owner")
        async with raw(place) as (reader, writer):
            head = (
                f"POST /v1/wagers HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {owner.token}\r\n"
                "content-type: application/json\r\ncontent-length: 100\r\n\r\n{"
            )
            writer.write(head.encode())
            await send(place, owner, "PlaceWager", **PLACE)
            answer = await reader.read(4_096)
            assert b" 408 " in answer
            assert b"body_timeout" in answer
        connections = [raw(place) for _ in range(200)]
        for connection in connections:
            await connection.__aenter__()
        await send(place, owner, "PlaceWager", **PLACE)
        for connection in connections:
            await connection.__aexit__(None, None, None)

    place(main)


CONNECT = """
import resource, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE)[1:] * 2)
connections = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(10_000)]
print(len(connections), flush=True)
sys.stdin.read()
"""


def test_ten_thousand_idle_connections_delay_nobody(place):
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert most >= 10_500, "this machine lets a process have too few files for this test"
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    async def main(place):
        owner = await place.sign_in("b1", "owner")
        held = place.server.server_state.connections
        idle = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CONNECT, place.address.rpartition(":")[2], stdin=PIPE, stdout=PIPE
        )
        assert idle.stdout is not None
        assert idle.stdin is not None
        assert await idle.stdout.readline() == b"10000\n"
        await send(place, owner, "PlaceWager", **PLACE)
        assert len(held) > 10_000
        idle.stdin.close()
        assert await idle.wait() == 0
        await comes_true(lambda: len(held) <= 100)
        await send(place, owner, "PlaceWager", **PLACE)

    try:
        place(main)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))


def test_a_client_that_sends_without_waiting_is_answered_in_order(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        async with raw(place) as (reader, writer):
            body = json.dumps(PLACE)
            for _ in range(50):
                writer.write(
                    f"POST /v1/wagers HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {owner.token}\r\n"
                    f"idempotency-key: {in_time(place.world.clock)}\r\n"
                    f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()
                )
            positions: list[int] = []
            while len(positions) < 50:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                positions.append(json.loads(await reader.readexactly(length))["position"])
            assert positions == sorted(positions)

    place(main)


def test_a_clock_that_goes_on_makes_ids_that_are_accepted(path):
    """The client's own ids, without any clock of a test."""

    async def main():
        from runline.engine.clock import SystemClock

        async with served(path, SystemClock()) as place:
            platform = await place.platform()
            created = await platform.send("CreateLeague", league="MLB", sport="baseball")
            assert created.events[0]["type"] == "LeagueCreated"
            assert abs(int(command_id().replace("-", "")[:12], 16) - time.time() * 1_000) < 60_000

    asyncio.run(main())


def test_the_documentation_can_be_read_without_any_other_server(place):
    async def main(place):
        client = place.client()
        page = (await client.http.get("/v1/schema")).text
        assert "/v1/place-wager" in page
        assert "<script src" not in page
        assert "https://" not in page
        assert (await client.http.get("/v1/ready")).json() == {"ready": True}

    place(main)
