"""Survivors: change the domain in every small way that mutmut knows, and see which changes no unit test notices.

    python tools/survivors.py [MODULE …] [--tests FILE …] [--count] [--into FILE]

tests/mutants/survivors.toml says which modules are looked at unless told otherwise, and answers for what survives there: each
such change with the reason why it changes nothing that can be observed. What survives and is not in it is a failure, and so is an
answer to a change that cannot be made any more. `--tests` looks with some of the unit tests only, to be quick: what these notice
is noticed. `--count` only says how many changes there are.

mutmut changes functions without decorators only, and nearly all of the domain is decorated. So it works on a copy in which each
decorator stands after its function (`f = decides(Place)(f)`) and nothing is cached: a cache would hide who asks. It changes no
sentence either: what a refusal says to people is not tested word by word.
"""

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple, cast

import libcst
import msgspec
from mutmut.__main__ import create_mutants
from mutmut.configuration import reset_config
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.mutation.mutators import mutation_operators, operator_arg_removal, operator_string
from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir

from mutants import copy_into, tracked
from trying import CHILDREN, ENDS, FAILS, HANGS, NOTICED, SIMULATED, UNCLEAR, read

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build/mutmut"
ANSWERS = ROOT / "tests/mutants/survivors.toml"
DOMAIN = Path("src/runline/domain")
RESULTS = Path("results.jsonl")

CACHES = {"cache", "lru_cache"}
KEPT = {"staticmethod", "classmethod"}
"""Decorators that mutmut knows how to keep."""

NOT_ASKED = [
    "architecture",
    "clock",
    "codes",
    "config",
    "console_sources",
    "console_words",
    "determinism",
    "laws",
    "limits_page",
    "mutants",
    "openapi",
    "packaging",
    "plots",
    "purity_lint",
    "reference",
    "site",
    "simulate_coverage",
    "stages",
    "statements",
    "survivors",
    "trace_words",
    "waits_lint",
]
"""Unit tests that read the source, start processes, know nothing of the domain, or take longer than all others."""

