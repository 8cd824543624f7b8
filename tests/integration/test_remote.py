"""The commands that are sent to a server, as somebody calls them, against a server that runs."""

import json
import os
import pty
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from runline.client import Client, RefusedError, command_id

PASSWORD = "only-a-sample"
HOUSE_PASSWORD = "of-the-house"
GAME = "sample-game"
MARKET = f"{GAME}:game:moneyline"


@contextmanager
def serving(database, port=0):
    """A server with the sample; its address and its process. It is stopped at the end."""
    environment = {**os.environ, "RUNLINE_SERVER_OWNER_PASSWORD": HOUSE_PASSWORD}
    words = ["serve", "--sample", "--database", str(database), "--port", str(port), "--committer", "inline"]
    child = subprocess.Popen(
        [sys.executable, "-m", "runline", *words], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert child.stdout is not None
    with child.stdout as said:
        address = next(found[0] for line in said if (found := re.search(r"http://\S+", line)))
        try:
            yield address, child
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGINT)
            child.wait(30)


class Person:
    """Somebody at a terminal of their own, who has signed in or not yet."""

    def __init__(self, home: Path, **environment: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RUNLINE_")}
        self.environment = {**kept, "XDG_CONFIG_HOME": str(home), "COLUMNS": "200", **environment}
        self.file = home / "runline" / "sign-ins.json"

    def command(self, *words):
        return [sys.executable, "-m", "runline", *map(str, words)]

    def runs(self, *words, stdin=""):
        return subprocess.run(
            self.command(*words), input=stdin, capture_output=True, text=True, check=False, env=self.environment
        )

    def does(self, *words, stdin=""):
        """What a command says that ends well."""
        done = self.runs(*words, stdin=stdin)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""
        return done.stdout

    def is_refused(self, *words, status=1, stdin=""):
        """What a command complains of."""
        done = self.runs(*words, stdin=stdin)
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    def signs_in(self, address, book="sample", user="owner", password=PASSWORD):
        said = self.does("login", address, "--book", book, "--user", user, "--password-stdin", stdin=f"{password}\n")
        assert password not in said
        return self

    def wagers(self, amount_minor, **more):
        fields = {"player": "P1", "market": MARKET, "side": "home", "line_quarters": "null", "price": "-130"}
        fields |= {"amount_minor": amount_minor, **more}
        words = [word for name, value in fields.items() for word in ("-f", f"{name}={value}")]
        return json.loads(self.does("api", "PlaceWager", *words))

    @contextmanager
    def follows(self, *words):
        """A command that goes on; it is ended as by Ctrl-C."""
        child = subprocess.Popen(
            self.command(*words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
        )
        try:
            yield child
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGINT)
                child.communicate(timeout=30)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A server's address."""
    with serving(tmp_path_factory.mktemp("served") / "book.db") as (found, _):
        yield found


@pytest.fixture
def person(tmp_path):
    """Somebody who has not signed in."""
    return Person(tmp_path / "home")


@pytest.fixture
def owner(person, address):
    """The owner of the sample's book, signed in."""
    return person.signs_in(address)


def test_a_sign_in_keeps_the_token_for_its_owner_only_and_never_the_password(person, address):
    person.signs_in(address)
    assert stat.S_IMODE(person.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(person.file.parent.stat().st_mode) == 0o700
    kept = person.file.read_text()
    assert PASSWORD not in kept
    assert json.loads(kept)[0]["server"] == address
    assert "owner in sample, owner at root" in person.does("whoami")
    me = json.loads(person.does("whoami", "--json"))
    assert (me["server"], me["user"], me["stream"]) == (address, "owner", "sample")


def test_a_password_is_asked_for_and_not_shown(person, address):
    # A terminal of its own, as a person has it: only there is a password asked for.
    child, terminal = pty.fork()
    if not child:
        os.execve(sys.executable, person.command("login", address, "--book", "sample"), person.environment)
    said = b""

    def until(text):
        nonlocal said
        while text not in said:
            said += os.read(terminal, 1_000)

    until(b"User: ")
    os.write(terminal, b"P1\n")
    until(b"Password of P1 in sample: ")
    os.write(terminal, PASSWORD.encode() + b"\n")
    until(b"Signed in at")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(terminal)
    assert PASSWORD.encode() not in said
    assert json.loads(person.does("whoami", "--json"))["player"] == "P1"


def test_without_a_terminal_it_is_said_how_a_password_is_given(person, address):
    assert "--password-stdin" in person.is_refused("login", address, "--book", "sample", "--user", "P1", status=2)
    assert "--user is missing" in person.is_refused("login", address, "--book", "sample", status=2)


def test_a_wrong_password_is_refused_and_nothing_is_kept(person, address):
    words = ("login", address, "--book", "sample", "--user", "P1", "--password-stdin")
    assert "sign_in_failed" in person.is_refused(*words, stdin="a wrong password\n")
    assert not person.file.exists()


def test_signing_out_ends_the_session_at_the_server(owner, address):
    token = json.loads(owner.file.read_text())[0]["token"]
    assert "Signed out" in owner.does("logout")
    assert token not in owner.file.read_text()
    with Client(address, token) as client, pytest.raises(RefusedError) as refused:
        client.ask("me")
    assert refused.value.status == 401
    assert f"login {address}" in owner.is_refused("whoami", "--server", address, status=2)


def test_who_has_not_signed_in_is_told_how(person, address):
    assert "runline login" in person.is_refused("whoami", status=2)
    assert f"runline login {address} --book other" in person.is_refused(
        "api", "me", "--server", address, "--book", "other", status=2
    )


def test_a_session_that_was_ended_elsewhere_is_forgotten_and_said(owner, address):
    with Client(address, json.loads(owner.file.read_text())[0]["token"]) as client:
        client.post("/v1/sign-out")
    said = owner.is_refused("player", "P1")
    assert f"sign in again: {sys.executable} -m runline login {address} --book sample --user owner" in said
    assert "you have not signed in" in owner.is_refused("player", "P1", status=2)


def test_the_last_sign_in_counts_unless_another_is_named(owner, address):
    owner.signs_in(address, user="P1")
    assert owner.does("whoami").startswith("P1 in sample, player P1")
    assert owner.does("whoami", "--user", "owner").startswith("owner in sample")


def test_a_job_needs_no_sign_in_but_a_token(owner, address, tmp_path):
    token = json.loads(owner.file.read_text())[0]["token"]
    job = Person(tmp_path / "elsewhere", RUNLINE_URL=address, RUNLINE_TOKEN=token)
    assert job.does("whoami").startswith("owner in sample")
    assert not job.file.exists()


@pytest.mark.parametrize("wrong", ["ftp://book.example", "http://", "http://book.example/runline", "http://x:port"])
def test_what_is_no_address_of_a_server_is_said(person, wrong):
    said = person.is_refused("login", wrong, "--book", "b", "--user", "u", "--password-stdin", status=2)
    assert "is no address of a server" in said


def test_a_server_that_does_not_answer_is_named_with_the_remedy(person):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    words = ("login", address, "--book", "b", "--user", "u", "--password-stdin")
    said = person.is_refused(*words, status=2, stdin="some password\n")
    assert address in said
    assert "Is a server running there?" in said


def test_what_answers_and_is_no_runline_is_said(person):
    class Other(BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_error(404)

        def log_message(self, *words):
            pass

    other = HTTPServer(("127.0.0.1", 0), Other)
    serving_it = threading.Thread(target=other.serve_forever)
    serving_it.start()
    try:
        words = ("login", f"http://127.0.0.1:{other.server_port}", "--book", "b", "--user", "u", "--password-stdin")
        assert "does not answer as Runline does" in person.is_refused(*words, stdin="some password\n")
    finally:
        other.shutdown()
        serving_it.join()
        other.server_close()


def test_any_query_is_asked_by_its_name_with_its_parameters(owner):
    (game,) = json.loads(owner.does("api", "board", "-f", f"fixture={GAME}"))["items"]
    assert (game["away"], game["home"]) == ("Mets", "Cubs")
    assert json.loads(owner.does("api", "/v1/board?league=NBA"))["items"] == []
    assert json.loads(owner.does("api", "/v1/ready")) == {"ready": True}
    head = owner.does("api", "me", "--include").splitlines()
    assert head[0] == "HTTP 200"
    assert "content-type: application/json" in head


def test_a_command_is_sent_by_its_name_or_path_and_its_fields_are_of_their_types(owner):
    placed = owner.wagers(1_000)
    (event,) = placed["events"]
    assert (event["type"], event["price"], event["risk_minor"]) == ("WagerPlaced", "-130", 1_000)
    voided = json.loads(owner.does("api", "/v1/void-wager", "-f", f"wager={event['wager']}", "-f", "reason=to try it"))
    assert voided["events"][0]["type"] == "WagerVoided"
    number = owner.wagers(1_000)["events"][0]["wager"]
    body = json.dumps({"wager": number, "reason": "from a file"})
    assert json.loads(owner.does("api", "void-wager", "--input", "-", stdin=body))["events"][0]["wager"] == number


def test_a_preview_changes_nothing(owner):
    before = json.loads(owner.does("player", "P1", "--json"))["player"]
    words = ("api", "AdjustCredit", "-f", "player=P1", "-f", "credit_limit_minor=99", "-f", "reason=x", "--preview")
    assert json.loads(owner.does(*words))["events"][0]["after_minor"] == 99
    assert json.loads(owner.does("player", "P1", "--json"))["player"] == before


def test_a_command_with_an_id_of_ones_own_is_executed_once(owner):
    sent_as = command_id()
    fields = ("-f", "player=P1", "-f", "credit_limit_minor=200000", "-f", "reason=asked")
    first = json.loads(owner.does("api", "AdjustCredit", *fields, "--id", sent_as))
    again = json.loads(owner.does("api", "AdjustCredit", *fields, "--id", sent_as))
    assert (again["position"], again["repeated"]) == (first["position"], True)


def test_every_row_of_every_page_is_a_line(owner):
    for amount in (1_000, 1_001, 1_002):
        owner.wagers(amount)
    rows = [json.loads(line) for line in owner.does("api", "wagers", "-f", "limit=1", "--paginate").splitlines()]
    assert len(rows) >= 3
    assert len({row["number"] for row in rows}) == len(rows)
    assert "has no pages" in owner.is_refused("api", "/v1/ready", "--paginate", status=2)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("PlaceWagr",), "Did you mean PlaceWager?"),
        (("VoidWager", "-f", "wagr=1"), "Did you mean wager?"),
        (("VoidWager", "-f", "wager=one"), "wager of VoidWager takes JSON"),
        (("VoidWager", "-f", "wager"), "-f takes NAME=VALUE"),
        (("VoidWager", "-f", "wager=1", "--input", "-"), "give one of them"),
        (("VoidWager", "--input", "/nowhere/body.json"), "/nowhere/body.json: no such file"),
    ],
)
def test_what_cannot_be_sent_is_said_with_what_was_probably_meant(owner, words, says):
    assert says in owner.is_refused("api", *words, status=2, stdin="{}")


