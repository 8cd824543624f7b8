"""Signing in: wrong passwords delay whoever guesses and nobody else, and a screen that is not used takes no commands."""

import asyncio
import json

import apsw
import pytest
from tests.doubles.ids import uuid7
from tests.doubles.wired import BUSES
from tests.doubles.words import EVERY
from tests.integration.served import PASSWORD, served
from tests.integration.world import HOUR_NS, SECOND_NS, SetClock, agrees, wager

from runline.client import RefusedError
from runline.domain.hierarchy import CreateAgent
from runline.domain.messages import HOUSE, Rejected
from runline.domain.moving import MoveAgent
from runline.domain.roles import SetRole
from runline.domain.sessions import LIMITS, used_ns
from runline.domain.users import CreateUser
from runline.engine.limits import KEEP_PROGRAM_NS, KEEP_SCREEN_NS
from runline.evaluate.verify import verify
from runline.gateway.limits import (
    FAILURES_LOGGED,
    SESSION_FAILURES_MAX,
    TRIES_WAITING_MAX,
)
from runline.sharing.fair import busy
from runline.sharing.limits import FREE_FAILURES, STRANGE_FAILURES_MAX

WRONG = "a wrong password"
PLACE = {name: getattr(wager(), name) for name in wager().__struct_fields__}
SUSPEND = {"scope": "all", "subject": "", "reason": "storm"}


@pytest.fixture(params=BUSES)
def place(path, request):
    """Run a test against a server with a house, a book and a game."""

    def run(main):
        async def prepared():
            async with served(path, SetClock(), way=request.param) as place:
                await place.world.open_house()
                await place.world.open_book(players=2)
                await place.give_password("b1", "owner")
                await main(place)

        asyncio.run(prepared())

    return run


async def refused(awaitable):
    with pytest.raises(RefusedError) as error:
        await awaitable
    return error.value


def guess(place, number=0, user="owner", stream="b1", password=WRONG, device=""):
    """Sign in from the address of this number."""
    return place.gateway.signing.sign_in(
        stream, user, password, "program", address=f"198.51.100.{number}", device=device
    )


async def outcome(awaitable):
    """ "", or the code of the refusal."""
    try:
        await awaitable
    except (Rejected, RefusedError) as rejected:
        return rejected.code
    return ""


async def log_of(place, kind):
    """What the log has of a type of event, oldest first."""
    owner = await place.sign_in("b1", "owner")
    return [row["event"] for row in reversed((await owner.ask("log", type=kind)).items)]


# Who waits


def test_whoever_guesses_waits_longer_and_longer_and_at_that_address_only(place):
    async def main(place):
        codes = [await outcome(guess(place)) for _ in range(FREE_FAILURES + 2)]
        assert codes == ["sign_in_failed"] * (FREE_FAILURES + 1) + ["sign_in_delayed"]
        assert await outcome(guess(place, password=PASSWORD)) == "sign_in_delayed"
        assert await outcome(guess(place, number=1, password=PASSWORD)) == ""
        place.world.set_clock(place.world.clock.at_ns + SECOND_NS)
        assert await outcome(guess(place, password=PASSWORD)) == ""
        assert [await outcome(guess(place)) for _ in range(FREE_FAILURES)] == ["sign_in_failed"] * FREE_FAILURES

    place(main)


def test_over_http_the_address_is_the_clients(place):
    async def main(place):
        client = place.client()
        for _ in range(FREE_FAILURES + 1):
            assert (await refused(client.sign_in("b1", "owner", WRONG))).status == 401
        late = await refused(client.sign_in("b1", "owner", PASSWORD))
        assert (late.status, late.code) == (429, "sign_in_delayed")
        assert await outcome(guess(place, password=PASSWORD)) == ""
        place.world.set_clock(late.details["retry_ns"])
        await client.sign_in("b1", "owner", PASSWORD)

    place(main)


def test_guesses_at_once_are_no_more_than_one_by_one(place):
    async def main(place):
        codes = await asyncio.gather(*(outcome(guess(place)) for _ in range(TRIES_WAITING_MAX)))
        assert codes.count("sign_in_failed") == FREE_FAILURES + 1
        assert codes.count("sign_in_delayed") == TRIES_WAITING_MAX - FREE_FAILURES - 1

    place(main)


