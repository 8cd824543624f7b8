"""Trying: run the tests that reach each change that mutmut has made, and after them a simulation.

    python trying.py CHANGES RESULTS SECONDS SIMULATED PYTEST-ARGUMENT …

It runs where mutmut has put what it has changed. CHANGES has the name of a change a line; what comes of each is added to RESULTS,
as a line of JSON. What stands there already is not tried again, so that a run of hours may be stopped and go on.

The tests are collected once, and each is run once, to see that it passes and which functions it reaches. Then each change has a
process of its own, forked off, in which the tests run that reach its function: first those that have noticed others of that
function, then those of the file that is named after its module or after what it is (grounds), then those that have noticed others
of its module, then those of files that use its module, then those that take least, for so many SECONDS at most (a function that
nearly all tests reach is looked at by the quick ones only), until one fails.
What the first ones do not notice is simulated, SIMULATED steps, unless simulations do not reach its function; after that come the
tests that are left.

What is called while modules are imported was called before the fork. Where none of these has noticed a change of such a function,
the process begins anew as another program, which imports all with the change in it and runs the tests of what is declared:

    python trying.py --anew CHANGE PYTEST-ARGUMENT …
"""

import gc
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import msgspec
import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings

CHILDREN = int(os.environ.get("MUTMUT_WORKERS", os.cpu_count() or 2))

FAILS, HANGS, ENDS, SURVIVES, UNTESTED, UNCLEAR = "fails", "hangs", "ends", "survives", "untested", "unclear"
SIMULATED = "simulated"
NOTICED = {FAILS, HANGS, ENDS, SIMULATED}
"""What came of a change that was noticed: a test failed, hung, or ended its process, or a simulation was wrong."""

QUICK_S = 0.7
"""Seconds of tests before the simulation, which notices most of what one test does not."""

BESIDE_S = 30.0
"""Seconds of processor time that a change may take beside three times what its tests took without it."""

SEED = 1

DECLARED = [
    "tests/unit/test_vocabulary.py",
    "tests/unit/test_reference.py::test_the_reference_in_the_repository_is_that_of_the_source",
    "tests/unit/test_codec.py",
    "tests/unit/test_golden_log.py",
]
"""The tests of what modules declare while they are imported."""

CHOSEN: dict[str, str] = {}
"""The change that is there from the first import on, by its function, in a program that has begun anew."""


class Came(msgspec.Struct):
    """What came of a change. by: the test that has noticed it, or what was wrong in the simulation."""

    change: str
    outcome: str
    by: str = ""


class Switch:
    """A function of which there are changes, by name. chosen: the one that is called."""

    def __init__(self, changes: dict[str, Any]) -> None:
        self.changes = changes
        self.chosen = "_mutmut_orig"


SWITCHES: dict[str, Switch] = {}
"""By the name of a change without its number."""

REACHED: set[str] = set()
"""Which of them were called."""


