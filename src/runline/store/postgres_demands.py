"""Demands: what a PostgreSQL must be so that what is acknowledged stays. Looked at whenever somebody who writes connects.

Each has a sentence that says what would be lost, and the remedy.
"""

import time
from collections.abc import Iterator

import msgspec

from runline.engine.ports import StoreError
from runline.store.limits import CLOCK_OFF_MS_MAX
from runline.store.postgres_connection import Connection, store_error
from runline.store.postgres_hosts import hosts_of

VERSION_MIN = 16

STANDBYS = """
    FROM pg_stat_replication
    WHERE coalesce(application_name, '') NOT IN ('pg_basebackup', 'pg_receivewal')
    AND (state IS NULL OR (state = 'streaming' AND replay_lsn IS NOT NULL))
"""
"""Those that could be promoted: whoever copies the log and does not replay it, for a backup, is none."""

FOUND = f"""
SELECT
    current_setting('server_version_num')::int / 10000,
    current_setting('server_encoding'),
    current_setting('fsync') = 'on',
    current_setting('full_page_writes') = 'on',
    current_setting('data_checksums') = 'on',
    current_setting('synchronous_commit'),
    current_setting('synchronous_standby_names'),
    (SELECT count(*)::int {STANDBYS}),
    (SELECT count(*)::int {STANDBYS} AND coalesce(sync_state, 'sync') IN ('sync', 'quorum')),
    split_part(coalesce(system_user, 'trust'), ':', 1),
    inet_client_addr() IS NULL OR inet_client_addr() <<= '127.0.0.0/8' OR inet_client_addr() = '::1',
    pg_backend_pid(),
    coalesce((SELECT min(c.relname || '.' || a.attname)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_collation n ON n.oid = a.attcollation
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'alembic_version'
        AND a.attnum > 0 AND n.collname NOT IN ('C', 'POSIX') AND to_regclass('public.alembic_version') IS NOT NULL), ''),
    (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint
"""


class Server(msgspec.Struct, frozen=True):
    """A server as it is found.

    standbys, waited_for: how many follow it, and how many of those a commit may wait for. (Of which kind they are is told to
    who may read all statistics; of others it is taken that they are waited for.) let_in: how it has found out that we are who we
    say. near: whether it sees us come from its own machine. process: that of our session, as the server says; told: as it was
    said when we connected. sorted_otherwise: a column whose texts do not come in the order of their bytes, "" for none.
    clock_off_ns: how far its clock is ahead of ours, at least.
    """

    version: int
    encoding: str
    fsync: bool
    full_page_writes: bool
    checksums: bool
    synchronous_commit: str
    synchronous_standbys: str
    standbys: int
    waited_for: int
    let_in: str
    near: bool
    process: int
    told: int
    sorted_otherwise: str
    clock_off_ns: int


PROVED_BY = ("scram-sha-256", "cert")
"""How we may be let in from beyond the machine: by what tells nobody the password, or needs none."""