def test_the_right_password_is_given_many_times_at_once(place):
    async def main(place):
        codes = await asyncio.gather(*(outcome(guess(place, password=PASSWORD)) for _ in range(TRIES_WAITING_MAX)))
        assert codes == [""] * TRIES_WAITING_MAX
        codes = await asyncio.gather(*(outcome(guess(place)) for _ in range(TRIES_WAITING_MAX + 4)))
        assert codes.count("busy") == 4
        assert not place.gateway.signing.one_by_one.locks

    place(main)


def test_guessing_from_many_addresses_has_a_bound_that_known_devices_do_not_feel(place, monkeypatch):
    monkeypatch.setattr("runline.sharing.tries.STRANGE_FAILURES_MAX", 5)
    assert STRANGE_FAILURES_MAX >= 5

    async def main(place):
        known = (await guess(place, number=99, password=PASSWORD)).device
        for number in range(5):
            assert await outcome(guess(place, number)) == "sign_in_failed"
        assert await outcome(guess(place, number=6, password=PASSWORD)) == "sign_in_delayed"
        assert await outcome(guess(place, number=6, user="P1")) == "sign_in_failed"
        assert await outcome(guess(place, number=0, password=PASSWORD, device=known)) == ""
        assert await outcome(guess(place, number=6, password=PASSWORD, device="a" * 43)) == "sign_in_delayed"
        place.world.set_clock(place.world.clock.at_ns + HOUR_NS)
        assert await outcome(guess(place, number=6, password=PASSWORD)) == ""

    place(main)


def test_a_known_device_has_a_count_of_its_own_and_is_known_to_its_user_alone(place):
    async def main(place):
        await place.give_password("b1", "P1")
        known = (await guess(place, password=PASSWORD)).device
        assert [await outcome(guess(place, device=known)) for _ in range(5)] == ["sign_in_failed"] * 4 + [
            "sign_in_delayed"
        ]
        assert await outcome(guess(place, password=PASSWORD)) == ""
        signing = place.gateway.signing
        owner, player = [(await signing.known("b1", user)).devices for user in ("owner", "P1")]
        assert len(owner) == 2
        assert player == ()
        await guess(place, user="P1", password=PASSWORD, device=known)
        assert not set((await signing.known("b1", "P1")).devices) & set(owner)

    place(main)


def test_a_client_that_keeps_its_device_is_not_delayed_by_the_guesses_of_others(place):
    async def main(place):
        client = place.client()
        await client.sign_in("b1", "owner", PASSWORD)
        assert client.device
        stranger = place.client()
        for _ in range(FREE_FAILURES + 1):
            await refused(stranger.sign_in("b1", "owner", WRONG))
        assert (await refused(stranger.sign_in("b1", "owner", PASSWORD))).code == "sign_in_delayed"
        await client.sign_in("b1", "owner", PASSWORD)

    place(main)


def test_a_browser_is_known_by_a_cookie_that_no_script_sees(place):
    async def main(place):
        browser = place.client()
        body = {"stream": "b1", "user": "owner", "password": PASSWORD, "kind": "screen"}
        response = await browser.http.post("/v1/sign-in", json=body)
        assert response.json() == {"stream": "b1", "user": "owner", "token": "", "device": ""}
        device = next(text for text in response.headers.get_list("set-cookie") if text.startswith("runline-device="))
        assert {"HttpOnly", "Path=/"} <= set(device.split("; "))
        assert "samesite=strict" in device.lower()
        for _ in range(FREE_FAILURES + 2):
            await outcome(place.client().sign_in("b1", "owner", WRONG))
        assert (await browser.http.post("/v1/sign-in", json=body)).status_code == 200
        assert (await place.client().http.post("/v1/sign-in", json=body)).status_code == 429

    place(main)


