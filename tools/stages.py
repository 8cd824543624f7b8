"""Stages: run what checks Runline, some of it side by side, and say in a line each what came of it and how long it took.

    python tools/stages.py quick | check | test | long

A task has phases, one after the other. In a phase lanes run beside each other, the stages of a lane one after the other,
whatever became of those before. What a stage says goes to build/stages/NAME.log; of one that fails it is printed in full,
of one that passes only what it has skipped. Exits 0 if all passed, 1 otherwise.

The files of the integration tests are in memory, where there is room: nothing there outlives the power, and no test cuts it.

TEST_WORKERS: how many processes share the integration tests (one more than there are cores unless told otherwise: there is
always one that waits for something).
TEST_KILLS: how often `long` kills the engine, and owners.
"""

import asyncio
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build/stages"
CHECKED = [name for name in ("src", "tests", "tools", "benchmarks") if (ROOT / name).is_dir()]
MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 4 * 2**30
SKIPPED = re.compile(r"^SKIPPED .*$", re.MULTILINE)
COUNTED = re.compile(r"^\d+ (?:passed|failed|error|skipped)[^\n]*?(?= in [\d.]+s)", re.MULTILINE)
"""What pytest says at its end, without its own time."""


class Stage(NamedTuple):
    """One command. settings: of its environment, beside ours. in_memory: whether its temporary files may be in memory."""

    name: str
    command: Sequence[str]
    settings: Mapping[str, str] = {}
    in_memory: bool = False


class Ended(NamedTuple):
    """What came of a stage."""

    stage: Stage
    passed: bool
    took_s: float
    said: str

    def line(self) -> str:
        """It in a line."""
        counted = COUNTED.findall(self.said)
        outcome = "passed" if self.passed else "FAILED"
        return f"{self.stage.name:14} {self.took_s:5.0f} s  {outcome}  {counted[-1] if counted else ''}".rstrip()


def python(name: str, *words: str, **settings: str) -> Stage:
    """A stage that is a module of our Python."""
    return Stage(name, [sys.executable, "-m", *words], settings)


def tool(name: str, *words: str) -> Stage:
    """A stage that is a lint of ours."""
    return Stage(name, [sys.executable, *words])


def behind(stage: Stage) -> Stage:
    """A stage that takes what others leave of the machine."""
    return stage._replace(command=["nice", "-n", "10", *stage.command])


WORKERS = os.environ.get("TEST_WORKERS", str((os.cpu_count() or 2) + 1))
KILLS = os.environ.get("TEST_KILLS", "50")
FIRE = "tests/integration/test_gateway_stream.py"
DEPLOYMENT = "tests/integration/test_deployment.py"

RUFF = python("ruff", "ruff", "check", "--quiet", *CHECKED)
FORMAT = python("format", "ruff", "format", "--check", "--quiet", *CHECKED)
IMPORTS = Stage("imports", [str(Path(sys.executable).with_name("lint-imports")), "--no-logo"])
PURITY = tool("purity", "tools/purity.py")
WAITS = tool("waits", "tools/waits.py")
MYPY = python("mypy", "mypy", *CHECKED)
UNIT = python("unit", "pytest", "tests/unit")
# The order of the files is that of the tests themselves: what takes longest first.
BY_FILE = ("--dist", "loadfile", "--no-loadscope-reorder")
INTEGRATION = python("integration", "pytest", "tests/integration", "-n", WORKERS, *BY_FILE)._replace(in_memory=True)
NODES = "tests/integration/test_nodes.py"
OWNERS = python(
    "owners", "pytest", NODES, "-k", "in_turns or stood_still", "-s", TEST_OWNER_KILLS=KILLS, TEST_STOPS="99"
)
BROWSER = python("e2e", "pytest", "tests/e2e", "-n", "2", *BY_FILE)
SIMULATE = python("simulate", "runline", "simulate", "--minutes", "1")
SEEDS = 500
"""Of each of two lanes: each seed is a run of 10,000 steps, which takes some seconds."""

Phase = Sequence[Sequence[Stage]]

