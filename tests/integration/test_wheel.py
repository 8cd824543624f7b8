"""The package as it is installed: the wheel alone, in an environment of its own, shows the product."""

import os
import re
import signal
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import httpx
import pytest

from runline.feeds import nfl

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the source as it is."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def place(wheel, tmp_path_factory):
    """A folder outside of the source with an environment in which the wheel is installed. What Runline needs is taken from the
    environment of these tests, so that no index is asked."""
    folder = tmp_path_factory.mktemp("installed")
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--disable-pip-version-check", str(wheel)], check=True, capture_output=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def outside():
    """An environment that knows nothing of the source."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("RUNLINE_", "PYTHON"))}


def runline(place, *words):
    program = place / "environment" / "bin" / "runline"
    return subprocess.run(
        [program, *words], cwd=place, env=outside(), capture_output=True, text=True, check=False, timeout=300
    )


def test_the_wheel_is_what_is_run_and_not_the_source(place):
    python = place / "environment" / "bin" / "python"
    said = subprocess.run(
        [python, "-c", "import runline; print(runline.__file__)"],
        cwd=place,
        env=outside(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.startswith(str(place))


def test_the_sunday_travels_with_its_notice_and_the_baseball_season_does_not(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith("/METADATA"))).decode()
        notice = archive.read("runline/demo/nfl/NOTICE.md").decode()
    assert "runline/console/index.html" in names
    assert any(name.startswith("runline/console/assets/") and name.endswith(".js") for name in names)
    assert not any("node_modules" in name for name in names)
    assert "CC BY 4.0" in notice
    assert "License-Expression: Apache-2.0 AND CC-BY-4.0" in metadata
    assert "License-File: src/runline/demo/nfl/NOTICE.md" in metadata
    assert [name for name in names if "mlb" in name.lower() and not name.endswith(".py")] == []


def test_the_day_that_travels_is_that_of_the_source():
    travelling = nfl.read_games(ROOT / "src" / "runline" / "demo" / "nfl" / "nflverse_games_2024_09_15.csv")
    assert travelling == [
        game for game in nfl.read_games(ROOT / "data" / "nfl" / nfl.GAMES) if game.gameday == "2024-09-15"
    ]


def test_an_installed_wheel_runs_the_sunday_in_the_terminal(place):
    done = runline(place, "demo", "--headless", "--for", "4s", "--rate", "100", "--data", "day")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 games at 1 pm" in done.stdout
    assert "Verified: log = tables = chain." in done.stdout
    # What is said to call can be called from the same folder, as it stands.
    pasted = next(line for line in done.stdout.splitlines() if re.search(r"runline verify \S", line))
    again = subprocess.run(["sh", "-c", pasted], cwd=place, env=outside(), capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    asked = runline(place, "demo", "--headless", "--scenario", "baseball")
    assert asked.returncode == 2
    assert "--scenario sunday" in asked.stderr


def test_an_installed_wheel_shows_the_sunday_on_its_page(place):
    program = place / "environment" / "bin" / "runline"
    with subprocess.Popen(
        [program, "demo", "--for", "2m"], cwd=place, env=outside(), stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        address = next(found[0] for line in child.stdout if (found := re.search(r"http://[\d.:]+", line)))
        with httpx.Client(base_url=address) as browser:
            page = browser.get("/")
            scripts = re.findall(r'src="(/[^"]+\.js)"', page.text)
            assert scripts
            assert all(browser.get(script).status_code == 200 for script in scripts)
            asked = {"stream": "harbor", "user": "harbor.owner", "password": "in-real-time"}
            token = browser.post("/v1/sign-in", json=asked).json()["token"]
            board = browser.get("/v1/board", headers={"authorization": f"Bearer {token}"}).json()["items"]
            assert {game["league"] for game in board} == {"NFL"}
        child.send_signal(signal.SIGINT)
        rest = child.stdout.read()
    assert child.returncode == 0
    assert "What has happened" in rest