@pytest.mark.parametrize(("stream", "user"), [("b1", "nobody"), ("nowhere", "owner"), ("", ""), ("b1", "P2")])
def test_an_unknown_user_hears_the_same_as_a_known_one_try_by_try(place, stream, user):
    async def main(place):
        heard = {}
        for whom in (("b1", "owner"), (stream, user)):
            answers = []
            for _ in range(FREE_FAILURES + 3):
                response = await place.client().http.post(
                    "/v1/sign-in", json={"stream": whom[0], "user": whom[1], "password": WRONG}
                )
                said = response.json()
                assert said["error"].pop("request_id", said.pop("request_id", ""))
                answers.append((response.status_code, sorted(response.headers), said))
            heard[whom] = answers
        assert heard["b1", "owner"] == heard[stream, user]
        assert heard[stream, user][-1][0] == 429

    place(main)


def test_a_check_that_could_not_be_made_is_no_guess(place, monkeypatch):
    async def main(place):
        async def too_much_waits(*_, **__):
            raise busy()

        monkeypatch.setattr(place.gateway.passwords, "check", too_much_waits)
        assert [await outcome(guess(place)) for _ in range(FREE_FAILURES + 3)] == ["busy"] * (FREE_FAILURES + 3)
        monkeypatch.undo()
        assert await outcome(guess(place, password=PASSWORD)) == ""

    place(main)


def test_a_clock_that_was_wrong_makes_nobody_wait(place):
    async def main(place):
        now_ns = place.world.clock.at_ns
        place.world.clock.at_ns = now_ns + 24 * HOUR_NS
        assert (await asyncio.gather(*(outcome(guess(place)) for _ in range(8)))).count("sign_in_delayed") == 4
        place.world.clock.at_ns = now_ns
        assert await outcome(guess(place)) == "sign_in_failed"

    place(main)


def test_what_is_remembered_of_guesses_has_a_bound(place, monkeypatch):
    monkeypatch.setattr("runline.sharing.tries.TRIES_REMEMBERED_MAX", 3)

    async def main(place):
        for number in range(5):
            await outcome(guess(place, number, user=f"nobody{number}" * 100))
        tries = place.world.bus.questions.tries
        for counts in (tries.places, tries.strange, tries.users):
            assert len(counts.known) == 3
            assert {len(key) for key in counts.known} == {16}

    place(main)


def test_the_log_has_few_entries_of_many_wrong_passwords_and_none_of_unknown_users(place):
    async def main(place):
        for number in range(40):
            await outcome(guess(place, number))
            await outcome(guess(place, number, user="nobody"))
        expected = [failures for failures in FAILURES_LOGGED if failures <= 40]
        assert [event["failures"] for event in await log_of(place, "SignInFailed")] == expected
        await outcome(guess(place, 41))
        assert [event["failures"] for event in await log_of(place, "SignInFailed")] == expected
        assert await place.world.engine.query("b1", lambda book: book.credentials.by_user["owner"].changed_seq)

    place(main)


# Ones own password


