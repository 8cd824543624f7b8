"""PostgreSQL, without one: what is demanded of a server, and how statements and errors are taken."""

import msgspec
import pytest

from runline.engine.ports import StoreError
from runline.evaluate.terminal import UNREADABLE, trace_command, verify_database
from runline.store import limits
from runline.store.migrations.run import upgrade_sql
from runline.store.postgres import PostgresStore
from runline.store.postgres_connection import literal, numbered, store_error
from runline.store.postgres_demands import Server, unmet
from runline.store.postgres_hosts import hosts_of, require_private
from runline.store.postgres_opening import within

SOUND = Server(16, "UTF8", True, True, True, "on", "", 0, 0, "trust", True, 71, 71, "", 0)


def test_a_server_that_keeps_what_it_is_given_is_taken():
    assert list(unmet(SOUND)) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"version": 15}, "PostgreSQL 15, and Runline is tried with 16 and newer. Remedy: pg_upgrade"),
        ({"encoding": "LATIN1"}, "Its texts are LATIN1, which has not every character. Remedy: create the database"),
        ({"fsync": False}, "fsync is off: a power cut takes what was acknowledged. Remedy: fsync = on"),
        (
            {"full_page_writes": False},
            "full_page_writes is off: a power cut leaves torn pages. Remedy: full_page_writes",
        ),
        (
            {"checksums": False},
            "no checksums: a changed bit would be served. Remedy: stop it, and pg_checksums --enable",
        ),
        (
            {"synchronous_commit": "local"},
            "synchronous_commit is local: a commit is answered before it is durable. Remedy",
        ),
        (
            {"standbys": 1},
            "none is synchronous: a failover loses what was acknowledged. Remedy: set synchronous_standby",
        ),
        (
            {"synchronous_standbys": "ANY 1 (*)", "standbys": 1},
            "Commits wait for a synchronous standby (ANY 1 (*)), and none is there: none of them ends. Remedy: start one",
        ),
        ({"told": 72}, "There is a pooler between Runline and PostgreSQL"),
        ({"sorted_otherwise": "agents.name"}, "agents.name is not sorted by its bytes"),
        (
            {"clock_off_ns": 260_000_000},
            "0.26 s ahead of this machine's; 250 ms are borne. Remedy: keep both right by NTP",
        ),
        ({"clock_off_ns": -3_600 * 10**9}, "3600.00 s behind this machine's"),
    ],
)
def test_what_it_does_not_meet_is_said_with_the_remedy(change, sentence):
    (said,) = unmet(msgspec.structs.replace(SOUND, **change))
    assert sentence in said
    assert "Remedy: " in said


@pytest.mark.parametrize(
    "change",
    [
        {"version": 18},
        {"synchronous_commit": "remote_apply"},
        {"standbys": 2, "waited_for": 2, "synchronous_standbys": "ANY 1 (*)"},
        {"clock_off_ns": 250_000_000},
    ],
)
def test_what_is_as_good_is_taken(change):
    assert list(unmet(msgspec.structs.replace(SOUND, **change))) == []


def test_a_standby_that_is_required_is_missed_whether_there_are_others_or_not():
    for standbys in (0, 1):
        (said,) = unmet(msgspec.structs.replace(SOUND, standbys=standbys), replicas=True)
        assert "synchronous" in said
        assert "Remedy: set synchronous_standby_names" in said
    kept = msgspec.structs.replace(SOUND, standbys=1, waited_for=1, synchronous_standbys="*")
    assert list(unmet(kept, replicas=True)) == []


