"""Watching: for how long a lease has not changed, by a clock of our own.

Rule: unchanged means looked at all the while. After a gap between two looks everything is seen as for the first time, so that
whoever stood still, or did not reach the database, takes nobody for dead, and who also did not reach it has time to come back.
"""

from collections.abc import Callable, Iterator, Mapping

from runline.cluster.limits import BLIND_S_MAX, LEASE_S, RETURN_S_MAX, SUSPECTED_S
from runline.cluster.registry import Lease, Seen

BLIND_NS, LEASE_NS, RETURN_NS, SUSPECTED_NS = (
    round(one * 1e9) for one in (BLIND_S_MAX, LEASE_S, RETURN_S_MAX, SUSPECTED_S)
)


class Watch:
    """Watches all leases. unchanged_ns: for how long each that somebody holds has been seen as it is."""

    def __init__(self, boot_ns: Callable[[], int]) -> None:
        self.boot_ns = boot_ns
        self.seen: Seen = Seen({}, 0)
        self.since_ns: dict[str, int] = {}
        self.unchanged_ns: dict[str, int] = {}
        self.looked_ns = 0

    def saw(self, seen: Seen, sent_ns: int) -> None:
        """A look has found this; sent_ns: a time before it was asked for."""
        now_ns = self.boot_ns()
        # From one answer to the next: one that was long on its way, or waited for a connection, tells of its end only.
        blind = now_ns - self.looked_ns > BLIND_NS
        returns = blind and self.looked_ns > 0
        since_ns: dict[str, int] = {}
        for name, lease in seen.leases.items():
            if lease.holder:
                known = not blind and as_renewed(self.seen.leases.get(name)) == as_renewed(lease)
                # Since it came back it is seen so, and up to when it was asked for.
                since_ns[name] = self.since_ns[name] if known else now_ns + (RETURN_NS if returns else 0)
        self.seen, self.since_ns, self.looked_ns = seen, since_ns, now_ns
        self.unchanged_ns = {name: max(sent_ns - since, 0) for name, since in since_ns.items()}

    def suspected(self) -> Iterator[str]:
        """The leases that should have been renewed."""
        return (name for name, unchanged_ns in self.unchanged_ns.items() if unchanged_ns >= SUSPECTED_NS)

    def expired(self, name: str) -> bool:
        """Whether somebody else may have a lease: nobody has it, or it has not changed for long enough. Before the first look
        nothing is known."""
        return bool(self.looked_ns) and self.unchanged_ns.get(name, LEASE_NS) >= LEASE_NS

    def lease(self, name: str) -> Lease | None:
        """As it was seen last."""
        return self.seen.leases.get(name)

    def there(self) -> Mapping[str, int]:
        """The nodes that hold their leases, with their incarnations."""
        return there_in(self.seen)


def there_in(seen: Seen) -> Mapping[str, int]:
    """The nodes that hold their leases at a look, with their incarnations."""
    return {
        lease.holder: lease.number for name, lease in seen.leases.items() if lease.holder and name.startswith("node ")
    }


def as_renewed(lease: Lease | None) -> tuple[str, int, int] | None:
    """What renewing and taking change of a lease."""
    return None if lease is None else (lease.holder, lease.number, lease.counter)
