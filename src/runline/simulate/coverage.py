"""Coverage: which commands and queries were sent, with which outcomes, under which faults."""

from collections import Counter
from collections.abc import Iterable

from runline.domain.vocabulary import Vocabulary

Seen = Counter[tuple[str, str]]

FELT_S = 10.0
"""How long a fault counts as felt after it has come."""

DONE = ("accepted", "answered", "previewed", "repeated", "unheard")
"""Outcomes that are no refusals."""


class Coverage:
    """What a run, or several, has reached. outcomes: by command or query. under: outcomes by fault that was felt, and what was
    sent. faults: how often each. steps: by kind."""

    def __init__(self) -> None:
        self.outcomes: Seen = Counter()
        self.under: Counter[tuple[str, str, str]] = Counter()
        self.faults: Counter[str] = Counter()
        self.steps: Counter[str] = Counter()
        self.judged: Counter[str] = Counter()
        self.kinds: dict[str, None] = {}
        """The faults that there are."""
        self.felt: dict[str, float] = {}
        """Until when each fault is felt, in a run."""

    def fault(self, kind: str, at_s: float) -> None:
        """Something goes wrong."""
        self.faults[kind] += 1
        self.felt[kind] = at_s + FELT_S

    def reached(self, what: str, outcome: str, at_s: float) -> None:
        """Something that was sent has come to an outcome."""
        self.outcomes[what, outcome] += 1
        if self.felt:
            self.felt = {kind: until_s for kind, until_s in self.felt.items() if until_s >= at_s}
        for kind in self.felt:
            self.under[kind, what, outcome] += 1

    def add(self, other: "Coverage") -> None:
        """Take in another run's."""
        self.outcomes += other.outcomes
        self.under += other.under
        self.faults += other.faults
        self.steps += other.steps
        self.kinds |= other.kinds
        self.judged += other.judged

    def table(self, vocabulary: Vocabulary, codes: Iterable[str]) -> str:
        """Commands and queries by outcomes, outcomes by faults, and what was never reached, in Markdown. codes: all of
        refusals."""
        return "\n".join(
            [
                *self.by_command(),
                "",
                *self.by_fault(),
                "",
                *self.by_oracle(),
                "",
                "Never reached:",
                "",
                *never_lines(self.never(vocabulary, codes)),
            ]
        )

    def never(self, vocabulary: Vocabulary, codes: Iterable[str]) -> dict[str, list[str]]:
        """What was never reached, by what it is."""
        told = {outcome for _, outcome in self.outcomes}
        accepted = [name for name in public(vocabulary) if self.outcomes[name, "accepted"]]
        under = {
            f"accepted, but never under `{kind}`": [one for one in accepted if not self.under[kind, one, "accepted"]]
            for kind in sorted(self.faults)
        }
        return {
            "commands and queries that nobody has sent": self.unsent(vocabulary),
            "commands that were never accepted, queries that were never answered": self.unaccepted(vocabulary),
            "faults that never came": [kind for kind in self.kinds if not self.faults[kind]],
            "codes of refusals that nobody was told": [code for code in codes if code not in told],
            **under,
        }

    def by_command(self) -> list[str]:
        lines = [
            "| what was sent | accepted | previewed | repeated | unheard | accepted under faults | refused, by code |",
            "|---|---:|---:|---:|---:|---:|---|",
        ]
        for name in sorted({name for name, _ in self.outcomes}):
            found = Counter({outcome: count for (sent, outcome), count in self.outcomes.items() if sent == name})
            accepted = found["accepted"] + found["answered"]
            felt = {kind for kind, sent, end in self.under if sent == name and end in ("accepted", "answered")}
            lines.append(
                f"| {name} | {accepted} | {found['previewed']} | {found['repeated']} | {found['unheard']} "
                f"| {len(felt)} of {len(self.faults)} | {refusals(found)} |"
            )
        return lines

    def by_fault(self) -> list[str]:
        lines = [
            f"| fault, felt for {FELT_S:.0f} s | times | accepted | previewed | repeated | unheard | refused, by code |",
            "|---|---:|---:|---:|---:|---:|---|",
        ]
        for kind, times in sorted(self.faults.items()):
            found: Counter[str] = Counter()
            for (felt, _, outcome), count in self.under.items():
                if felt == kind:
                    found[outcome] += count
            lines.append(
                f"| {kind} | {times} | {found['accepted'] + found['answered']} | {found['previewed']} "
                f"| {found['repeated']} | {found['unheard']} | {refusals(found)} |"
            )
        return lines

    def by_oracle(self) -> list[str]:
        lines = ["| held against the oracle | times |", "|---|---:|"]
        return [*lines, *(f"| {what} | {count} |" for what, count in sorted(self.judged.items()))]

    def unsent(self, vocabulary: Vocabulary) -> list[str]:
        """The commands and queries that nobody has sent."""
        sent = {name for name, _ in self.outcomes}
        return [name for name in (*public(vocabulary), *vocabulary.queries) if name not in sent]

    def unaccepted(self, vocabulary: Vocabulary) -> list[str]:
        """The commands that were never accepted, and the queries that were never answered."""
        commands = [name for name in public(vocabulary) if not self.outcomes[name, "accepted"]]
        return [*commands, *(name for name in vocabulary.queries if not self.outcomes[name, "answered"])]


def public(vocabulary: Vocabulary) -> list[str]:
    """The commands that people may send."""
    return [name for name, kind in vocabulary.commands.items() if kind.needs is not None and not kind.secret]


def refusals(found: Counter[str]) -> str:
    """Refusals by code, the most frequent first."""
    some = [(code, count) for code, count in found.items() if code not in DONE]
    return ", ".join(f"{code} {count}" for code, count in sorted(some, key=lambda one: (-one[1], one[0])))


def never_lines(never: dict[str, list[str]]) -> list[str]:
    return [f"- {what}: {', '.join(names) or 'none'}" for what, names in never.items()]
