"""Take the README's picture: run the demo and draw what it leaves on the terminal as docs/demo.svg."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 210
PICTURE = Path(__file__).parents[1] / "docs" / "demo.svg"


def main() -> None:
    words = ["runline", "demo", "--headless", *sys.argv[1:]]
    environment = os.environ | {"COLUMNS": str(WIDTH)}
    done = subprocess.run([sys.executable, "-m", *words], env=environment, capture_output=True, text=True, check=True)
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    lines = done.stdout.rstrip().splitlines()
    last = max(number for number, line in enumerate(lines) if " % " in line and "games" in line)
    # The day's lines are many and alike: the first and the last few tell it.
    shown = [*lines[:7], "  …", *lines[last - 2 :]]
    console.print(Text("\n".join([f"$ {' '.join(words)}", *shown])), soft_wrap=False)
    svg = console.export_svg(title="runline demo")
    # The drawing must not fetch fonts from elsewhere; the reader's own monospaced font will do.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    PICTURE.write_text(re.sub(r"[ \t]+\n", "\n", svg))
    print(f"written: {PICTURE}")


if __name__ == "__main__":
    main()