def test_a_refusal_is_printed_as_it_came_said_in_words_and_ends_with_1(owner):
    done = owner.runs("api", "VoidWager", "-f", "wager=999999", "-f", "reason=none")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "unknown_wager"
    assert done.stderr.startswith("runline: unknown_wager: ")
    assert "not_found" in owner.is_refused("api", "nothing")


def test_a_tail_of_large_wagers_shows_them_and_what_becomes_of_them(owner):
    before = owner.wagers(16_000)["events"][0]["wager"]
    with owner.follows("tail", "wagers", "--min", "150", "--last", "1", "--json", "--limit", "3") as tail:
        # Its first line says that it is there.
        said = tail.stdout.readline()
        large = owner.wagers(17_000)["events"][0]["wager"]
        owner.wagers(1_000)
        owner.does("api", "VoidWager", "-f", f"wager={large}", "-f", "reason=too large")
        said += tail.communicate(timeout=60)[0]
    events = [json.loads(line)["event"] for line in said.splitlines()]
    assert [(event["type"], event["wager"]) for event in events] == [
        ("WagerPlaced", before),
        ("WagerPlaced", large),
        ("WagerVoided", large),
    ]


def test_the_last_events_come_first_in_the_words_of_the_field(owner):
    number = owner.wagers(2_600)["events"][0]["wager"]
    said = owner.does("tail", "wagers", "--last", "1", "--limit", "1")
    assert re.search(rf"P1 +902 Cubs −130, moneyline  risk 26\.00 to win 20\.00  #{number:,}$", said.strip())