SETTINGS = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = [{modules}]
also_copy = ["tools", "benchmarks", "docs", "data", "requirements"]
track_dependencies = false
use_git_change_detection = false
"""


class Change(NamedTuple):
    """A change of a function (`queries/moment.shown`): the lines that it takes away, and those that it puts there."""

    function: str
    was: str
    becomes: str

    def __str__(self) -> str:
        return f"{self.function}\n    - {self.was}\n    + {self.becomes}"


class Tried(NamedTuple):
    """What came of a change."""

    change: Change
    module: str
    outcome: str


def undecorated(source: str) -> str:
    """A module in which decorators of functions stand after them, and caches nowhere."""
    lines = source.splitlines()
    for node in sorted(ast.walk(ast.parse(source)), key=lambda node: -getattr(node, "lineno", 0)):
        if not isinstance(node, ast.FunctionDef) or not node.decorator_list:
            continue
        found = [ast.unparse(one) for one in node.decorator_list]
        if len(found) == 1 and found[0] in KEPT:
            continue
        again = node.name
        for decorator in reversed(found):
            if decorator.split("(")[0] not in CACHES:
                again = f"{decorator}({again})"
        assert node.end_lineno is not None
        if again != node.name:
            lines.insert(node.end_lineno, " " * node.col_offset + f"{node.name} = {again}")
        del lines[node.decorator_list[0].lineno - 1 : node.lineno - 1]
    return "\n".join(lines) + "\n"


def is_sentence(node: libcst.CSTNode) -> bool:
    """Whether an expression is a text for people: one with a space in it."""
    parts = (node.left, node.right) if isinstance(node, libcst.ConcatenatedString) else (node,)
    return any(
        (isinstance(part, libcst.SimpleString) and " " in part.raw_value)
        or (
            isinstance(part, libcst.FormattedString)
            and any(isinstance(one, libcst.FormattedStringText) and " " in one.value for one in part.parts)
        )
        or (isinstance(part, libcst.ConcatenatedString) and is_sentence(part))
        for part in parts
    )


def words_only(node: libcst.BaseString) -> Iterator[libcst.BaseString]:
    """Changes of a string, unless it is a sentence."""
    if not is_sentence(node):
        yield from operator_string(node)


def values_only(node: libcst.Call) -> Iterator[libcst.Call]:
    """What a call is without one of its arguments, sentences kept."""
    sentences = [arg.value for arg in node.args if is_sentence(arg.value)]
    for changed in operator_arg_removal(node):
        if all(any(arg.value is sentence for arg in changed.args) for sentence in sentences):
            yield changed


def quoted(words: Iterable[object]) -> str:
    """The items of a list in TOML."""
    return ", ".join(f'"{word}"' for word in words)


def prepare(modules: Sequence[str]) -> None:
    """Make the copy that mutmut works on, and go there."""
    shutil.rmtree(WORK, ignore_errors=True)
    copy_into(WORK, tracked())
    for path in (WORK / DOMAIN).rglob("*.py"):
        path.write_text(undecorated(path.read_text()))
    settings = SETTINGS.format(modules=quoted(DOMAIN / f"{name}.py" for name in modules))
    with (WORK / "pyproject.toml").open("a") as file:
        file.write(settings)
    os.chdir(WORK)
    reset_config()
    ours: dict[Any, Any] = {operator_string: words_only, operator_arg_removal: values_only}
    cast(list[Any], mutation_operators)[:] = [(kind, ours.get(found, found)) for kind, found in mutation_operators]


def change_of(name: str, path: Path) -> Change:
    """A change by mutmut's name of it."""
    where, _, mutated = name.removeprefix("runline.domain.").rpartition(".")
    module = where.replace(".", "/")
    function = re.sub(r"__mutmut_\d+$", "", mutated).removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
    lines = get_diff_for_mutant(name, path=path).splitlines()[3:]

    def side(sign: str) -> str:
        return " ".join(line[1:].strip() for line in lines if line.startswith(sign) and "__mutmut_" not in line)

    return Change(f"{module}.{function}", side("-"), side("+"))


def names(modules: Sequence[str]) -> list[str]:
    """mutmut's names of all changes."""
    found: list[str] = []
    for module in modules:
        data = SourceFileMutationData(path=DOMAIN / f"{module}.py")
        data.load()
        found += data.exit_code_by_key
    return found


def outcomes(modules: Sequence[str]) -> Iterator[Tried]:
    """What came of all changes."""
    came = {one.change: one.outcome for one in read(RESULTS)}
    for name in names(modules):
        module = name.removeprefix("runline.domain.").rpartition(".")[0].replace(".", "/")
        yield Tried(change_of(name, DOMAIN / f"{module}.py"), module, came.get(name, UNCLEAR))


def try_all(modules: Sequence[str], tests: Sequence[str], seconds: float, steps: int) -> int:
    """Try all changes (see `trying`). Returns what pytest does: 0 if that came about."""
    Path("changes").write_text("\n".join(names(modules)))
    ignored = [f"--ignore=tests/unit/test_{name}.py" for name in NOT_ASKED]
    arguments = [
        "-q",
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "--hypothesis-profile=changes",
        *ignored,
    ]
    told = [str(Path.cwd() / "changes"), str(Path.cwd() / RESULTS), str(seconds), str(steps)]
    told += [*arguments, *(tests or ["tests/unit"])]
    paths = os.pathsep.join(("src", "tools", "tests"))
    return subprocess.run(
        [sys.executable, str(ROOT / "tools/trying.py"), *told], cwd="mutants", env={**os.environ, "PYTHONPATH": paths}
    ).returncode


def read_answers() -> tuple[list[str], dict[Change, str]]:
    """The modules that are answered for, and the reason of each change that may survive."""
    told = tomllib.loads(ANSWERS.read_text())
    answers = {Change(*change): answer["why"] for answer in told["answers"] for change in answer["changes"]}
    return told["modules"], answers