def wrap(changes: dict[str, Any], is_classmethod: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """What mutmut's own does by a look into the environment at each call, by a switch."""

    def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
        owner, _, plain = function.__qualname__.rpartition(".")
        where = f"{function.__module__}." + (f"xǁ{owner}ǁ{plain}" if owner else f"x_{plain}")
        switch = SWITCHES[where] = Switch(changes)
        switch.chosen = CHOSEN.get(where, switch.chosen)

        @wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            REACHED.add(where)
            found = changes[switch.chosen]
            if is_classmethod:
                return getattr(args[0], found.__name__)(*args[1:], **kwargs)
            return found(*args, **kwargs)

        return called

    return wrapped


def file_of(test: str) -> str:
    """The file that a test is in."""
    return test.partition("::")[0]


def switch_of(change: str) -> str:
    """The name of the function that a change is of."""
    return change.rpartition("__mutmut_")[0]


class Trying:
    """The session in which changes are tried. seconds: of tests for one change. options: of pytest, for who begins anew. reach:
    by function, the tests that reach it; took_s: how long each takes. noticed: by function and by module, who has noticed changes
    of it. uses: by file of tests, the modules of which it has something. imported: the functions that are called while modules
    are imported."""

    def __init__(
        self, changes: Sequence[str], results: Path, seconds: float, simulated: int, options: Sequence[str] = ()
    ) -> None:
        self.changes = changes
        self.seconds = seconds
        self.options = options
        self.imported: set[str] = set()
        self.results = results
        self.simulated = simulated
        self.items: dict[str, pytest.Item] = {}
        self.reach: dict[str, list[str]] = {}
        self.took_s: dict[str, float] = {}
        self.noticed: dict[str, Counter[str]] = {}
        self.uses: dict[str, set[str]] = {}
        self.simulation: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        self.imported = set(REACHED)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = {item.nodeid: item for item in session.items}
        for item in session.items:
            if file_of(item.nodeid) not in self.uses:
                names = vars(getattr(item, "module", None) or item).values()
                self.uses[file_of(item.nodeid)] = {str(getattr(one, "__module__", "")) for one in names}
        known = self.results.with_name("reach.json")
        since = known.stat().st_mtime if known.exists() else 0.0
        if since:
            self.reach, self.took_s = msgspec.json.decode(
                known.read_bytes(), type=tuple[dict[str, list[str]], dict[str, float]]
            )
            left = [
                item for item in session.items if item.nodeid not in self.took_s or item.path.stat().st_mtime > since
            ]
            gone = {item.nodeid for item in left} | (self.took_s.keys() - self.items.keys())
            self.reach = {name: [one for one in ids if one not in gone] for name, ids in self.reach.items()}
            self.took_s = {one: took_s for one, took_s in self.took_s.items() if one not in gone}
            session.items = left
        for index, item in enumerate(session.items):
            following = session.items[index + 1] if index + 1 < len(session.items) else None
            REACHED.clear()
            began = time.process_time()
            reports = runtestprotocol(item, log=False, nextitem=following)
            self.took_s[item.nodeid] = time.process_time() - began
            for report in reports:
                if report.failed:
                    print(f"trying: {item.nodeid} fails as things are:\n{report.longreprtext}", file=sys.stderr)
                    session.testsfailed += 1
            for name in REACHED:
                self.reach.setdefault(name, []).append(item.nodeid)
            show(f"{index + 1} of {len(session.items)} tests")
        if session.testsfailed:
            return True
        known.write_bytes(msgspec.json.encode((self.reach, self.took_s)))
        if self.simulated:
            REACHED.clear()
            wrong = self.simulate()
            assert not wrong, wrong
            self.simulation = set(REACHED)
        subprocess.run(self.anew(""), check=True, stdout=subprocess.DEVNULL)
        gc.collect()
        gc.freeze()
        self.try_all()
        return True

    def simulate(self) -> str:
        """What is wrong in a simulation."""
        from runline.simulate.run import simulate

        outcome, _ = simulate(SEED, self.simulated)
        return outcome.wrong

    def try_all(self) -> None:
        known = set()
        for came in read(self.results):
            known.add(came.change)
            self.note(came)
        # Changes of one function, one after the other: who has noticed the one is asked first of the next.
        left = [change for change in self.changes if change not in known]
        running: dict[int, tuple[str, int, float]] = {}
        with self.results.open("ab") as file:
            tried, began = 0, time.monotonic()
            while left or running:
                while left and len(running) < CHILDREN:
                    change = left.pop(0)
                    ids, limit_s = self.tests_of(change)
                    if not ids and switch_of(change) not in self.simulation | self.imported:
                        file.write(msgspec.json.encode(Came(change, UNTESTED)) + b"\n")
                        continue
                    running_pid, reads = self.begin(change, ids, limit_s)
                    running[running_pid] = change, reads, time.monotonic() + 10 * limit_s + 60
                if not running:
                    continue
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    for one, (_, _, until) in running.items():
                        if time.monotonic() > until:
                            os.kill(one, signal.SIGKILL)
                    time.sleep(0.002)
                    continue
                change, reads, _ = running.pop(pid)
                with os.fdopen(reads) as told:
                    by = told.read()
                came = Came(change, outcome_of(status), by)
                self.note(came)
                file.write(msgspec.json.encode(came) + b"\n")
                file.flush()
                tried += 1
                each = (time.monotonic() - began) / tried
                show(f"{len(left)} changes left, {each:.2f} s each")

    def note(self, came: Came) -> None:
        """Note which test has noticed a change, of the function and of its module."""
        if came.outcome == FAILS:
            name = switch_of(came.change)
            for known in (name, name.rpartition(".")[0]):
                self.noticed.setdefault(known, Counter())[came.by] += 1

    def tests_of(self, change: str) -> tuple[list[str], float]:
        """The tests that reach a change, in the order in which they are run, and the seconds that they may take."""
        name = switch_of(change)
        module, _, function = name.rpartition(".")
        noticed, beside = self.noticed.get(name, Counter()), self.noticed.get(module, Counter())
        words = {module.rpartition(".")[2], *(f"{word}s" for word in function.split("_"))}

        def named_after(test: str) -> bool:
            return test.partition(".py")[0].rpartition("/test_")[2] in words

        def comes(test: str) -> tuple[float, ...]:
            uses = module in self.uses.get(file_of(test), ())
            return -noticed[test], not named_after(test), -beside[test], not uses, self.took_s[test]

        ids = sorted(self.reach.get(name, ()), key=comes)
        total = 0.0
        chosen: list[str] = []
        for one in ids:
            total += self.took_s[one]
            if total > self.seconds and chosen:
                break
            chosen.append(one)
        return chosen, 3 * total + BESIDE_S

    def begin(self, change: str, ids: list[str], limit_s: float) -> tuple[int, int]:
        """A process in which a change is tried; its number, and where it says what has noticed it."""
        reads, writes = os.pipe()
        pid = os.fork()
        if pid:
            os.close(writes)
            return pid, reads
        os.close(reads)
        code = UNCLEAR_CODE
        try:
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(nothing, number)
            seconds = int(limit_s) + 1
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
            code = self.tried(change, ids, writes)
        finally:
            os._exit(code)

    def tried(self, change: str, ids: list[str], writes: int) -> int:
        """Try a change, in a process of its own."""
        name = switch_of(change)
        SWITCHES[name].chosen = change.rpartition(".")[2]
        quick = self.quick(ids)
        if by := self.failing(ids[:quick]):
            os.write(writes, by.encode())
            return 1
        if name in self.simulation:
            try:
                wrong = self.simulate()
            except Exception as error:
                wrong = f"{type(error).__name__}: {error}"
            if wrong:
                os.write(writes, wrong[:200].encode())
                return SIMULATED_CODE
        if by := self.failing(ids[quick:]):
            os.write(writes, by.encode())
            return 1
        if name in self.imported:
            os.execv(sys.executable, self.anew(change))
        return 0

    def anew(self, change: str) -> list[str]:
        """The program that imports all with a change in it, and runs the tests of what is declared."""
        return [sys.executable, __file__, "--anew", change, *self.options, *DECLARED]

    def quick(self, ids: list[str]) -> int:
        """How many of the tests run before the simulation."""
        total = 0.0
        for index, one in enumerate(ids):
            total += self.took_s[one]
            if total > QUICK_S:
                return index
        return len(ids)

    def failing(self, ids: list[str]) -> str:
        """The first of tests that fails, "" if none does."""
        for index, one in enumerate(ids):
            following = self.items[ids[index + 1]] if index + 1 < len(ids) else None
            if not passes(self.items[one], following):
                return one
        return ""


def passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    """Whether a test passes. (To make a report of why not, as pytest does, takes longer than the test.)"""
    item._initrequest()  # type: ignore[attr-defined]
    setups = item.session._setupstate
    try:
        setups.setup(item)
        item.runtest()
        setups.teardown_exact(following)
    except pytest.skip.Exception:
        setups.teardown_exact(following)
    except (Exception, pytest.fail.Exception):
        return False
    return True


SIMULATED_CODE, UNCLEAR_CODE = 40, 41


def outcome_of(status: int) -> str:
    """What the end of a process says."""
    if os.WIFSIGNALED(status):
        return HANGS if os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL) else ENDS
    code = os.WEXITSTATUS(status)
    return {0: SURVIVES, 1: FAILS, SIMULATED_CODE: SIMULATED}.get(code, UNCLEAR)


def read(results: Path) -> list[Came]:
    """What came of changes so far."""
    if not results.exists():
        return []
    return [msgspec.json.decode(line, type=Came) for line in results.read_bytes().splitlines()]


def show(text: str) -> None:
    """How far it is, where somebody looks."""
    if sys.stderr.isatty():
        print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)


def main() -> int:
    import mutmut.mutation.trampoline as trampoline

    trampoline.wrap_in_trampoline = wrap  # type: ignore[assignment]
    settings.register_profile(
        "changes", settings.get_profile("ci"), phases=(Phase.explicit, Phase.generate), report_multiple_bugs=False
    )
    settings.load_profile("changes")
    if sys.argv[1] == "--anew":
        _, _, change, *arguments = sys.argv
        CHOSEN[switch_of(change)] = change.rpartition(".")[2]
        return 1 if pytest.main(["-x", *arguments]) else 0
    changes, results, seconds, simulated, *arguments = sys.argv[1:]
    options = [one for one in arguments if not one.startswith(("tests/", "--ignore"))]
    trying = Trying(Path(changes).read_text().split(), Path(results), float(seconds), int(simulated), options)
    return int(pytest.main([*arguments], plugins=[trying]))


if __name__ == "__main__":
    sys.exit(main())
