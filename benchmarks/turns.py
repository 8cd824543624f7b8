"""Compare this checkout with another one, in turns: before and after on the same machine in the same minutes.

python benchmarks/turns.py OTHER TURNS BENCH [BENCH …]: OTHER is a checkout that `make setup` has been run in.

Of each figure the medians are printed, and the median of the ratios this ÷ other, turn by turn: machines are noisy, and a
ratio of two runs that follow one another says more than either.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import msgspec

HERE = Path(__file__).resolve().parent.parent


def figures_of(checkout: Path, name: str) -> dict[str, float]:
    """One bench of a checkout, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "results.json"
        python = checkout / ".venv/bin/python"
        command = [str(python), "-m", "runline", "bench", name, "--json", str(file)]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
        found = msgspec.json.decode(file.read_bytes())
    return dict(found["figures"]) | {"ratio to the floor": found["ratio"]}


def main() -> None:
    other, turns = Path(sys.argv[1]).resolve(), int(sys.argv[2])
    for name in sys.argv[3:]:
        pairs = []
        for turn in range(turns):
            # Who goes first alternates, so that what a run leaves behind burdens both alike.
            order = (other, HERE) if turn % 2 == 0 else (HERE, other)
            try:
                found = {checkout: figures_of(checkout, name) for checkout in order}
            except subprocess.CalledProcessError as failed:
                print(f"{name}: turn {turn + 1} failed: {failed}", file=sys.stderr)
                continue
            pairs.append((found[other], found[HERE]))
        if not pairs:
            continue
        print(f"\n{name}, {turns} turns\n{'figure':44} {'other':>12} {'this':>12} {'this/other':>10}")
        for figure in (one for one in pairs[0][0] if one in pairs[0][1]):
            ratios = [after[figure] / before[figure] for before, after in pairs if before[figure]]
            before, after = (median(pair[side][figure] for pair in pairs) for side in (0, 1))
            print(f"{figure:44} {before:12,.3f} {after:12,.3f} {median(ratios) if ratios else float('nan'):10.3f}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
