"""The cluster in words: `runline cluster status`.

Rule: it only looks, and says what somebody has to know: what is wrong, and whether it mends itself.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec
from rich.console import Console
from rich.table import Table

from runline.cluster.limits import CONDITION_CHARS_MAX, CONDITIONS_TOLD_MAX, LEASE_S, NAMED_MAX, SUSPECTED_S
from runline.cluster.postgres import PostgresRegistry
from runline.cluster.registry import COORDINATOR, Assigned, Lease, Node, Registry, RegistryError, Seen, lease_of
from runline.engine.conditions import Condition
from runline.engine.ports import StoreError
from runline.shell import DONE, FAILED, complain

State = Literal["there", "suspected", "silent", "gone"]


class NodeStatus(msgspec.Struct, frozen=True):
    """A node. state: there; suspected: its lease should have been renewed; silent: for so long that it is out; gone. age_ms:
    since its lease was renewed. streams: how many are assigned to it. conditions: what is not well there, in sentences; of one
    that has gone nothing is known."""

    name: str
    state: State
    address: str
    version: str
    incarnation: int
    age_ms: int
    draining: bool
    cpu_ppm: int
    streams: int
    level: int
    conditions: Sequence[str] = ()


class StreamStatus(msgspec.Struct, frozen=True):
    """A stream. node: that it is assigned to and that is there, "" for none. taken: whether that has taken it, with `epoch`.
    to: the node to which it is being handed over, "" for none."""

    stream: str
    node: str
    taken: bool
    epoch: int
    to: str
    pinned: str


class ClusterStatus(msgspec.Struct, frozen=True):
    """The cluster. level: by which its nodes go. coordinator: the node that coordinates, "" for nobody. wrong: what is not as it
    should be, in sentences."""

    level: int
    coordinator: str
    nodes: list[NodeStatus]
    streams: list[StreamStatus]
    wrong: list[str]


def state_of(lease: Lease | None) -> State:
    """How somebody is who has a lease."""
    if lease is None or not lease.holder:
        return "gone"
    if lease.age_ms >= LEASE_S * 1_000:
        return "silent"
    return "suspected" if lease.age_ms >= SUSPECTED_S * 1_000 else "there"


def alive_in(seen: Seen) -> dict[str, int]:
    """The nodes whose leases are not too old, with their incarnations."""
    return {
        lease.holder: lease.number
        for name, lease in seen.leases.items()
        if name == lease_of(lease.holder) and state_of(lease) in ("there", "suspected")
    }


def status_of(seen: Seen, nodes: Mapping[str, Node], streams: Mapping[str, Assigned]) -> ClusterStatus:
    """The status, of what is registered."""
    found = [
        StreamStatus(
            one.stream,
            one.node if one.incarnation and seen.incarnation(one.node) == one.incarnation else "",
            one.taken == one.number > 0,
            one.epoch,
            one.wanted,
            one.pinned,
        )
        for one in sorted(streams.values(), key=lambda one: one.stream)
    ]
    has = [one.node for one in found]
    known = [
        NodeStatus(
            name,
            state := state_of(lease := seen.leases.get(lease_of(name))),
            node.address,
            node.version,
            node.incarnation,
            lease.age_ms if lease is not None else 0,
            node.draining,
            node.cpu_ppm,
            has.count(name),
            node.level,
            node.conditions if state != "gone" else (),
        )
        for name, node in sorted(nodes.items())
    ]
    lease = seen.leases.get(COORDINATOR)
    coordinator = lease.holder if lease is not None and state_of(lease) != "silent" else ""
    return ClusterStatus(seen.level, coordinator, known, found, list(wrong(coordinator, known, found)))


def wrong(coordinator: str, nodes: list[NodeStatus], streams: list[StreamStatus]) -> Iterator[str]:
    """What is not as it should be."""
    alive = [one.name for one in nodes if one.state in ("there", "suspected")]
    if not nodes:
        yield "No node has ever joined. A server of one process (`runline serve`) joins no cluster."
    elif not alive:
        yield "No node is there: none of the streams is served by one. Remedy: start one."
    elif not coordinator:
        yield (
            "Nobody coordinates: streams of a node that dies stay without an owner. Any node that is there takes that over "
            f"within about {LEASE_S + 1:g} s."
        )
    for node in nodes:
        if node.state in ("suspected", "silent"):
            after = (
                f"after {LEASE_S:g} s its streams go elsewhere"
                if node.state == "suspected"
                else "whoever coordinates gives its streams to others"
            )
            yield f"{node.name} is {node.state}: it has not renewed its lease for {node.age_ms / 1e3:.1f} s; {after}."
        for sentence in node.conditions:
            yield f"{node.name}: {sentence}"
    if orphans := [one.stream for one in streams if not one.node]:
        why = (
            "whoever coordinates gives it to a node" if len(orphans) == 1 else "whoever coordinates gives them to nodes"
        )
        if alive and all(one.draining for one in nodes if one.name in alive):
            why = "every node that is there drains. Remedy: start another one"
        yield (
            f"{named(orphans)} no owner, and accept nothing: {why}."
            if len(orphans) > 1
            else (f"{named(orphans)} no owner, and accepts nothing: {why}.")
        )
    if untaken := [one.stream for one in streams if one.node and not one.taken]:
        yield f"{named(untaken)} been given to a node that has not yet taken {'them' if len(untaken) > 1 else 'it'}."


def conditions_said(standing: Iterable[Condition]) -> list[str]:
    """What is not well at a node, as it tells the others: of much, the first of it, and cut."""
    said = [f"{one.part} {one.subject}".rstrip() + f" is {one.level}: {one.reason}" for one in standing]
    cut = [one if len(one) <= CONDITION_CHARS_MAX else f"{one[: CONDITION_CHARS_MAX - 1]}…" for one in said]
    rest = len(cut) - CONDITIONS_TOLD_MAX
    return cut if rest <= 0 else [*cut[:CONDITIONS_TOLD_MAX], f"{rest} more conditions are not told here."]


def named(streams: list[str]) -> str:
    """Streams at the beginning of a sentence, with `has` or `have`."""
    if len(streams) == 1:
        return f"{streams[0]} has"
    rest = len(streams) - NAMED_MAX
    words = ", ".join(streams[:NAMED_MAX])
    return f"{words} and {rest} more have" if rest > 0 else f"{words} have"


async def look_at(registry: Registry) -> ClusterStatus:
    """What is registered now. Raises RegistryError."""
    return status_of(await registry.look(), await registry.nodes(), await registry.streams())


def show_status(url: str, *, as_json: bool = False) -> int:
    """`runline cluster status`: 0 all is well, 1 something is not, 2 it cannot be read."""

    async def looked() -> ClusterStatus:
        registry = PostgresRegistry(url, "status")
        try:
            return await look_at(registry)
        finally:
            await registry.close()

    try:
        status = asyncio.run(looked())
    except (RegistryError, StoreError) as error:
        return complain(error)
    if as_json:
        print(msgspec.json.encode(status).decode())
    else:
        say(Console(highlight=False, soft_wrap=True), status)
    return FAILED if status.wrong else DONE


def say(console: Console, status: ClusterStatus) -> None:
    """Say it to people."""
    if status.nodes:
        names = ("node", "is", "lease renewed", "streams", "CPU", "version", "level", "address")
        table = Table(*names, box=None, pad_edge=False)
        for node in status.nodes:
            state = f"{node.state}, drains" if node.draining else node.state
            renewed = "" if node.state == "gone" else f"{node.age_ms / 1e3:.1f} s ago"
            cpu = "" if node.state == "gone" else f"{node.cpu_ppm / 10_000:.0f} %"
            level = str(node.level)
            table.add_row(node.name, state, renewed, str(node.streams), cpu, node.version, level, node.address)
        console.print(table)
        newer = [node.name for node in status.nodes if node.state != "gone" and node.level > status.level]
        if newer:
            console.print(
                f"\nThe nodes go by level {status.level}. What {', '.join(newer)} could do beyond that waits until every node "
                "is of that version."
            )
        console.print(f"\n{status.coordinator or 'Nobody'} coordinates.\n")
    if status.streams:
        table = Table("stream", "owner", "epoch", "", box=None, pad_edge=False)
        for one in status.streams:
            beside = [f"goes to {one.to}"] if one.to else []
            beside += ["not taken yet"] if one.node and not one.taken else []
            beside += [f"pinned to {one.pinned}"] if one.pinned else []
            table.add_row(one.stream, one.node or "nobody", str(one.epoch), ", ".join(beside))
        console.print(table)
        console.print()
    for sentence in status.wrong:
        console.print(sentence, markup=False)
    if not status.wrong:
        console.print("All streams have their owners.")
