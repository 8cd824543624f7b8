"""The how-to of many machines: its certificates, made by its very lines, link two nodes; its settings are ones that there are."""

import os
import re
import shlex
import socket
import subprocess
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from tests.doubles.ports import own_port
from tests.integration.nodes import filled
from tests.integration.served import PASSWORD
from tests.integration.test_deployment import takes
from tests.integration.test_serve import serving

from runline.client import Client
from runline.config import load_settings

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
PAGE = (HOW_TO / "many-machines.md").read_text()
MACHINES = ("127.0.0.1", "127.0.0.2")


def blocks(page, kind):
    """The blocks of a kind on a page."""
    return re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL)


@pytest.fixture
def certificates(tmp_path):
    """The folder of what the page's lines make."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    (lines,) = blocks(PAGE, "sh")
    environment = os.environ | {"NODES": " ".join(MACHINES)}
    subprocess.run(["sh", "-euc", lines], cwd=folder, env=environment, check=True, capture_output=True)
    for at in MACHINES:
        command = [
            "openssl",
            "verify",
            "-x509_strict",
            "-purpose",
            "sslserver",
            "-CAfile",
            "authority.pem",
            "-verify_ip",
            at,
            f"{at}.pem",
        ]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("page", [path.name for path in sorted(HOW_TO.glob("*.md"))])
def test_the_settings_of_a_page_are_ones_that_there_are(page, tmp_path):
    for number, text in enumerate(blocks((HOW_TO / page).read_text(), "toml")):
        file = tmp_path / f"{number}.toml"
        file.write_text(text)
        load_settings(file, {}, {})


@pytest.mark.parametrize(
    "page", ["many-machines", "replace-a-machine", "the-database-fails-over", "backup", "postgresql"]
)
def test_the_commands_of_a_page_are_ones_that_there_are(page):
    text = (HOW_TO / f"{page}.md").read_text()
    commands = re.findall(r"^ *(runline .*)$", text, re.MULTILINE) + re.findall(
        r"`(runline [a-z ]+ (?:--|[A-Z])[^`]*)`", text
    )
    assert commands or page == "the-database-fails-over"
    for command in commands:
        takes(shlex.split(command)[1:])


@contextmanager
def serving_by(text, file, url, *words):
    """A server by the settings of the page; gives its address. url: of the database."""
    file.write_text(text)
    with serving("--config", file, "--store", url, "--port", 0, *words, quiet=False) as (_, address):
        yield address


def test_two_machines_are_linked_by_the_certificates_of_the_page(certificates, tmp_path):
    try:
        with socket.create_server((MACHINES[1], 0)):
            pass
    except OSError:
        pytest.skip("this machine has one address of its own only")
    url = filled(tmp_path / "book.db")
    with ExitStack() as nodes:
        addresses: list[str] = []
        text = ""
        for place, at in enumerate(MACHINES):
            (text,) = blocks(PAGE, "toml")
            text = text.replace("/etc/runline/node.pem", f"{certificates}/{at}.pem")
            text = text.replace("/run/credentials/runline.service/node.key", f"{certificates}/{at}.key")
            text = text.replace("/etc/runline/authority.pem", f"{certificates}/authority.pem")
            text = text.replace("10.0.0.1:8322", f"{at}:{own_port()}").replace('"n1"', f'"n{place}"')
            addresses.append(nodes.enter_context(serving_by(text, tmp_path / f"n{place}.toml", url)))
        # A gateway has a certificate too, and no address.
        gateway = re.sub(r"^(address|node) = .*\n", "", text, flags=re.MULTILINE)
        addresses.append(nodes.enter_context(serving_by(gateway, tmp_path / "g.toml", url, "--role", "gateway")))
        for address in addresses:
            with Client(address, deadline_s=20) as client:
                # One of them has neither the house nor this book, or both: what it has not is said by the other one.
                assert httpx.get(f"{address}/v1/ready?stream=house").json() == {"ready": True}
                client.sign_in("b1", "owner", PASSWORD)
                assert client.ask("me").position
