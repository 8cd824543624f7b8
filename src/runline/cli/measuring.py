"""Measuring: the benches."""

from pathlib import Path
from typing import Literal


def bench(
    *names: Literal[
        "core",
        "engine",
        "settle",
        "recover",
        "http",
        "idle",
        "gateways",
        "stream",
        "reconnect",
        "hubs",
        "catalogue",
        "both",
        "house",
        "overload",
        "growth",
        "faults",
        "pages",
    ],
    json: Path | None = None,
    quick: bool = False,
    folder: Path | None = None,
) -> int:
    """Measure, with fsync on, beside a floor taken in the same run.

    Parameters
    ----------
    names
        Which ones; all of them by default.
    json
        Also write the results into this file.
    quick
        A smoke run of seconds; its figures mean little.
    folder
        Where to put the databases; by default the system's folder for temporary files.
    """
    from runline.evaluate.bench.run import BENCHES, run_benches

    return run_benches(names or tuple(BENCHES), json, quick=quick, folder=folder)
