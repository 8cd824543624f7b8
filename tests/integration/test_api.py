"""The API as its users have it: requests with ids, times as text, parameters that are known, CSV, and the typed client."""

import asyncio
import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.integration.served import PASSWORD, raw, served
from tests.integration.world import MONEYLINE, NOON_NS, play

from runline.client import Client, RefusedError, command_id
from runline.client.commands import CreateAgent, CreateLeague, PlaceWager, VoidWager
from runline.client.events import AgentCreated, WagerPlaced
from runline.client.queries import BoardAsked, LogAsked, MeAsked, PlayersAsked, RefusalsAsked, WagerRow, WagersAsked
from runline.client.typed import event_of
from runline.domain.times import time_text
from runline.gateway.sheets import heads

ROOT = Path(__file__).parents[2]

PLACE = PlaceWager("P1", MONEYLINE, "away", None, "-110", 11_00)


@pytest.fixture
def place(path):
    """Run something on a server with a house, a book and a player."""

    def run(main, **options):
        async def all_of_it():
            async with served(path, **options) as place:
                await place.world.open_house()
                await place.world.open_book()
                await main(place)

        play(all_of_it())

    return run


async def refused(asking: Any) -> RefusedError:
    """Why something is refused."""
    with pytest.raises(RefusedError) as error:
        await asking
    return error.value


# Requests and their ids


