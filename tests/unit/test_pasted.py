"""What the demo says can be pasted."""

import shutil
import sys

from runline.demo.pasted import to_paste


def test_a_command_begins_as_it_can_be_called(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    assert to_paste("verify", "/tmp/a day/runline.db") == "runline verify '/tmp/a day/runline.db'"
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(sys, "argv", [".venv/bin/runline", "demo"])
    assert to_paste("verify", "runline.db") == ".venv/bin/runline verify runline.db"
    monkeypatch.setattr(sys, "argv", ["/src/runline/__main__.py", "demo"])
    assert to_paste("verify", "runline.db") == f"{sys.executable} -m runline verify runline.db"