def judge(tried: Sequence[Tried], modules: Iterable[str], answers: dict[Change, str]) -> list[str]:
    """What is wrong: changes that nothing notices and nobody answers for, and answers to changes that are none."""
    known = {one.change for one in tried}
    unanswered = dict.fromkeys(one.change for one in tried if one.outcome not in NOTICED and one.change not in answers)
    gone = [one for one in answers if one.function.split(".")[0] in set(modules) and one not in known]
    return [f"survives: {one}" for one in unanswered] + [
        f"answered, and there is no such change: {one}" for one in gone
    ]


def table(tried: Sequence[Tried]) -> str:
    """How many changes of each module were noticed, and by what."""
    counts: dict[str, Counter[str]] = {}
    for one in tried:
        counts.setdefault(one.module, Counter())[one.outcome] += 1
    lines = [
        "| module | changes | a test fails | hangs or ends | a simulation is wrong | survive |",
        "|---|---|---|---|---|---|",
    ]
    for module, count in [*sorted(counts.items()), ("all", sum(counts.values(), Counter()))]:
        whole, ended = count.total(), count[HANGS] + count[ENDS]
        simulated, noticed = count[SIMULATED], sum(count[one] for one in NOTICED)
        lines.append(f"| {module} | {whole} | {count[FAILS]} | {ended} | {simulated} | {whole - noticed} |")
    return "\n".join([*lines, ""])


def main() -> int:
    parser = argparse.ArgumentParser(description="Change the domain in small ways, and see what no test notices.")
    parser.add_argument(
        "modules",
        nargs="*",
        help="which, as grading or queries/moment (those that are answered for unless told otherwise)",
    )
    parser.add_argument(
        "--tests", nargs="+", default=[], help="the tests that look (the unit tests unless told otherwise)"
    )
    parser.add_argument(
        "--seconds", type=float, default=4.0, help="of the tests that a change has (1 for a first look)"
    )
    parser.add_argument(
        "--steps", type=int, default=3_000, help="of the simulation that what no test notices has (0: none)"
    )
    parser.add_argument("--again", action="store_true", help="only what survived before, with the tests of now")
    parser.add_argument("--go-on", action="store_true", help="with what a run before this has not tried")
    parser.add_argument("--count", action="store_true", help="say how many changes there are, and run nothing")
    parser.add_argument("--into", type=Path, help="a file for the table")
    told = parser.parse_args()
    answered, answers = read_answers()
    modules = told.modules or answered
    if unknown := [name for name in modules if not (ROOT / DOMAIN / f"{name}.py").is_file()]:
        print(f"survivors: the domain has no {', '.join(unknown)}", file=sys.stderr)
        return 2
    into = told.into and told.into.resolve()
    began = time.monotonic()
    if told.go_on or told.again:
        os.chdir(WORK)
        reset_config()
        shutil.copytree(ROOT / "tests", "mutants/tests", dirs_exist_ok=True)
        if told.again:
            noticed = [one for one in read(RESULTS) if one.outcome in NOTICED]
            RESULTS.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in noticed))
    else:
        prepare(modules)
        with redirect_stdout(None):
            copy_src_dir()
            copy_also_copy_files()
            create_mutants(CHILDREN)
    if not told.count and (failed := try_all(modules, told.tests, told.seconds, told.steps)):
        return failed
    tried = list(outcomes(modules))
    print(f"\n{table(tried)}\n{time.monotonic() - began:.0f} s")
    if told.count:
        return 0
    if into:
        into.write_text(table(tried))
    wrong = judge(tried, modules, answers)
    print("\n".join(wrong))
    listed = sum(one.outcome not in NOTICED and one.change in answers for one in tried)
    print(f"{len(tried)} changes, {listed} survive and are answered for, {len(wrong)} are wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
