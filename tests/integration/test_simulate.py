"""The simulator: the same seed makes the same run, and what is planted is found."""

import asyncio
import gc
import os
import subprocess
import sys
from contextvars import copy_context
from math import inf, nan
from weakref import ref

import pytest
from tests.doubles.plain import VOCABULARY
from tests.integration.test_store import sealed, stretch

from runline.engine.ports import StoreError
from runline.simulate import run
from runline.simulate.coverage import Coverage
from runline.simulate.disk import Disk, DiskStore
from runline.simulate.loop import OWNER, Owner, VirtualLoop
from runline.simulate.run import simulate, simulated_vocabulary
from runline.simulate.terminal import run_again, run_seeds
from runline.simulate.world import World

RUN = """
from runline.simulate import run
run.NODES, run.GATEWAYS = ({nodes},), ({gateways},)
outcome, _ = run.simulate(7, 1_500)
print(outcome.steps, outcome.digest, outcome.wrong, sep=";")
"""


def told(hash_seed: str, nodes: int, gateways: int) -> str:
    """What a run of its own process says, with strings hashed otherwise."""
    program = RUN.format(nodes=nodes, gateways=gateways)
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize(("nodes", "gateways"), [(0, 0), (0, 2), (3, 0)])
def test_the_same_seed_makes_the_same_run_whatever_the_hash_seed(nodes, gateways):
    one = told("1", nodes, gateways)
    assert one == told("2", nodes, gateways)
    steps, _, wrong = one.rstrip("\n").split(";")
    assert int(steps) >= 1_500
    assert wrong == ""


@pytest.mark.parametrize("kind", ["process paused", "taken over", "stream adopted by another"])
def test_whichever_process_answers_what_it_says_is_right(kind, monkeypatch):
    def choose(faults):
        faults.kinds = [kind]
        faults.world.disk.weather = faults.weather

    monkeypatch.setattr("runline.simulate.faults.Faults.choose", choose)
    outcome, coverage = simulate(3, 1_500)
    assert outcome.wrong == ""
    assert coverage.faults[kind] > 3


@pytest.mark.parametrize(
    "kind",
    [
        "gateway killed",
        "gateway paused",
        "gateway stopped and started",
        "link cut",
        "link half open",
        "strangers at the links",
    ],
)
def test_what_people_are_told_by_gateways_is_right(kind, monkeypatch):
    def choose(faults):
        faults.kinds = [kind, "crash"]
        faults.world.disk.weather = faults.weather

    monkeypatch.setattr("runline.simulate.run.GATEWAYS", (2,))
    monkeypatch.setattr("runline.simulate.faults.Faults.choose", choose)
    outcome, coverage = simulate(4, 1_000)
    assert outcome.wrong == ""
    assert coverage.faults[kind] > 2


@pytest.mark.parametrize(
    "kind", ["node killed", "node paused", "node leaves", "stream moved", "registry away", "registry slow"]
)
def test_whichever_node_of_a_cluster_answers_what_it_says_is_right(kind, monkeypatch):
    def choose(faults):
        faults.kinds = [kind, "stream moved"]
        faults.world.disk.weather = faults.weather

    monkeypatch.setattr("runline.simulate.run.NODES", (3,))
    monkeypatch.setattr("runline.simulate.faults.Faults.choose", choose)
    outcome, coverage = simulate(4, 800)
    assert outcome.wrong == ""
    assert coverage.faults[kind] > 1


def test_a_question_about_the_nodes_may_be_refused_while_their_registry_is_away():
    assert simulate(5006, 1_300)[0].wrong == ""


def test_a_clock_may_be_set_forth_and_back_while_a_request_waits():
    assert simulate(5010, 5_000)[0].wrong == ""


def test_a_node_that_says_what_it_knows_after_its_lease_is_found(monkeypatch):
    def choose(faults):
        faults.kinds = ["node paused", "registry away"]
        faults.world.disk.weather = faults.weather

    monkeypatch.setattr("runline.simulate.run.NODES", (3,))
    monkeypatch.setattr("runline.simulate.faults.Faults.choose", choose)
    monkeypatch.setattr("runline.cluster.lease.Guard.holds", lambda guard: True)
    found = (simulate(seed, 3_000)[0].wrong for seed in range(1, 9))
    assert any("has it no more" in wrong for wrong in found)


def test_claims_that_nobody_has_noticed_are_made_good_before_screens_are_compared(monkeypatch):
    """Streams are claimed by another and again, also as the last thing that happens."""

    def choose(faults):
        faults.kinds = ["stream claimed by another"]
        faults.world.disk.weather = faults.weather

    monkeypatch.setattr("runline.simulate.run.NODES", (0,))
    monkeypatch.setattr("runline.simulate.faults.Faults.choose", choose)
    outcome, coverage = simulate(31, 800)
    assert outcome.wrong == ""
    assert coverage.faults["stream claimed by another"] > 3


def test_a_process_that_stands_still_goes_on_in_the_order_in_which_everything_came():
    told: list[str] = []
    loop = VirtualLoop()
    context, owner = copy_context(), Owner()
    context.run(OWNER.set, owner)

    async def main():
        loop.call_later(5.0, told.append, "late", context=context)
        loop.call_later(1.0, told.append, "timer", context=context)
        loop.call_soon(told.append, "at once", context=context)
        loop.pause(owner)
        await asyncio.sleep(2.0)  # waits: this time is made
        loop.call_soon(told.append, "after it", context=context)
        await asyncio.sleep(1.0)  # waits: this time is made
        assert told == []
        loop.go_on(owner)
        await asyncio.sleep(0)
        assert told == ["at once", "timer", "after it"]
        await asyncio.sleep(2.5)  # waits: this time is made
        assert told == ["at once", "timer", "after it", "late"]

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())


