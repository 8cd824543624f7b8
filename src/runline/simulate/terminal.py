"""Terminal: what runs are told as: a line for each, and of one that fails the shortest run that still does, as a story."""

import gc
import time
from itertools import chain
from math import inf
from pathlib import Path

import msgspec

from runline.domain.vocabulary import Vocabulary
from runline.gateway.refusing import ANY_ANSWER, SENT, SIGNED, WITH_BODY, refusals_of, refusals_to
from runline.shell import complain
from runline.simulate.coverage import Coverage, public
from runline.simulate.decisions import Steps
from runline.simulate.run import Outcome, simulate, simulated_vocabulary
from runline.simulate.shrink import shrink

REPLAYED_STEPS = 10**9

GARBAGE_BEGUN = 20_000
"""How many objects are made before it is looked which of them are no more in use."""


def codes_of(vocabulary: Vocabulary) -> list[str]:
    """The codes with which commands and queries may be refused."""
    declared = (refusals_of(vocabulary, vocabulary.commands[name]) for name in public(vocabulary))
    asked = (refusals_to(query) for query in vocabulary.queries.values())
    return sorted(
        {*ANY_ANSWER, *SIGNED, *WITH_BODY, *SENT, *chain.from_iterable(declared), *chain.from_iterable(asked)}
    )


def say(text: str) -> None:
    """Tell whoever started this."""
    print(text, flush=True)


def run_seeds(
    seed: int | None,
    steps: int,
    seeds: int,
    minutes: float | None,
    story: Path | None,
    *,
    table: bool = False,
    shrink_s: float = 60.0,
) -> int:
    """Run one seed after the other: so many, or for some minutes. Returns 1 if something did not hold, 2 if it cannot be run."""
    if steps < 1 or seeds < 1 or not 0 <= shrink_s < inf or (minutes is not None and not 0 < minutes < inf):
        return complain("--steps and --seeds take 1 or more, --minutes more than 0, --shrink-s 0 or more")
    if story is not None and not story.absolute().parent.is_dir():
        return complain(f"--story: there is no folder {story.absolute().parent}")
    until = time.monotonic() + minutes * 60 if minutes is not None else None
    vocabulary = simulated_vocabulary()
    # What is imported and declared stays, and need not be looked through again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_BEGUN)
    seed = time.time_ns() // 10**6 % 10**9 if seed is None else seed
    coverage, ran, done = Coverage(), 0, 0
    began = time.process_time()
    while True:
        outcome, reached = simulate(seed, steps, vocabulary=vocabulary)
        coverage.add(reached)
        ran, done = ran + 1, done + outcome.steps
        say(
            f"seed {seed}: {outcome.steps} steps, {outcome.events} events, {outcome.passed_s:.0f} s, digest {outcome.digest}"
        )
        if outcome.wrong:
            complain(f"seed {seed}: {outcome.wrong}")
            tell_failure(seed, outcome, vocabulary, story, shrink_s)
            return 1
        if time.monotonic() >= until if until is not None else ran >= seeds:
            break
        seed += 1
    rate = done / max(time.process_time() - began, 1e-9)
    say(f"{ran} seeds, {done} steps, {rate:.0f} steps/s of a core, nothing was wrong")
    if table:
        say(coverage.table(vocabulary, codes_of(vocabulary)))
    return 0


def tell_failure(seed: int, outcome: Outcome, vocabulary: Vocabulary, story: Path | None, shrink_s: float) -> None:
    """Tell the shortest run that fails like this one, and write down its decisions."""

    def again(decisions: Steps) -> Outcome:
        return simulate(seed, REPLAYED_STEPS, decisions, vocabulary)[0]

    shortest, tries = shrink(lambda decisions: again(decisions).wrong, outcome.decisions, outcome.wrong, shrink_s)
    told = again(shortest) if tries else outcome
    text = "\n".join(
        (
            f"Seed {seed}: {outcome.wrong}",
            f"The shortest run that was found to fail so, of {len(outcome.decisions)} steps {len(shortest)}, in {tries} runs:",
            "",
            told.story,
            "",
            f"Its decisions: {msgspec.json.encode(shortest).decode()}",
        )
    )
    if story is None:
        say(text)
    else:
        story.write_text(text + "\n")
        say(f"The story is in {story}.")


def run_again(decisions: Path) -> int:
    """Run decisions that were written down. Returns 1 if something did not hold, 2 for what holds none."""
    try:
        found = msgspec.json.decode(decisions.read_text().rpartition("Its decisions: ")[2], type=Steps)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        return complain(f"--replay: {decisions} is not the story of a run: {error}")
    outcome, _ = simulate(0, REPLAYED_STEPS, found)
    say(outcome.story)
    return 1 if outcome.wrong else 0
