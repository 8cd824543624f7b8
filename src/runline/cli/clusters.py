"""Clusters: the nodes of a database of PostgreSQL, and who of them owns what."""

import os
from collections.abc import Callable
from pathlib import Path

from cyclopts import App, Parameter

app = App(
    name="cluster",
    help="Nodes that share a database of PostgreSQL: who is there, and who owns which stream.",
    default_parameter=Parameter(negative=()),
)


@app.command
def status(*, store: str | None = None, config: Path | None = None, json: bool = False) -> int:
    """Show the nodes with the age of their leases, who coordinates, and whose each stream is. Exits 0 (all is well), 1 (something
    is not: says what) or 2 (cannot read).

    Parameters
    ----------
    store
        The database of PostgreSQL, as `runline serve --store` has it.
    config
        A TOML file of settings, as `runline serve --config` has it.
    json
        Say it as JSON: coordinator, nodes, streams, and what is wrong.
    """
    from runline.cluster.status import show_status

    return with_database(store, config, lambda url: show_status(url, as_json=json))


@app.command
def move(stream: str, node: str, *, store: str | None = None, config: Path | None = None) -> int:
    """Move a stream to a node, now. It is handed over by its owner: nobody who sends it something hears of that. Exits 0 (it is
    there), 1 (it has not come there) or 2 (it cannot).

    Parameters
    ----------
    stream
        A book, or `house`.
    node
        The node that is to have it.
    store
        The database of PostgreSQL.
    config
        A TOML file of settings.
    """
    from runline.cluster.operating import operate

    return with_database(store, config, lambda url: operate(url, lambda it: it.move(stream, node)))


@app.command
def pin(
    stream: str, node: str = "", *, anywhere: bool = False, store: str | None = None, config: Path | None = None
) -> int:
    """Keep a stream at a node: it goes there, and comes back there whenever that node has been away. Exits as `move` does.

    Parameters
    ----------
    stream
        A book, or `house`.
    node
        The node that is to have it.
    anywhere
        It may be at any node again.
    store
        The database of PostgreSQL.
    config
        A TOML file of settings.
    """
    from runline.cluster.operating import operate
    from runline.shell import complain

    if anywhere == bool(node):
        return complain("Say the node, or --anywhere")
    return with_database(store, config, lambda url: operate(url, lambda it: it.pin(stream, node)))


@app.command
def drain(node: str, *, off: bool = False, store: str | None = None, config: Path | None = None) -> int:
    """Have a node give all its streams to others, as before it is stopped for long. Exits 0 (it has none any more), 1 (it has
    some yet) or 2 (it cannot).

    Parameters
    ----------
    node
        The node.
    off
        It takes streams again.
    store
        The database of PostgreSQL.
    config
        A TOML file of settings.
    """
    from runline.cluster.operating import operate

    return with_database(store, config, lambda url: operate(url, lambda it: it.drain(node, off=off)))


def with_database(store: str | None, config: Path | None, do: Callable[[str], int]) -> int:
    """Do something with the database of a cluster, by its address."""
    from runline.config import SettingsError, load_settings
    from runline.shell import complain

    try:
        url = load_settings(config, os.environ, {("store", "url"): store}).store.url
    except SettingsError as error:
        return complain(error)
    if not url:
        return complain("A cluster has a database of PostgreSQL. Remedy: --store URL, or url of [store].")
    return do(url)
