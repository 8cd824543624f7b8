"""Clusters: the nodes of a database of PostgreSQL, and who of them owns what."""

import os
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
    from runline.config import SettingsError, load_settings
    from runline.shell import complain

    try:
        url = load_settings(config, os.environ, {("store", "url"): store}).store.url
    except SettingsError as error:
        return complain(error)
    if not url:
        return complain("A cluster has a database of PostgreSQL. Remedy: --store URL, or url of [store].")
    return show_status(url, as_json=json)