def test_no_timer_goes_off_before_its_time():
    loop = VirtualLoop()
    went_off: list[float] = []

    async def main():
        await asyncio.sleep(1.0)  # waits: this time is made
        due_s = loop.time() + 4e-10
        loop.call_at(due_s, lambda: went_off.append(loop.time()))
        loop.call_soon(lambda: None)
        await asyncio.sleep(1.0)  # waits: this time is made
        assert went_off[0] >= due_s

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())


def test_what_was_handed_to_a_simulated_disk_is_written_while_its_process_stands_still():
    loop = VirtualLoop()
    disk, owner, context = Disk(os.urandom), Owner(), copy_context()
    context.run(OWNER.set, owner)

    async def main():
        store = DiskStore(disk)
        store.serve(VOCABULARY, lambda *_: None)
        head = await store.claim("b1")
        disk.weather = lambda: (1.0, "written")
        storing = loop.create_task(store.commit(sealed(stretch(head))), context=context)
        await asyncio.sleep(0.5)  # waits: this time is made
        loop.pause(owner)
        await asyncio.sleep(5.0)  # waits: this time is made
        assert disk.kept.known_heads["b1"].seq == 1
        assert not storing.done()
        loop.go_on(owner)
        assert await storing == frozenset()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())


def test_what_a_run_has_known_is_gone_with_it(monkeypatch):
    # The first server of all stays with the documents that tests make once.
    simulate(1, 10)
    made = World.__init__
    worlds = []

    def noted(world, *args):
        worlds.append(ref(world))
        made(world, *args)

    monkeypatch.setattr(World, "__init__", noted)
    for seed in (1, 5, 8):
        outcome, _ = simulate(seed, 1_500)
        assert outcome.wrong == ""
    # What is found to be garbage may be looked through twice before it is gone.
    while gc.collect():
        pass
    assert [world() for world in worlds] == [None] * 3


def test_a_run_can_be_made_again_from_its_decisions():
    outcome, coverage = simulate(8, 1_200)
    again, _ = simulate(0, 10**9, outcome.decisions)
    assert (again.digest, again.steps, again.wrong) == (outcome.digest, outcome.steps, "")
    assert coverage.steps["request"] > 300


def test_a_story_that_was_written_down_can_be_run_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("runline.simulate.world.World.is_well", lambda world: False)
    story = tmp_path / "story.txt"
    assert run_seeds(3, 20, 1, None, story, shrink_s=5) == 1
    assert "not everything is well" in story.read_text()
    assert run_again(story) == 1
    assert "WRONG" in capsys.readouterr().out
    monkeypatch.undo()
    assert run_again(story) == 0


@pytest.mark.parametrize(
    "asked",
    [
        {"steps": 0},
        {"seeds": 0},
        {"minutes": 0.0},
        {"minutes": nan},
        {"minutes": inf},
        {"shrink_s": -1.0},
        {"shrink_s": nan},
    ],
)
def test_what_cannot_be_run_is_said(asked, capsys):
    plain = {"steps": 10, "seeds": 1, "minutes": None}
    assert run_seeds(1, story=None, **plain | asked) == 2
    assert "take 1 or more" in capsys.readouterr().err


def test_a_story_that_cannot_be_read_or_written_is_said(tmp_path, capsys):
    assert run_seeds(1, 10, 1, None, tmp_path / "nowhere" / "story.txt") == 2
    assert run_again(tmp_path / "nowhere") == 2
    (tmp_path / "other.md").write_bytes(b"# no story \xff")
    assert run_again(tmp_path / "other.md") == 2
    assert capsys.readouterr().err.count("--story") == 1


def test_of_a_batch_that_is_durable_a_simulated_disk_never_says_that_it_was_not_stored():
    async def main():
        disk = Disk(os.urandom)
        store = DiskStore(disk)
        store.serve(VOCABULARY, lambda *_: None)
        head = await store.claim("b1")

        def goes_away(_):
            disk.away_until_s = asyncio.get_running_loop().time() + 60

        disk.heard.append(goes_away)
        with pytest.raises(StoreError) as raised:
            await store.commit(sealed(stretch(head)))
        assert raised.value.kind == "lost"
        assert disk.kept.known_heads["b1"].seq == 1

    asyncio.run(main())


RUNS_MAX = 40
"""In so many runs everything comes that there is, however seldom. About a dozen do, where more of them than else have nodes and
gateways."""


def test_in_some_runs_every_command_is_accepted_every_query_answered_and_every_fault_comes(monkeypatch):
    monkeypatch.setattr(run, "NODES", (0, 3))
    monkeypatch.setattr(run, "GATEWAYS", (0, 1, 2))
    vocabulary, coverage = simulated_vocabulary(), Coverage()
    missed = ["all"]
    for seed in range(1, RUNS_MAX + 1):
        outcome, reached = simulate(seed, 5_000, vocabulary=vocabulary)
        assert outcome.wrong == ""
        coverage.add(reached)
        missed = [*coverage.unaccepted(vocabulary), *(kind for kind in coverage.kinds if not coverage.faults[kind])]
        if not missed:
            return
    assert missed == []