def test_a_tail_goes_on_where_an_earlier_one_ended(owner):
    owner.wagers(1_100)
    line = json.loads(owner.does("tail", "wagers", "--last", "1", "--limit", "1", "--json"))
    missed = [owner.wagers(amount)["events"][0]["wager"] for amount in (1_200, 1_300)]
    said = owner.does("tail", "wagers", "--resume", line["resume"], "--limit", "2", "--json")
    assert [json.loads(line)["event"]["wager"] for line in said.splitlines()] == missed


def test_ctrl_c_ends_a_tail_and_says_how_it_goes_on(owner):
    owner.wagers(1_400)
    with owner.follows("tail", "wagers", "--last", "1", "--player", "P1") as tail:
        assert "14.00" in tail.stdout.readline()
        tail.send_signal(signal.SIGINT)
        _, complaint = tail.communicate(timeout=30)
    assert tail.returncode == 128 + signal.SIGINT
    assert re.search(r"runline tail wagers --last 1 --player P1 --resume \S+", complaint)
    assert "Traceback" not in complaint


def test_a_tail_goes_on_over_a_restart_of_the_server(person, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database = tmp_path / "book.db"
    with serving(database, port) as (address, server):
        person.signs_in(address)
        first = person.wagers(1_500)["events"][0]["wager"]
        with person.follows("tail", "wagers", "--last", "1", "--limit", "2", "--json") as tail:
            assert json.loads(tail.stdout.readline())["event"]["wager"] == first
            server.kill()
            server.wait(30)
            with serving(database, port):
                second = person.wagers(1_600)["events"][0]["wager"]
                assert json.loads(tail.stdout.readline())["event"]["wager"] == second
                tail.communicate(timeout=30)
        assert tail.returncode == 0


def test_what_cannot_be_followed_is_said(owner):
    assert "unknown_agent" in owner.is_refused("tail", "wagers", "--agent", "nobody")
    assert "--min takes an amount" in owner.is_refused("tail", "wagers", "--min", "much", status=2)
    assert "Did you mean WagerVoided?" in owner.is_refused("tail", "wagers", "--type", "WagerVoid", status=2)
    assert "Did you mean WagerVoided?" in owner.is_refused("log", "--type", "WagerVoid", status=2)
    assert "resume_invalid" in owner.is_refused("tail", "wagers", "--resume", "nonsense")


def test_a_players_card_has_their_account_their_tickets_and_what_moved(owner):
    number = owner.wagers(2_700)["events"][0]["wager"]
    said = owner.does("player", "P1")
    assert "P1, below A1, open" in said
    assert re.search(r"credit limit +[\d,]+\.00", said)
    assert re.search(r"available +[\d,]+\.\d\d", said)
    assert re.search(rf"#{number:,} +P1 +902 Cubs −130, moneyline +27\.00 +20\.77 +open", said)
    assert "No movements of money." in said
    found = json.loads(owner.does("player", "P1", "--json"))
    assert found["player"]["player"] == "P1"
    assert number in [ticket["number"] for ticket in found["open"]]
    assert "unknown_player" in owner.is_refused("player", "A1021")


def test_wagers_and_log_are_listed_newest_first(owner):
    number = owner.wagers(2_800)["events"][0]["wager"]
    assert f"#{number:,}" in owner.does("wagers", "--last", "1")
    (row,) = [json.loads(line) for line in owner.does("wagers", "--last", "1", "--json").splitlines()]
    assert row["number"] == number
    assert owner.does("wagers", "--status", "settled").strip() == "No wagers."
    narrowed = (
        "--agent",
        "A1",
        "--market",
        "sample-game:game:moneyline",
        "--side",
        "home",
        "--min",
        "28",
        "--max",
        "28.00",
    )
    in_time = ("--since", row["placed_at"], "--until", "2100-01-01T00:00:00Z")
    rows = [json.loads(line) for line in owner.does("wagers", *narrowed, *in_time, "--json").splitlines()]
    assert [one["number"] for one in rows] == [number]
    assert owner.does("wagers", "--side", "away").strip() == "No wagers."
    risks = [json.loads(line)["risk_minor"] for line in owner.does("wagers", "--sort", "risk", "--json").splitlines()]
    assert risks == sorted(risks, reverse=True)
    assert "--max takes an amount" in owner.is_refused("wagers", "--max", "much", status=2)
    (entry,) = [
        json.loads(line) for line in owner.does("log", "-n", "1", "--type", "WagerPlaced", "--json").splitlines()
    ]
    assert (entry["seq"], len(entry["command"])) == (number, 36)
    said = owner.does("log", "--last", "2", "--actor", "owner")
    assert "wager placed" in said
    assert "The newest 2" in said


def test_a_book_is_opened_in_the_house_and_its_owner_signs_in(person, address):
    person.signs_in(address, book="house", user="platform", password=HOUSE_PASSWORD)
    words = ("book", "create", "harbor", "--owner", "harbor.owner", "--password-stdin")
    said = person.does(*words, stdin="a long password\n")
    assert "The book harbor is open" in said
    assert f"login {address} --book harbor --user harbor.owner" in said
    assert "harbor, owned by harbor.owner" in person.does("book", "list").splitlines()
    books = [json.loads(line)["book"] for line in person.does("book", "list", "--json").splitlines()]
    assert books == ["harbor", "sample"]
    assert "already_exists" in person.is_refused(*words, stdin="a long password\n")
    person.signs_in(address, book="harbor", user="harbor.owner", password="a long password")
    assert person.does("whoami").startswith("harbor.owner in harbor, owner at root")


def test_a_book_whose_owner_got_no_password_gets_it_afterwards(person, address):
    person.signs_in(address, book="house", user="platform", password=HOUSE_PASSWORD)
    words = ("book", "create", "summit", "--owner", "summit.owner", "--password-stdin")
    done = person.runs(*words, stdin="x\n")
    assert done.returncode == 1
    assert "password_invalid" in done.stderr
    assert "runline book password summit" in done.stderr
    person.does("book", "password", "summit", "--password-stdin", stdin="a long password\n")
    person.signs_in(address, book="summit", user="summit.owner", password="a long password")


def test_a_player_sees_their_own_and_no_log(person, address):
    person.signs_in(address, user="P1")
    assert "P1, below A1" in person.does("player", "P1")
    assert "not_permitted" in person.is_refused("log")
    assert "there is no player P2" in person.is_refused("player", "P2")


def test_a_misspelt_name_in_the_environment_is_refused_with_the_nearest_one(tmp_path):
    said = Person(tmp_path, RUNLINE_TOKN="x").is_refused("whoami", status=2)
    assert "RUNLINE_TOKN in the environment is no setting. Did you mean RUNLINE_TOKEN?" in said