def test_every_answer_says_the_id_of_its_request_the_senders_if_it_is_one(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        named = await owner.http.get("/v1/me", headers={"x-request-id": "checkout-7f3a"})
        assert named.headers["x-request-id"] == "checkout-7f3a"
        other = await owner.http.get("/v1/nothing", headers={"x-request-id": "two words"})
        own = other.headers["x-request-id"]
        assert own not in ("", "two words")
        assert other.json()["request_id"] == own
        others = {(await owner.http.get(path)).headers["x-request-id"] for path in ("/", "/v1/me", "/v1/schema", "/x")}
        assert len(others | {own}) == 5

    place(main)


def test_the_short_way_and_what_is_no_request_have_ids_as_well(place):
    async def main(place):
        player = await place.sign_in("b1", "P1")
        body = b'{"player":"P1"}'
        head = (
            f"POST /v1/wagers HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {player.token}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        ).encode()
        async with raw(place) as (reader, writer):
            seen = []
            for more in (b"", b"", b"x-request-id: mine\r\n"):
                writer.write(head + more + b"\r\n" + body)
                answer = await reader.readuntil(b"\r\n\r\n")
                found = dict(line.split(b": ", 1) for line in answer.split(b"\r\n")[1:-2])
                told = json.loads(await reader.readexactly(int(found[b"content-length"])))
                assert told["request_id"].encode() == found[b"x-request-id"]
                seen.append(told["request_id"])
            assert seen[2] == "mine"
            assert len(set(seen)) == 3
        async with raw(place) as (reader, writer):
            writer.write(b"no request at all\r\n\r\n")
            answer = await reader.read()
            assert answer.partition(b"x-request-id: ")[2].partition(b"\r\n")[0] in answer.partition(b"\r\n\r\n")[2]

    place(main)


def test_a_fault_is_noted_with_the_id_of_its_request(place, monkeypatch, caplog):
    async def main(place):
        owner = await place.sign_in("b1", "owner")

        async def fails(*_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(place.gateway.door, "ask", fails)
        answer = await owner.http.get("/v1/me", headers={"x-request-id": "the-one"})
        assert (answer.status_code, answer.json()["request_id"]) == (500, "the-one")
        assert "the-one" in caplog.text

    place(main)


def test_no_route_takes_a_parameter_that_it_does_not_know(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        document = (await owner.http.get("/v1/schema/openapi.json")).json()
        routes = [(method, path) for path, methods in document["paths"].items() for method in methods]
        routes += [("get", "/v1/schema"), ("get", "/v1/schema/openapi.json"), ("get", "/v1/board/")]
        for method, path in routes:
            answer = await owner.http.request(method, path, params={"bogus": "1"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed_request"), path
            assert answer.json()["error"]["details"]["parameter"] == "bogus"
        twice = await owner.http.get("/v1/board?limit=1&limit=2")
        assert twice.json()["error"]["code"] == "malformed_request"

    place(main)


# Who is signed in, and what time it is


def test_a_page_may_ask_who_is_signed_in_without_a_fault(place):
    async def main(place):
        assert (await place.client().http.get("/v1/session")).status_code == 204
        assert (await place.client("b1.nobody").http.get("/v1/session")).status_code == 204
        owner = await place.sign_in("b1", "owner")
        found = await owner.http.get("/v1/session")
        assert (found.status_code, found.json()["user"]) == (200, "owner")
        await owner.post("/v1/sign-out")
        assert (await owner.http.get("/v1/session")).status_code == 204

    place(main)


def test_times_are_told_as_text_as_well_wherever_json_leaves(place):
    async def main(place):
        owner, platform = await place.sign_in("b1", "owner"), await place.platform()
        assert (await owner.http.get("/v1/time")).json() == {"now_ns": NOON_NS, "now_at": time_text(NOON_NS)}
        await owner.do(PLACE)
        ticket = (await owner.ask("wagers")).items[0]
        assert (ticket["placed_at"], ticket["closed_at"]) == (time_text(ticket["placed_ns"]), None)
        entry = next(row for row in (await platform.ask("log")).items if row["event"]["type"] == "FixtureCreated")
        assert entry["at"] == time_text(entry["at_ns"])
        assert entry["event"]["start_at"] == time_text(entry["event"]["start_ns"])
        async for frame in owner.stream("lines", "wagers", "log"):
            assert frame.topics["lines"]["rows"][0]["start_at"]
            assert frame.topics["log"]["events"][0]["at"] == time_text(frame.topics["log"]["events"][0]["at_ns"])
            break
        created = {
            "fixture": "G9",
            "league": "MLB",
            "rotation": 999,
            "away": "A",
            "home": "B",
            "start_ns": NOON_NS + 10**12,
        }
        executed = await platform.send("CreateFixture", **created)
        assert executed.events[0]["start_at"] == time_text(NOON_NS + 10**12)

    place(main)


# CSV


async def sheet(client: Any, path: str, **more: Any) -> list[list[str]]:
    """The lines of an answer in CSV."""
    answer = await client.http.get(path, headers={"accept": "text/csv"}, **more)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; header=present; charset=utf-8"
    assert int(answer.headers["runline-position"]) > 0
    return list(csv.reader(io.StringIO(answer.text)))


def test_rows_are_given_as_csv_with_the_fields_as_heads_and_all_pages(place, monkeypatch):
    monkeypatch.setattr("runline.gateway.routes.CSV_PAGE_ROWS", 3)
    monkeypatch.setattr("runline.gateway.sheets.CSV_PAGE_ROWS", 3)

    async def main(place):
        owner = await place.sign_in("b1", "owner")
        for _ in range(8):
            await owner.do(PLACE)
        names, *rows = await sheet(owner, "/v1/wagers")
        assert tuple(names) == heads(WagerRow)
        asked = (await owner.ask("wagers")).items
        assert [row[names.index("number")] for row in rows] == [str(one["number"]) for one in asked]
        assert rows[0][names.index("price")] == "-110"
        assert rows[0][names.index("placed_at")] == asked[0]["placed_at"]
        assert json.loads(rows[0][names.index("legs")]) == asked[0]["legs"]
        assert len(await sheet(owner, "/v1/wagers?limit=5")) == 6
        assert len(await sheet(owner, "/v1/wagers?status=void")) == 1

    place(main)


def test_every_list_is_given_as_csv(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        document = (await owner.http.get("/v1/schema/openapi.json")).json()
        house = await place.sign_in("house", "platform")
        lists = [one["get"] for one in document["paths"].values() if "text/csv" in str(one.get("get"))]
        assert len(lists) > 10
        # Who has no nodes has no list of them.
        for one in (one for one in lists if "_cluster" not in one["operationId"]):
            who = owner if "book" in one["description"].rpartition("For: ")[2] else house
            assert await sheet(who, f"/v1/{one['operationId'].removeprefix('query_')}")

    place(main)


def test_what_somebody_wrote_is_no_formula_in_a_sheet(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        for text in ("=HYPERLINK(1)", "+1+cmd", "-2+3", "@SUM(1)"):
            await owner.send("EnterTransaction", player="P1", kind="receipt", amount_minor=100, description=text)
        names, *rows = await sheet(owner, "/v1/ledger")
        told = [row[names.index("description")] for row in rows]
        assert told == ["'@SUM(1)", "'-2+3", "'+1+cmd", "'=HYPERLINK(1)"]

    place(main)


def test_a_sheet_is_refused_before_it_begins_or_cut_but_never_short(place, monkeypatch):
    monkeypatch.setattr("runline.gateway.routes.CSV_PAGE_ROWS", 3)
    monkeypatch.setattr("runline.gateway.sheets.CSV_ROWS_MAX", 6)

    async def main(place):
        owner = await place.sign_in("b1", "owner")
        for _ in range(120):
            await owner.do(PLACE)
        csv_please = {"accept": "text/csv"}
        answer = await owner.http.get("/v1/books", headers=csv_please)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "wrong_stream")
        with pytest.raises(httpx.TransportError):
            await owner.http.get("/v1/wagers", headers=csv_please)
        assert len(await sheet(owner, "/v1/wagers?limit=2")) == 3

    place(main)


# The typed client


def test_the_client_sends_and_asks_by_types(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        placed = await owner.do(PLACE)
        assert placed.event(WagerPlaced).player == "P1"
        with pytest.raises(LookupError):
            placed.event(AgentCreated)
        preview = await owner.preview(VoidWager(placed.event(WagerPlaced).wager, "keyed wrong"))
        assert preview.moves.pending == {"P1": -11_00}
        outcomes = await owner.do_all([CreateAgent("A2", "root"), CreateAgent("A2", "A1")])
        assert [type(one).__name__ for one in outcomes] == ["Happened", "RefusedError"]
        for _ in range(4):
            await owner.do(PLACE)
        numbers = [ticket.number async for ticket in owner.rows(WagersAsked(limit=2, order="ascending"))]
        assert len(numbers) == 5
        assert numbers[0] == placed.event(WagerPlaced).wager
        page = await owner.page(PlayersAsked(player="P1"))
        assert (page.items[0].pending_minor, page.next) == (5 * 11_00, "")
        assert (await owner.page(MeAsked())).items[0].user == "owner"
        assert [game.fixture async for game in owner.rows(BoardAsked())] == ["G1"]
        logged = [event_of(row.event) async for row in owner.rows(LogAsked(type="WagerPlaced", player="P1"))]
        assert [type(event) for event in logged] == [WagerPlaced] * 5

    place(main)


def test_the_client_goes_by_the_servers_clock(place):
    async def main(place):
        platform = await place.platform()
        # The server's clock stands at a noon that is years from this machine's time.
        league = {"league": "NBA", "sport": "basketball"}
        refusal = await refused(platform.send_as(command_id(), "CreateLeague", league))
        assert refusal.code in ("stale_command", "command_ahead")
        assert (await platform.do(CreateLeague("NBA", "basketball"))).position
        assert int((await platform.new_id()).replace("-", "")[:12], 16) - NOON_NS // 10**6 < 60_000

    place(main)


def test_the_synchronous_client_has_the_same(place):
    async def main(place):
        await place.give_password("b1", "owner")

        def ask() -> list[int]:
            with Client(place.address) as runline:
                runline.sign_in("b1", "owner", PASSWORD)
                numbers = [runline.do(PLACE).event(WagerPlaced).wager for _ in range(3)]
                assert runline.preview(VoidWager(numbers[0], "keyed wrong")).events
                assert len(runline.do_all([CreateAgent("A7", "root")])) == 1
                assert runline.page(WagersAsked(limit=1)).next
                return [row.number for row in runline.rows(WagersAsked(limit=2, order="ascending"))]

        assert len(await asyncio.to_thread(ask)) == 3

    place(main)


def test_refusals_are_narrowed_by_who_what_and_when(place, monkeypatch):
    monkeypatch.setattr("runline.engine.batch.REFUSAL_WAIT_S_MAX", 0.0)

    async def main(place):
        owner, player = await place.sign_in("b1", "owner"), await place.sign_in("b1", "P1")
        await refused(player.do(msgspec.structs.replace(PLACE, amount_minor=0)))
        await refused(owner.do(VoidWager(7, "keyed wrong")))

        async def codes(**asked: Any) -> list[str]:
            return sorted([row.code async for row in owner.rows(RefusalsAsked(**asked))])

        while len(await codes()) < 2:
            # What was refused is written down with the next batch.
            await owner.do(PLACE)
        assert await codes() == ["stake_invalid", "unknown_wager"]
        assert await codes(actor="P1") == await codes(command="PlaceWager") == ["stake_invalid"]
        assert await codes(code="unknown_wager") == ["unknown_wager"]
        assert await codes(until="2016-01-01T00:00:00Z") == await codes(since="2100-01-01T00:00:00Z") == []

    place(main)


def test_a_window_that_is_no_time_is_refused(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        for query in ("wagers", "ledger", "log", "refusals"):
            answer = await owner.http.get(f"/v1/{query}?since=yesterday")
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed_request")

    place(main)


PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_what_the_page_about_the_api_shows_in_python_works(place, capsys):
    (shown,) = PYTHON.findall((ROOT / "docs" / "how-to" / "use-the-api.md").read_text())

    async def main(place):
        await place.give_password("b1", "owner")
        code = shown.replace("http://localhost:8321", place.address).replace("sample-game:game:moneyline", MONEYLINE)
        code = code.replace("-130", "+102").replace('"sample"', '"b1"').replace("only-a-sample", PASSWORD)
        await asyncio.to_thread(exec, code, {})
        first, moves = capsys.readouterr().out.splitlines()
        assert first.split()[1:] == ["P1", "2500"]
        assert moves == "{'P1': -2500}"

    place(main)