QUICK = [RUFF, FORMAT, IMPORTS, PURITY, WAITS]
CHECK: Phase = [[*QUICK, MYPY], [UNIT]]
TASKS: dict[str, Sequence[Phase]] = {
    "quick": [[QUICK]],
    "check": [CHECK],
    # Much of what the tests over real servers and in a browser do is to wait for something: the others fill that, to the end.
    "test": [[QUICK], [[INTEGRATION, BROWSER], [SIMULATE, behind(MYPY), behind(UNIT)]]],
    "long": [
        [[python("crash", "pytest", "-m", "crash", "tests/integration", TEST_KILLS=KILLS)]],
        [[OWNERS]],
        [[python("failover", "pytest", "tests/integration/test_failover.py", "-s", TEST_FAILOVERS="20")]],
        [
            [
                python(
                    "patroni",
                    "pytest",
                    "tests/integration/test_patroni.py",
                    DEPLOYMENT,
                    "-k",
                    "patroni",
                    "-s",
                    TEST_PATRONI="5",
                )
            ]
        ],
        [[python("cuts", "pytest", "tests/integration/test_cuts.py", "-s", TEST_ONE_WAY="1")]],
        [[python("flips", "pytest", "tests/integration", "-k", "flipped", TEST_FLIPS="250")]],
        [[python("stream", "pytest", FIRE, "-k", "killed", TEST_CUTS="100", TEST_SCREENS="50")]],
        [
            [python("simulate-1", "runline", "simulate", "--seed", "1", "--seeds", str(SEEDS))],
            [python("simulate-2", "runline", "simulate", "--seed", str(SEEDS + 1), "--seeds", str(SEEDS))],
        ],
        [[tool("lines", "tools/simulated_lines.py")]],
        [[tool("mutants", "tools/mutants.py")]],
        [[tool("mutmut", "tools/survivors.py")]],
    ],
}


KEPT = {"PYTHONDONTWRITEBYTECODE": ""}
"""What is compiled is kept, whatever this machine's settings say: hundreds of processes import the same modules."""

running: dict[str, float] = {}
"""Since when each stage runs that runs now."""


@contextmanager
def temporary(stage: Stage) -> Iterator[Mapping[str, str]]:
    """The settings by which a stage has its temporary files in memory, if it may and there is room; they go with it."""
    if not (stage.in_memory and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN):
        yield {}
        return
    folder = Path(tempfile.mkdtemp(prefix="runline-", dir=MEMORY))
    # Programs of other users go through it.
    folder.chmod(0o711)
    try:
        yield {"TMPDIR": str(folder)}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def run(stage: Stage) -> Ended:
    """Run a stage, and say what came of it."""
    log = LOGS / f"{stage.name}.log"
    began = running[stage.name] = time.monotonic()
    with log.open("wb") as out, temporary(stage) as settings:
        child = await asyncio.create_subprocess_exec(
            *stage.command,
            cwd=ROOT,
            env={**os.environ, **KEPT, **stage.settings, **settings},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
        try:
            status = await child.wait()
        except asyncio.CancelledError:
            # Ctrl-C reaches the child as well; it is waited for, so that nothing of it stays behind.
            await child.wait()
            raise
    del running[stage.name]
    ended = Ended(stage, status == 0, time.monotonic() - began, log.read_text(errors="replace"))
    tell(ended)
    return ended


def tell(ended: Ended) -> None:
    """Print what is worth seeing of a stage that has ended."""
    if ended.passed:
        said = "\n".join(SKIPPED.findall(ended.said))
    else:
        said = f"\n==> {ended.stage.name}: {' '.join(ended.stage.command)}\n{ended.said}"
    wipe()
    if said:
        print(said)
    print(ended.line(), flush=True)


def wipe() -> None:
    """Take the line away that says what runs."""
    if sys.stdout.isatty():
        print("\r\x1b[K", end="", flush=True)


async def say_what_runs() -> None:
    """Keep a line on the terminal, if there is one."""
    while sys.stdout.isatty():
        wipe()
        now = time.monotonic()
        print(", ".join(f"{name} {now - began:.0f} s" for name, began in running.items()) + " …", end="", flush=True)
        await asyncio.sleep(1)


async def run_lane(stages: Sequence[Stage]) -> list[Ended]:
    """One stage after the other."""
    return [await run(stage) for stage in stages]


async def run_all(phases: Sequence[Phase]) -> bool:
    """Run the phases; whether all passed. What failed is said once more at the end."""
    began = time.monotonic()
    LOGS.mkdir(parents=True, exist_ok=True)
    saying = asyncio.create_task(say_what_runs())
    ended = [one for phase in phases for lane in await asyncio.gather(*map(run_lane, phase)) for one in lane]
    saying.cancel()
    wipe()
    failed = [one.stage.name for one in ended if not one.passed]
    skipped = [one.stage.name for one in ended if SKIPPED.search(one.said)]
    total = f"{len(ended)} stages, {time.monotonic() - began:.0f} s: "
    not_tried = f" (some tests were skipped, see above: {', '.join(skipped)})" if skipped else ""
    print("\n" + total + (f"FAILED: {', '.join(failed)}" if failed else "all passed") + not_tried)
    return not failed


def main(words: Sequence[str]) -> int:
    """Run a task. Exits 0, 1 if a stage failed, 2 if there is no such task, 130 after Ctrl-C."""
    if len(words) != 1 or words[0] not in TASKS:
        print(f"usage: python tools/stages.py {' | '.join(TASKS)}", file=sys.stderr)
        return 2
    try:
        return 0 if asyncio.run(run_all(TASKS[words[0]])) else 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
