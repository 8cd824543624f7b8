"""The commands, each file a group of them. What a command needs is imported when it is called, so that `runline` is quick."""

from collections.abc import Callable

from cyclopts import App, CycloptsError, Group, Parameter

from runline import __version__
from runline.cli.asking import api, log, player, ready, tail, wagers
from runline.cli.books import app as book
from runline.cli.clusters import app as cluster
from runline.cli.databases import anchor, clock, migrate, trace, verify
from runline.cli.grading import grade
from runline.cli.measuring import bench
from runline.cli.serving import serve, show_config
from runline.cli.showing import demo
from runline.cli.signing import login, logout, whoami
from runline.cli.simulating import simulate
from runline.shell import UNUSABLE

HERE = Group.create_ordered("On this machine")
THERE = Group.create_ordered("At a server", help="Sent to a running server, as whoever has signed in there.")

app = App(
    name="runline",
    help="A real-time sportsbook execution engine.",
    version=f"runline {__version__}",
    version_flags=("--version", "-V"),
    default_parameter=Parameter(negative=()),
)

ours: tuple[Callable[..., int], ...] = (demo, serve, verify, anchor, trace, migrate, clock, grade, bench, simulate)
theirs: tuple[Callable[..., int], ...] = (login, logout, whoami, api, tail, player, wagers, log, ready)
for command in ours:
    app.command(command, group=HERE)
for command in theirs:
    app.command(command, group=THERE)
app.command(show_config, name="config", group=HERE)
cluster.group = (HERE,)
app.command(cluster)
book.group = (THERE,)
app.command(book)
app.register_install_completion_command(help="Have this shell (bash, zsh, fish) complete our commands and flags.")


def main() -> None:
    """The entry of the `runline` command."""
    from runline.endings import run_command

    run_command(run)


def run() -> object:
    """Run the command that is asked for; one that cannot be read ends like any that cannot be done as it was asked for."""
    try:
        return app(exit_on_error=False)
    except CycloptsError:
        # It was said already.
        return UNUSABLE