@pytest.mark.parametrize("let_in", ["trust", "password", "md5", "peer"])
def test_from_beyond_the_machine_nobody_is_let_in_by_less_than_scram(let_in):
    far = msgspec.structs.replace(SOUND, let_in=let_in, near=False)
    (said,) = unmet(far, beyond=True)
    assert said.startswith(f"It lets us in by {let_in}, from beyond its machine. Remedy: write scram-sha-256 into")
    assert list(unmet(far)) == []
    assert list(unmet(msgspec.structs.replace(far, near=True), beyond=True)) == []
    for proved in ("scram-sha-256", "cert"):
        assert list(unmet(msgspec.structs.replace(far, let_in=proved), beyond=True)) == []


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://runline@/runline", [("", 0)]),
        ("postgresql://db1:5433,db2/runline?port=5434", [("db1", 5433), ("db2", 5434)]),
        ("postgresql://[::1]:5433,[fe80::2]/runline", [("::1", 5433), ("fe80::2", 0)]),
        ("postgresql://u:p@%2Frun%2Fpostgresql/runline", [("/run/postgresql", 0)]),
        ("postgresql://ignored/runline?host=/run/a,db2&port=1,2", [("/run/a", 1), ("db2", 2)]),
        ("postgresql:///runline?host=fe80::2", [("fe80::2", 0)]),
    ],
)
def test_each_host_of_an_address_has_its_port(url, hosts):
    assert [tuple(one) for one in hosts_of(url)] == hosts


def test_an_address_leads_nowhere_but_where_it_was_judged():
    """What stands in front is not where the driver is sent, and so not what is judged."""
    require_private("postgresql://db1.example/runline?host=localhost")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://runline@/runline",
        "postgresql://runline@/runline?host=/run/postgresql",
        "postgresql://runline@localhost:5433/runline",
        "postgresql://runline:secret@127.0.0.1/runline",
        "postgresql://runline@[::1]/runline",
        "postgresql://db1.example:5432,db2.example:5432/runline?sslmode=verify-full&sslrootcert=ca.pem",
    ],
)
def test_a_database_on_this_machine_or_one_that_is_proved_is_taken(url):
    require_private(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://runline@db1.example/runline",
        "postgresql://runline:secret@db1.example/runline?sslmode=require",
        "postgresql://localhost:5432,db1.example:5432/runline",
        "postgresql://runline@/runline?host=db1.example",
    ],
)
def test_a_database_beyond_this_machine_must_prove_who_it_is(url):
    with pytest.raises(
        StoreError, match=r"db1\.example is beyond this machine.*Remedy: add sslmode=verify-full"
    ) as failed:
        require_private(url)
    assert "secret" not in str(failed.value)


def test_who_claims_is_not_taken_for_hung_while_it_waits_for_a_session_to_end():
    longest_s = limits.CLAIM_S_MAX + (limits.CLAIM_LOCK_MS + limits.BACKEND_ENDS_MS) / 1_000
    assert longest_s < limits.COMMITTER_SILENT_S_MAX
    assert limits.BACKEND_ENDS_MS / 1_000 < limits.SETTLE_S_MAX


def test_what_the_environment_says_of_an_address_is_judged_as_well(monkeypatch):
    monkeypatch.setenv("PGHOST", "/run/postgresql,db1.example:5433")
    with pytest.raises(StoreError, match=r"db1\.example is beyond this machine"):
        require_private("postgresql://runline@/runline")
    require_private("postgresql://runline@localhost/runline")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    require_private("postgresql://runline@/runline")
    monkeypatch.setenv("PGSERVICE", "book")
    with pytest.raises(StoreError, match=r"A service is named for the database. Remedy: name its host"):
        require_private("postgresql://runline@localhost/runline")


def test_a_service_that_an_address_names_is_refused():
    with pytest.raises(StoreError, match="A service is named for the database"):
        require_private("postgresql://runline@/runline?service=book")


def test_where_the_driver_is_not_installed_the_remedy_is_said(monkeypatch):
    monkeypatch.setattr("runline.store.postgres_connection.asyncpg", None)
    with pytest.raises(StoreError, match=r"asyncpg is not installed. Remedy: pip install 'runline\[postgresql\]'"):
        PostgresStore("postgresql://runline@/runline")


