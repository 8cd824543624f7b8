"""A cluster of real processes over a real PostgreSQL: killed, stopped, doubled, with wrong clocks, without their database."""

import json
import queue
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.integration.postgresql import cluster

from runline.cluster.postgres import PostgresRegistry
from runline.cluster.registry import lease_of
from runline.cluster.status import look_at
from runline.store.postgres_opening import beside

CHILD = Path(__file__).with_name("cluster_child.py")
SILENT_S_MAX = 60


@pytest.fixture
def url(path):
    return cluster().of(path)


class Process:
    """One node. said: its lines."""

    def __init__(self, heard, url, name, settings):
        self.name = name
        self.said = []
        self.owns = set()
        self.child: Any = subprocess.Popen(
            [sys.executable, CHILD, url, name, *settings], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.thread = threading.Thread(target=self.read, args=(heard,))
        self.thread.start()

    def read(self, heard):
        for line in self.child.stdout:
            heard.put((self, line.split()))
        heard.put((self, ["ended"]))

    def tell(self, word):
        self.child.stdin.write(f"{word}\n")
        self.child.stdin.flush()

    def send(self, number):
        self.child.send_signal(number)

    def has_said(self, word):
        return any(line[0] == word for line in self.said)

    def end(self):
        self.child.kill()
        self.child.wait()
        self.thread.join()
        self.child.stdin.close()
        self.child.stdout.close()


class Nodes:
    """The nodes of a test, and what they have said."""

    def __init__(self, url):
        self.url = url
        self.heard: queue.Queue[Any] = queue.Queue()
        self.processes = []

    def start(self, name, *settings):
        node = Process(self.heard, self.url, name, settings)
        self.processes.append(node)
        return node

    def join(self, name, *settings):
        node = self.start(name, *settings)
        self.until(lambda: node.has_said("joined"))
        return node

    def until(self, holds):
        """Hear what nodes say until something holds."""
        while not holds():
            node, line = self.heard.get(timeout=SILENT_S_MAX)
            node.said.append(line)
            if line[0] == "assigned":
                node.owns.add(line[1])
            elif line[0] == "unassigned":
                node.owns.discard(line[1])
            elif line[0] in ("ended", "lost"):
                node.owns.clear()

    def until_all_own(self, number, *nodes):
        self.until(lambda: sum(len(node.owns) for node in nodes) == number)

    def ask(self, work):
        """What something finds in the registry."""

        async def asked():
            registry = PostgresRegistry(self.url, "a test")
            try:
                return await work(registry)
            finally:
                await registry.close()

        return beside(asked())

    def enroll(self, number):
        self.ask(lambda registry: registry.enroll(f"b{one}" for one in range(number)))

    def streams(self):
        return self.ask(lambda registry: registry.streams())

    def status(self):
        return self.ask(look_at)

    def assigned_twice(self):
        """What more than one node was told to be its own under one number."""
        told = Counter(tuple(line[1:]) for node in self.processes for line in node.said if line[0] == "assigned")
        return [one for one, count in told.items() if count > 1]


@pytest.fixture
def nodes(url):
    found = Nodes(url)
    try:
        yield found
    finally:
        for node in found.processes:
            node.end()


@pytest.mark.parametrize("hours", [(0, 0, 0), (1, -1, 0)], ids=["clocks that agree", "clocks that are hours apart"])
def test_a_killed_nodes_streams_are_each_assigned_once_more_and_no_others(nodes, hours):
    nodes.enroll(30)
    one, two, three = (nodes.join(f"n{number}", f"hour={hour}") for number, hour in enumerate(hours, 1))
    nodes.until_all_own(30, one, two, three)
    # The first has had all as it came: have the others take theirs.
    for number in range(20):
        nodes.ask(lambda registry, number=number: registry.pin(f"b{number}", "n2" if number < 10 else "n3"))
    nodes.until(lambda: len(two.owns) >= 10 and len(three.owns) >= 10 and len(one.owns) <= 10)
    before = nodes.streams()
    lost = set(two.owns)
    two.send(signal.SIGKILL)
    nodes.until_all_own(30, one, three)
    after = nodes.streams()
    for name, stream in after.items():
        assert stream.number == before[name].number + (name in lost), name
        assert stream.node in ("n1", "n3")
    assert nodes.assigned_twice() == []


def test_a_node_that_stood_still_says_no_before_anything_else_and_is_out(nodes):
    nodes.enroll(6)
    first = nodes.join("n1")
    nodes.until_all_own(6, first)
    second = nodes.join("n2")
    first.send(signal.SIGSTOP)
    nodes.until(lambda: second.has_said("coordinates") and len(second.owns) == 6)
    first.send(signal.SIGCONT)
    nodes.until(lambda: first.has_said("woke") and first.has_said("lost"))
    assert ["woke", "False"] in first.said
    assert ["woke", "True"] not in first.said
    again = first.said[first.said.index(["woke", "False"]) :]
    assert not any(line[0] == "assigned" for line in again)
    assert {one.node for one in nodes.streams().values()} == {"n2"}


def test_a_second_node_of_a_living_name_is_refused_and_the_first_goes_on(nodes):
    nodes.enroll(2)
    first = nodes.join("n1")
    nodes.until_all_own(2, first)
    second = nodes.start("n1")
    nodes.until(lambda: second.has_said("refused"))
    sentence = " ".join(second.said[0])
    assert "There is a node n1 at n1.example:8321" in sentence
    assert "Remedy: give this one a name of its own" in sentence
    assert not first.has_said("lost")
    # A dead one's name is free.
    first.send(signal.SIGKILL)
    third = nodes.join("n1")
    nodes.until_all_own(2, third)
    assert {one.incarnation for one in nodes.streams().values()} == {int(third.said[0][1])}


def test_a_coordinator_killed_as_it_has_assigned_leaves_what_the_next_goes_on_from(nodes):
    first = nodes.join("n1", "dies_after=7")
    nodes.until(lambda: first.has_said("coordinates"))
    others = [nodes.join("n2"), nodes.join("n3")]
    nodes.enroll(20)
    # Nobody tells of it: it is there with the next look.
    nodes.until(lambda: first.has_said("ended"))
    nodes.until_all_own(20, *others)
    after = nodes.streams()
    assert {one.node for one in after.values()} <= {"n2", "n3"}
    assert sum(one.number for one in after.values()) <= 20 + 7
    assert nodes.assigned_twice() == []


def test_a_coordinator_that_stood_still_as_it_was_about_to_assign_assigns_nothing_when_it_comes_back(nodes):
    first = nodes.join("n1", "stops_before=7")
    nodes.until(lambda: first.has_said("coordinates"))
    others = [nodes.join("n2"), nodes.join("n3")]
    nodes.enroll(20)
    nodes.until_all_own(20, *others)
    before = nodes.streams()
    first.send(signal.SIGCONT)
    nodes.until(lambda: first.has_said("lost"))
    assert ["woke", "False"] in first.said
    assert {name: one.number for name, one in nodes.streams().items()} == {
        name: one.number for name, one in before.items()
    }
    assert nodes.assigned_twice() == []


def test_a_node_that_drains_hands_over_everything_and_leaves(nodes):
    nodes.enroll(12)
    first = nodes.join("n1")
    nodes.until_all_own(12, first)
    second = nodes.join("n2")
    first.tell("drain")
    nodes.until(lambda: first.has_said("drained"))
    nodes.until_all_own(12, second)
    first.tell("leave")
    nodes.until(lambda: first.has_said("left") and second.has_said("coordinates"))
    assert all(one.number == 2 for one in nodes.streams().values())
    seen = nodes.ask(lambda registry: registry.look())
    assert seen.leases[lease_of("n1")].holder == ""


def test_a_database_that_crashes_and_comes_back_takes_nobodys_lease(nodes):
    nodes.enroll(8)
    first, second = nodes.join("n1"), nodes.join("n2")
    nodes.until_all_own(8, first, second)
    before = {name: one.number for name, one in nodes.streams().items()}
    incarnations = {name: node.incarnation for name, node in nodes.ask(lambda registry: registry.nodes()).items()}
    cluster().crash()
    nodes.until(lambda: all(["holds", "False"] in node.said for node in (first, second)))
    cluster().start()
    third = nodes.join("n3")
    nodes.ask(lambda registry: registry.pin("b0", "n3"))
    nodes.until(lambda: "b0" in third.owns)
    assert not any(node.has_said("lost") for node in (first, second))
    after = {name: one.number for name, one in nodes.streams().items() if name != "b0"}
    assert {name: before[name] for name in after} == after
    now = nodes.ask(lambda registry: registry.nodes())
    assert {name: now[name].incarnation for name in incarnations} == incarnations


def test_the_status_is_shown(nodes, url):
    def shown(*words):
        command = [sys.executable, "-m", "runline", "cluster", "status", *words]
        found = subprocess.run(command, capture_output=True, text=True, timeout=SILENT_S_MAX, check=False)
        return found.returncode, found.stdout, found.stderr

    status, said, _ = shown("--store", url)
    assert (status, said) == (
        1,
        "No node has ever joined. A server of one process (`runline serve`) joins no cluster.\n",
    )
    nodes.enroll(2)
    node = nodes.join("n1")
    nodes.until_all_own(2, node)
    nodes.until(lambda: nodes.status().wrong == [])
    status, said, _ = shown("--store", url, "--json")
    found = json.loads(said)
    assert (status, found["coordinator"], found["wrong"]) == (0, "n1", [])
    assert [one["stream"] for one in found["streams"]] == ["b0", "b1"]
    status, said, _ = shown("--store", url)
    assert status == 0
    assert "n1 coordinates." in said
    assert "All streams have their owners." in said
    status, _, complaint = shown()
    assert (status, complaint) == (
        2,
        "runline: A cluster has a database of PostgreSQL. Remedy: --store URL, or url of [store].\n",
    )
