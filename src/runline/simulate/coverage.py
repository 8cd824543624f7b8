"""Coverage: which commands and queries were sent, with which outcomes, under which faults."""

from collections import Counter

from runline.domain.vocabulary import Vocabulary

Seen = Counter[tuple[str, str]]


class Coverage:
    """What a run, or several, has reached. outcomes: by command or query. faults: how often each. steps: by kind."""

    def __init__(self) -> None:
        self.outcomes: Seen = Counter()
        self.faults: Counter[str] = Counter()
        self.steps: Counter[str] = Counter()
        self.judged: Counter[str] = Counter()

    def add(self, other: "Coverage") -> None:
        """Take in another run's."""
        self.outcomes += other.outcomes
        self.faults += other.faults
        self.steps += other.steps
        self.judged += other.judged

    def unsent(self, vocabulary: Vocabulary) -> list[str]:
        """The commands and queries that nobody has sent."""
        sent = {name for name, _ in self.outcomes}
        commands = [name for name, kind in vocabulary.commands.items() if kind.needs is not None and not kind.secret]
        return [name for name in (*commands, *vocabulary.queries) if name not in sent]

    def table(self) -> str:
        """Commands by outcomes, and faults, as a table of Markdown."""
        names = sorted({name for name, _ in self.outcomes})
        lines = ["| what was sent | accepted | refused, by code |", "|---|---|---|"]
        for name in names:
            found = {outcome: count for (sent, outcome), count in self.outcomes.items() if sent == name}
            accepted = found.pop("accepted", 0) + found.pop("answered", 0)
            refused = ", ".join(
                f"{code} {count}" for code, count in sorted(found.items(), key=lambda one: (-one[1], one[0]))
            )
            lines.append(f"| {name} | {accepted} | {refused} |")
        lines += ["", "| fault | times |", "|---|---|"]
        lines += [f"| {fault} | {count} |" for fault, count in sorted(self.faults.items())]
        lines += ["", "| held against the oracle | times |", "|---|---|"]
        lines += [f"| {what} | {count} |" for what, count in sorted(self.judged.items())]
        return "\n".join(lines)