@pytest.mark.parametrize(
    "command", [(verify_database, None, None), (trace_command, "01890a5d-ac96-7b7c-8000-000000000000")]
)
def test_the_commands_say_so_as_well(command, monkeypatch, capsys):
    monkeypatch.setattr("runline.store.postgres_connection.asyncpg", None)
    called, *words = command
    assert called("postgresql://runline@/runline", *words) == UNREADABLE
    assert "Remedy: pip install 'runline[postgresql]'" in capsys.readouterr().err


def test_values_are_numbered_in_their_order():
    assert numbered("SELECT ? FROM t WHERE a = ? AND b < ?") == "SELECT $1 FROM t WHERE a = $2 AND b < $3"


@pytest.mark.parametrize(
    ("value", "sql"),
    [("it's", "'it''s'"), (-(2**63), "-9223372036854775808::bigint"), (b"\x00\xff", "'\\x00ff'::bytea")],
)
def test_a_value_in_a_statement_is_nothing_but_a_value(value, sql):
    assert literal(value) == sql


def test_an_integer_beyond_64_bits_is_no_value():
    with pytest.raises(StoreError) as failed:
        literal(2**63)
    assert failed.value.kind == "row"


class Said(Exception):
    """What a server says."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__("on purpose")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [
        ("40001", "transient"),
        ("53100", "transient"),
        ("55P03", "transient"),
        ("57014", "transient"),
        ("58030", "transient"),
        ("XX001", "unreadable"),
        ("42P01", "unreadable"),
        ("28P01", "unreadable"),
        ("22021", "row"),
        ("23505", "row"),
    ],
)
def test_what_a_server_says_means_something_for_the_engine(sqlstate, kind):
    found = store_error(Said(sqlstate))
    assert found.kind == kind
    assert sqlstate in str(found)


@pytest.mark.parametrize("sqlstate", ["28000", "28P01", "3D000", "42501"])
def test_what_whoever_has_given_the_address_can_mend_is_said_with_the_remedy(sqlstate):
    assert str(store_error(Said(sqlstate))).startswith(f"on purpose ({sqlstate}). Remedy: ")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (TimeoutError(), "it does not answer in time"),
        (ConnectionRefusedError(111, "Connection refused"), "connection refused"),
        (FileNotFoundError(2, "No such file or directory"), "no such file or directory"),
    ],
)
def test_what_the_system_says_is_said_in_words(error, sentence):
    assert str(store_error(error)) == sentence


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://localhost:abc/x",
        "postgresql://localhost:99999/x",
        "postgresql://[::1/x",
        "postgresql://a,b,c/x?port=1,2",
        "postgresql://a/x?host=[::1",
    ],
)
def test_an_address_that_cannot_be_read_is_said_to_be_that(url):
    with pytest.raises(StoreError, match="The address of the database cannot be read: ") as failed:
        require_private(url)
    assert failed.value.kind == "unreadable"


@pytest.mark.parametrize("error", [ConnectionResetError("gone"), EOFError(), TimeoutError()])
def test_what_becomes_of_a_commit_whose_connection_goes_is_not_known(error):
    assert store_error(error).kind == "lost"


def test_the_schema_is_made_within_the_transaction_of_the_opening():
    script = upgrade_sql("postgresql", None)
    assert script.startswith("BEGIN;")
    assert "BEGIN" not in within(script)
    assert "COMMIT" not in within(script)


def test_every_text_of_postgresql_is_sorted_by_its_bytes():
    texts = [line for line in upgrade_sql("postgresql", None).splitlines() if " TEXT" in line]
    assert len(texts) > 100
    assert [line for line in texts if 'TEXT COLLATE "C"' not in line] == []


@pytest.mark.parametrize("password", ["hunter2", "hun/ter2", "hun#ter2", "hun?ter2", "[hunter2", "hunter2]"])
@pytest.mark.parametrize("rest", ["@db.example/runline", "/runline"])
def test_a_password_that_is_written_wrongly_is_not_said(password, rest):
    with pytest.raises(StoreError) as refused:
        require_private(f"postgresql://runline:{password}{rest}")
    assert "hun" not in str(refused.value)