def unmet(server: Server, *, beyond: bool = False, replicas: bool = False) -> Iterator[str]:
    """The demands that a server does not meet, each in a sentence, with the remedy. beyond: whether its address leads beyond this
    machine. replicas: whether a standby is required that has what is acknowledged."""
    if server.version < VERSION_MIN:
        yield (
            f"This is PostgreSQL {server.version}, and Runline is tried with {VERSION_MIN} and newer. Remedy: pg_upgrade to "
            f"{VERSION_MIN} or newer."
        )
    if server.encoding != "UTF8":
        yield (
            f"Its texts are {server.encoding}, which has not every character. Remedy: create the database with ENCODING 'UTF8'."
        )
    if not server.fsync:
        yield "fsync is off: a power cut takes what was acknowledged. Remedy: fsync = on in postgresql.conf; reload."
    if not server.full_page_writes:
        yield (
            "full_page_writes is off: a power cut leaves torn pages. Remedy: full_page_writes = on in postgresql.conf; reload."
        )
    if not server.checksums:
        yield "Its pages have no checksums: a changed bit would be served. Remedy: stop it, and pg_checksums --enable."
    if server.synchronous_commit not in ("on", "remote_apply"):
        yield (
            f"synchronous_commit is {server.synchronous_commit}: a commit is answered before it is durable. Remedy: ALTER "
            "ROLE or ALTER DATABASE … RESET synchronous_commit, and connect without a pooler that sets it."
        )
    if server.standbys and not server.synchronous_standbys:
        yield (
            "It has standbys, and none is synchronous: a failover loses what was acknowledged. Remedy: set "
            "synchronous_standby_names, such as 'ANY 1 (*)', and reload."
        )
    elif replicas and not server.synchronous_standbys:
        yield (
            "It names no synchronous standby, and replicas is required: what is acknowledged is on one machine. Remedy: set "
            "synchronous_standby_names, such as 'ANY 1 (*)', and reload; with Patroni, synchronous_mode: true and "
            "synchronous_mode_strict: true."
        )
    if server.synchronous_standbys and not server.waited_for:
        yield (
            f"Commits wait for a synchronous standby ({server.synchronous_standbys}), and none is there: none of them ends. "
            "Remedy: start one, or mend synchronous_standby_names."
        )
    if beyond and not server.near and server.let_in not in PROVED_BY:
        yield (
            f"It lets us in by {server.let_in}, from beyond its machine. Remedy: write scram-sha-256 into that line of "
            "pg_hba.conf, set password_encryption = 'scram-sha-256', reload, and set the password anew."
        )
    if server.process != server.told:
        yield (
            "There is a pooler between Runline and PostgreSQL: sessions change under way, and one that must be ended cannot be "
            "named. Remedy: give the address of the server itself."
        )
    if server.sorted_otherwise:
        yield (
            f"The column {server.sorted_otherwise} is not sorted by its bytes: rows would come in another order. Remedy: ALTER "
            'TABLE … ALTER COLUMN … TYPE text COLLATE "C", or restore into a database that Runline has made.'
        )
    if abs(server.clock_off_ns) > CLOCK_OFF_MS_MAX * 1_000_000:
        ahead = "ahead of" if server.clock_off_ns > 0 else "behind"
        yield (
            f"The database's clock is {abs(server.clock_off_ns) / 1e9:.2f} s {ahead} this machine's; {CLOCK_OFF_MS_MAX} ms are "
            "borne. Remedy: keep both right by NTP (chrony, systemd-timesyncd)."
        )


async def look_at(connection: Connection) -> Server:
    """A server as it is. Raises what the driver raises."""
    before = time.time_ns()
    *facts, otherwise, clock_ns = await connection.fetchrow(FOUND)
    after = time.time_ns()
    # It was read at some time between.
    off = max(clock_ns - after, 0) or min(clock_ns - before, 0)
    return Server(*[*facts, connection.get_server_pid(), otherwise, off])


async def commit_durably(connection: Connection) -> None:
    """Have this session commit durably. Raises what the driver raises."""
    # Who asks for more than `on` keeps it.
    if await connection.fetchval("SELECT current_setting('synchronous_commit')") != "remote_apply":
        await connection.execute("SET synchronous_commit = on")


async def demand(connection: Connection, url: str, *, replicas: bool = False) -> None:
    """Have this session commit durably, and look whether the server keeps what it is given. url: its address. replicas: as of
    `unmet`.

    Raises StoreError `unreadable`, with everything that is not as it must be.
    """
    try:
        await commit_durably(connection)
        beyond = any(host.is_beyond for host in hosts_of(url))
        faults = list(unmet(await look_at(connection), beyond=beyond, replicas=replicas))
    except Exception as error:
        raise store_error(error) from error
    if faults:
        raise StoreError("unreadable", " ".join(faults))