def test_nobody_outside_delays_the_change_of_ones_own_password(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        for number in range(20):
            await asyncio.gather(*(outcome(guess(place, number)) for _ in range(6)))
        await owner.post("/v1/change-password", old=PASSWORD, new=PASSWORD + "2")
        assert (await owner.ask("me")).items

    place(main)


@pytest.mark.parametrize(
    ("route", "fields"),
    [("/v1/change-password", {"old": WRONG, "new": PASSWORD}), ("/v1/confirm", {"password": WRONG})],
)
def test_whoever_guesses_within_a_session_loses_it(place, route, fields):
    async def main(place):
        owner, other = await place.sign_in("b1", "owner"), await place.sign_in("b1", "owner")
        heard = [(await refused(owner.post(route, **fields))).code for _ in range(SESSION_FAILURES_MAX)]
        assert heard == ["sign_in_failed"] * (SESSION_FAILURES_MAX - 1) + ["signed_out"]
        assert (await refused(owner.ask("me"))).status == 401
        assert (await other.ask("me")).items
        assert [event["cause"] for event in await log_of(place, "SessionEnded")] == ["wrong_password"]

    place(main)


# A screen that is not used


async def at_a_screen(place, stream="b1", user="owner"):
    """A client with a console's session."""
    await place.give_password(stream, user)
    client = place.client()
    body = {"stream": stream, "user": user, "password": PASSWORD, "kind": "screen"}
    assert (await client.http.post("/v1/sign-in", json=body)).status_code == 200
    return client


async def send(place, client, name, fields, sent_as=""):
    return await client.send_as(sent_as or uuid7(place.world.clock.at_ns), name, fields)


def used_now(place, number):
    """Whether so many sessions of a book were used at the time that it is."""
    at_ns = place.world.clock.at_ns
    return lambda book: sum(used_ns(one) == at_ns for one in book.sessions.by_name.values()) == number


def later(place, nanoseconds):
    place.world.set_clock(place.world.clock.at_ns + nanoseconds)


def test_a_screen_that_is_not_used_shows_on_and_its_next_command_wants_the_password(place):
    async def main(place):
        screen = await at_a_screen(place)
        frames = screen.stream("wagers", "health")
        await anext(frames)
        later(place, LIMITS["screen"].idle_ns)
        sent_as = uuid7(place.world.clock.at_ns)
        error = await refused(send(place, screen, "PlaceWager", PLACE, sent_as))
        assert (error.status, error.code) == (403, "password_needed")
        assert (await screen.ask("wagers")).items == []
        await anext(frames)
        assert (await refused(screen.confirm(WRONG))).code == "sign_in_failed"
        await screen.confirm(PASSWORD)
        placed = await send(place, screen, "PlaceWager", PLACE, sent_as)
        async for frame in frames:
            if frame.position >= placed.position:
                break
        await frames.aclose()

    place(main)


def test_betting_is_closed_from_a_screen_without_the_password_and_not_opened(place):
    async def main(place):
        screen = await at_a_screen(place)
        later(place, LIMITS["screen"].idle_ns)
        await send(place, screen, "Suspend", SUSPEND)
        assert (await refused(send(place, screen, "Reopen", SUSPEND))).code == "password_needed"

    place(main)


def test_every_door_of_a_command_wants_the_password(place):
    async def main(place):
        screen, platform = await at_a_screen(place), await at_a_screen(place, HOUSE, "platform")
        later(place, LIMITS["screen"].idle_ns)
        line = json.dumps({"type": "PlaceWager", "command": PLACE})
        many = await screen.http.post("/v1/commands", content=line, headers={"content-type": "application/x-ndjson"})
        assert json.loads(many.text)["error"]["code"] == "password_needed"
        for client, route, body in (
            (screen, "/v1/wagers", PLACE),
            (screen, "/v1/place-wager?preview=true", PLACE),
            (screen, "/v1/set-password", {"user": "P1", "password": PASSWORD}),
            (platform, "/v1/set-owners-password", {"book": "b1", "password": PASSWORD}),
        ):
            response = await client.http.post(route, json=body)
            assert response.json()["error"]["code"] == "password_needed", route

    place(main)


def test_looking_is_not_using_and_sending_is(place):
    async def main(place):
        looker, sender = await at_a_screen(place), await at_a_screen(place)
        frames = looker.stream("wagers", "health")
        await anext(frames)
        for _ in range(3):
            later(place, LIMITS["screen"].idle_ns // 2 + KEEP_SCREEN_NS)
            await looker.ask("me")
            await send(place, sender, "PlaceWager", PLACE)
        assert (await refused(send(place, looker, "PlaceWager", PLACE))).code == "password_needed"
        await frames.aclose()

    place(main)


def test_a_screen_ends_after_its_whole_time_unless_the_password_was_given_again(place):
    async def main(place):
        one, two = await at_a_screen(place), await at_a_screen(place)
        frames = one.stream("wagers")
        await anext(frames)
        later(place, LIMITS["screen"].whole_ns - 1)
        assert (await one.ask("me")).items
        await two.confirm(PASSWORD)
        later(place, 1)
        assert (await refused(one.ask("me"))).status == 401
        assert (await refused(anext(frames))).status == 401
        assert (await two.ask("wagers")).items == []

    place(main)


def test_a_program_is_kept_by_its_requests_and_its_streams(place):
    async def main(place):
        program, watcher, idle = [await place.sign_in("b1", "owner") for _ in range(3)]
        frames = watcher.stream("wagers")
        await anext(frames)
        for _ in range(3):
            later(place, LIMITS["program"].idle_ns // 2 + KEEP_PROGRAM_NS)
            await program.ask("me")
            place.world.bus.watching.hubs["b1"].keep()
            await place.world.until("b1", used_now(place, 2))
        await send(place, program, "Suspend", SUSPEND)
        assert (await watcher.ask("me")).items
        assert (await refused(idle.ask("me"))).status == 401
        await frames.aclose()

    place(main)


def test_use_is_noted_after_the_clock_has_been_put_back(place):
    async def main(place):
        program = await place.sign_in("b1", "owner")
        later(place, KEEP_PROGRAM_NS)
        await program.ask("me")
        quiet = place.world.engine.presence.quiet
        ((session, times),) = quiet.items()
        # A wrong clock has noted it for a month ahead.
        quiet[session] = tuple(at_ns + 30 * LIMITS["program"].idle_ns for at_ns in times)
        for _ in range(3):
            later(place, LIMITS["program"].idle_ns // 2)
            await program.ask("me")
            await place.world.engine.query("b1", lambda book: None)

    place(main)


# Passwords in the file


def test_an_old_password_is_nowhere_in_the_file_and_the_log_proves_the_present_one(place, path):
    old: list[str] = []
    present: dict[str, str] = {}

    async def main(place):
        owner = await place.sign_in("b1", "owner")
        for number in range(6):
            for user in ("P1", "P2"):
                await owner.post("/v1/set-password", user=user, password=PASSWORD + str(number))
                old.append(present.get(user, "not set"))
                present[user] = (await place.gateway.signing.known("b1", user)).digest
                # Rows grow and shrink among others, so that their old places become free.
                for _ in range(number % 3 * 2):
                    assert await outcome(guess(place, user=user, password=PASSWORD + str(number))) == ""

    place(main)
    connection = apsw.Connection(str(path))
    connection.pragma("wal_checkpoint", "truncate")
    connection.close()
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert [content.count(digest.encode()) for digest in present.values()] == [1, 1]
    assert [content.count(digest[-40:].encode()) for digest in old] == [0] * len(old)
    agrees(path)


def test_a_password_put_into_the_file_by_hand_is_found(place, path):
    async def main(place):
        await place.give_password("b1", "P1")

    place(main)
    connection = apsw.Connection(str(path))
    stolen = "UPDATE credentials SET password_hash = (SELECT password_hash FROM credentials WHERE user = 'P1')"
    connection.execute(f"{stolen} WHERE user = 'owner'")
    connection.close()
    (difference,) = verify(path).differences
    assert difference == "credentials b1 owner: password_hash is not what password_digest is the digest of"


# After a move


def test_a_role_that_a_move_has_ended_lets_nobody_see_anything_at_any_door(place):
    async def main(place):
        world = place.world
        for agent, parent in (("A2", "root"), ("X", "A1")):
            await world.do("b1", CreateAgent(agent, parent))
        await world.do("b1", SetRole("of-A1", "A1", EVERY, "given"))
        await world.do("b1", CreateUser("ann", "X", "of-A1"))
        ann = await place.sign_in("b1", "ann")
        frames = ann.stream("wagers")
        await anext(frames)
        assert (await ann.ask("log")).items is not None
        owner = await place.sign_in("b1", "owner")
        fields = {"agent": "X", "parent": "A2", "reason": "sold"}
        preview = await owner.send_as(uuid7(world.clock.at_ns), "MoveAgent", fields, preview=True)
        assert preview.moves["roles_ended"] == {"ann": "of-A1"}
        await world.do("b1", MoveAgent("X", "A2", "sold"))
        for query in ("log", "wagers", "figures", "users"):
            assert (await refused(ann.ask(query))).code == "not_permitted"
        assert (await refused(anext(frames))).code == "not_permitted"
        assert (await ann.ask("me")).items[0]["permissions"] == []
        await world.do("b1", MoveAgent("X", "A1", "back"))
        assert (await ann.ask("log")).items

    place(main)
