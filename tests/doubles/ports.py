"""A port for a server that is stopped and started again, beside other tests that open thousands of connections."""

import random
import socket
from pathlib import Path

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST = 20_000


def own_port() -> int:
    """A free port that the system gives to nobody by itself, so that it is still free when the server comes back."""
    end = int(RANGE.read_text().split()[0]) if RANGE.exists() else 32_768
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(min(LOWEST, end - 1_000), end)
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
