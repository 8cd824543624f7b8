"""Mutants: plant one fault at a time, and see by which means it is caught.

    python tools/mutants.py [NAME …] [--into FILE]

Each fault is a patch in tests/mutants, which begins with what it is: a `Kind:` and a `Fault:`. It is applied to a copy of the
source; then the simulation looks for it, from seed to seed, and if it finds nothing the unit tests do, and the tests that the
patch names. A patch that no longer applies is a failure, and so is a fault that nothing finds. Writes a dated table into FILE
(tests/mutants/RESULTS.md is one).

MUTANT_SEEDS, MUTANT_STEPS: how many seeds are tried, and how many steps of each. MUTANT_LANES: how many faults are looked for at
once, as many as there are cores by default.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copy2
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PATCHES = ROOT / "tests/mutants"
SEEDS = int(os.environ.get("MUTANT_SEEDS", "4"))
STEPS = int(os.environ.get("MUTANT_STEPS", "10000"))
LANES = int(os.environ.get("MUTANT_LANES", os.cpu_count() or 2))
RUN_S_MAX = 900
"""A run that a fault lets hang is ended after so many seconds, and has found it."""

FOUND_STEP = re.compile(r"^seed \d+: (\d+) steps", re.MULTILINE)
FAILED_TEST = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


class Mutant(NamedTuple):
    """A fault, by the head of its patch. tests: files that look for it, beside the simulation and the unit tests."""

    name: str
    patch: Path
    kind: str
    fault: str
    tests: tuple[str, ...]


class Caught(NamedTuple):
    """By what a fault was caught ("" if by nothing), and after how long."""

    mutant: Mutant
    means: str
    detail: str
    took_s: float


def read(patch: Path) -> Mutant:
    """A mutant as its patch describes it."""
    head = dict(re.findall(r"^(Kind|Fault|Tests): (.*)$", patch.read_text().split("\n--- ")[0], re.MULTILINE))
    return Mutant(patch.stem, patch, head["Kind"], head["Fault"], tuple(head.get("Tests", "").split()))


def tracked() -> list[str]:
    """The files of the checkout, as they are here."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def copy_into(folder: Path, names: Sequence[str]) -> None:
    """A copy of the checkout."""
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy2(ROOT / name, target)


def run(folder: Path, *words: str) -> tuple[int, str]:
    """Run a module of our Python on a copy: (its status, what it says)."""
    settings = os.environ | {"PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=folder,
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=RUN_S_MAX,
        )
    except subprocess.TimeoutExpired:
        return -1, f"hangs for {RUN_S_MAX} s"
    return done.returncode, done.stdout


def catch(mutant: Mutant, names: Sequence[str]) -> Caught:
    """Plant a fault, and look for it."""
    began = time.monotonic()

    def caught(means: str, detail: str) -> Caught:
        return Caught(mutant, means, detail, time.monotonic() - began)

    with tempfile.TemporaryDirectory(prefix="runline-mutant-") as name:
        folder = Path(name)
        copy_into(folder, names)
        applied = subprocess.run(
            ["git", "apply", str(mutant.patch)], cwd=folder, capture_output=True, text=True, check=False
        )
        if applied.returncode:
            return caught("", f"the patch does not apply: {applied.stderr.strip()}")
        for seed in range(1, SEEDS + 1):
            words = "--seed", str(seed), "--steps", str(STEPS), "--shrink-s", "0", "--story", str(folder / "story.txt")
            status, said = run(folder, "runline", "simulate", *words)
            if status:
                step = FOUND_STEP.search(said)
                return caught(
                    "simulation", f"seed {seed}, step {step[1]}" if step else f"seed {seed}: {last_line(said)}"
                )
        for tests in (("tests/unit",), mutant.tests):
            if tests and (failed := first_failure(folder, *tests)):
                test = failed.partition("[")[0]
                if test.startswith("tests/") and not stands(test, names):
                    return caught("", f"{test} fails without it as well")
                return caught("test", failed)
    return caught("", "nothing finds it")


def first_failure(folder: Path, *tests: str) -> str:
    """The first of some tests that fails on a copy, "" if none does."""
    # Whether the patches can be applied is no question to a copy in which one is.
    others = "--ignore=tests/unit/test_mutants.py", "-p", "no:cacheprovider", f"--basetemp={folder / 'tmp'}"
    status, said = run(folder, "pytest", "-x", "-q", "-rfE", "--hypothesis-profile=ci", *others, *tests)
    failed = FAILED_TEST.search(said)
    return "" if not status else failed[1] if failed else last_line(said)


def stands(test: str, names: Sequence[str]) -> bool:
    """Whether a test passes without any fault."""
    with tempfile.TemporaryDirectory(prefix="runline-mutant-") as name:
        copy_into(Path(name), names)
        return not first_failure(Path(name), test)


def last_line(said: str) -> str:
    """What was said last."""
    return next((line for line in reversed(said.splitlines()) if line.strip()), "")


def table(found: Sequence[Caught]) -> str:
    """What became of all faults."""
    rows = [
        f"| {one.mutant.name} | {one.mutant.kind} | {one.mutant.fault} | {one.means or '**nothing**'} | {one.detail} |"
        for one in found
    ]
    head = ["| mutant | kind | fault | caught by | where |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows, ""])


def about() -> str:
    """Of which day, machine and source a table is."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
    return "\n".join(
        [
            "# Planted faults, and what caught them",
            "",
            "Written by `make mutants INTO=tests/mutants/RESULTS.md`.",
            "",
            f"- date: {time.strftime('%Y-%m-%d')}, commit {commit}",
            f"- machine: {os.cpu_count()} cores, {platform.system()} {platform.release()}; Python {platform.python_version()}",
            f"- each by up to {SEEDS} seeds of {STEPS:,} steps, then by the unit tests, then by the tests that its patch names",
            "",
            "",
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Plant faults, one at a time, and see what catches them.")
    parser.add_argument("names", nargs="*", help="which (all unless told otherwise)")
    parser.add_argument("--into", type=Path, help="a file for the table")
    told = parser.parse_args()
    mutants = [read(patch) for patch in sorted(PATCHES.glob("*.patch"))]
    chosen = [mutant for mutant in mutants if not told.names or mutant.name in told.names]
    if not chosen or (unknown := set(told.names) - {mutant.name for mutant in mutants}):
        print(f"mutants: unknown: {', '.join(sorted(unknown)) if chosen else 'there are none'}", file=sys.stderr)
        return 2
    files = tracked()
    found: list[Caught] = []
    with ThreadPoolExecutor(LANES) as pool:
        for one in pool.map(lambda mutant: catch(mutant, files), chosen):
            found.append(one)
            means = one.means or "SURVIVED"
            print(
                f"{len(found):3}/{len(chosen)}  {one.mutant.name:28} {means:11} {one.took_s:5.0f} s  {one.detail}",
                flush=True,
            )
    if told.into:
        told.into.write_text(about() + table(found))
    survivors = [one for one in found if not one.means]
    print(f"{len(found) - len(survivors)} of {len(found)} caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
