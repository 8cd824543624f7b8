"""Serving: the server, and the settings that it would use."""

from pathlib import Path
from typing import Literal


def serve(
    *,
    config: Path | None = None,
    database: Path | None = None,
    host: str | None = None,
    port: int | None = None,
    gateways: int | None = None,
    committer: Literal["inline", "process"] | None = None,
    store: str | None = None,
    node: str | None = None,
    links: str | None = None,
    role: Literal["all", "engine", "gateway"] | None = None,
    sample: bool = False,
    accept_loss: bool = False,
) -> int:
    """Serve the API and the live stream over HTTP until stopped.

    Parameters
    ----------
    config
        A TOML file of settings; the environment (RUNLINE_…) goes over it, flags over both. See `runline config`.
    database
        The SQLite file; it is made if there is none.
    host
        The address to listen on; by default this machine's own only.
    port
        The port to listen on; 0 takes any free one.
    gateways
        How many processes of their own speak HTTP, beside the engine's: for machines with cores to spare. 0 is none.
    committer
        Where batches are committed: in the engine's own process, or in one of its own on a second core.
    store
        A database of PostgreSQL instead of a file, such as postgresql://runline@/runline?host=/run/postgresql; its password
        belongs into PGPASSWORD or ~/.pgpass. Whoever served it alone before is shut out.
    node
        This process's name in the log, which no other process on the same database has.
    links
        Where other nodes on the same database reach this one: unix:/run/runline/n1, or 10.0.0.1:8322. With it this process joins
        their cluster, and owns the streams that it is given.
    role
        all; or, in a cluster, engine (no HTTP) or gateway (HTTP, and no streams).
    sample
        Fill a new database with a game, a book, an agent and a player to try the API on.
    accept_loss
        Go on with a database that has lost what was durable (its log was cut or damaged, or an older copy was put back). It
        becomes another log: whoever follows it begins anew.
    """
    from runline.serve import serve as run_server

    flags = flags_of(database, host, port, gateways, committer, store, node, links, role)
    return run_server(config, flags, sample=sample, accept_loss=accept_loss)


def show_config(
    *,
    config: Path | None = None,
    database: Path | None = None,
    host: str | None = None,
    port: int | None = None,
    gateways: int | None = None,
    committer: Literal["inline", "process"] | None = None,
    store: str | None = None,
    node: str | None = None,
    links: str | None = None,
    role: Literal["all", "engine", "gateway"] | None = None,
    json: bool = False,
) -> int:
    """Print the settings that `runline serve` would use with the same file, environment and flags, each with where it comes
    from; secrets are not shown.

    Parameters
    ----------
    config
        A TOML file of settings.
    database
        The SQLite file.
    host
        The address to listen on.
    port
        The port to listen on.
    gateways
        How many processes of their own speak HTTP.
    committer
        Where batches are committed.
    store
        The database of PostgreSQL.
    node
        This process's name.
    links
        Where other nodes reach this one.
    role
        What this process does.
    json
        Say it as JSON.
    """
    from runline.serve import show_settings

    return show_settings(
        config, flags_of(database, host, port, gateways, committer, store, node, links, role), as_json=json
    )


def flags_of(
    database: Path | None,
    host: str | None,
    port: int | None,
    gateways: int | None,
    committer: str | None,
    store: str | None,
    node: str | None,
    links: str | None,
    role: str | None,
) -> dict[tuple[str, str], object]:
    """The flags as settings."""
    return {
        ("store", "path"): database,
        ("server", "host"): host,
        ("server", "port"): port,
        ("server", "gateways"): gateways,
        ("store", "committer"): committer,
        ("store", "url"): store,
        ("engine", "node"): node,
        ("cluster", "address"): links,
        ("server", "role"): role,
    }
