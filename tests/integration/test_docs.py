"""The documentation is built from the source as it is, without a warning."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.doubles.plain import VOCABULARY

from runline.gateway.door import public_commands

ROOT = Path(__file__).parents[2]


def test_the_site_is_built_without_a_warning(tmp_path):
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("reference"))
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    for command in (
        [sys.executable, str(ROOT / "tools" / "reference.py"), "docs/reference"],
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"],
    ):
        environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "build" / "site" / "reference" / "commands.html").read_text()
    assert all(kind.__name__ in page for kind in public_commands(VOCABULARY))
