"""Take the README's picture: run the demo and draw what it leaves on the terminal as docs/demo.svg."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 112
PICTURE = Path(__file__).parents[1] / "docs" / "demo.svg"


def main() -> None:
    words = [sys.executable, "-m", "runline", "demo", "--headless", "--for", sys.argv[1] if len(sys.argv) > 1 else "60s"]
    environment = os.environ | {"COLUMNS": str(WIDTH), "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi("$ make demo\n" + done.stdout.rstrip()), soft_wrap=False)
    svg = console.export_svg(title="runline demo")
    # The drawing must not fetch fonts from elsewhere; the reader's own monospaced font will do.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    PICTURE.write_text(re.sub(r"[ \t]+\n", "\n", svg))
    print(f"written: {PICTURE}")


if __name__ == "__main__":
    main()
