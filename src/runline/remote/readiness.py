"""Readiness: whether a server lives and is ready, for whatever watches over it: soon said, and with little to be loaded."""

import json
import os
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from runline.config import require_known_variables
from runline.remote.where import SERVER, address_of, is_this_machine
from runline.shell import DONE, FAILED, URL_VARIABLE, UnusableError, complain, reason_of

PROBE_S = 5.0
"""How long a server may take; it itself waits two seconds for whoever owns its streams."""

OK = 200


def show_readiness(server: str | None, *, live: bool) -> int:
    """`runline ready`: 0, 1 if it is not ready, 2 if nobody answers."""
    try:
        require_known_variables(os.environ)
        address = address_of(server or os.environ.get(URL_VARIABLE) or SERVER)
    except UnusableError as error:
        return complain(error)
    try:
        status, body = asked(address, "/v1/live" if live else "/v1/ready")
    except (OSError, HTTPException) as error:
        return complain(f"{address} does not answer: {reason_of(error)}")
    if status == OK:
        print("live" if live else "ready")
        return DONE
    return complain(f"{address} is not {'live' if live else 'ready'}: {failing_of(body)}", FAILED)


def asked(address: str, path: str) -> tuple[int, bytes]:
    """(status, body) of a route. Raises OSError, HTTPException."""
    url = urlsplit(address)
    host = url.hostname or ""
    if url.scheme == "https":
        context = ssl.create_default_context()
        if is_this_machine(host):
            # Nobody is between, nothing secret is sent, and the certificate is for another name.
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection: HTTPConnection = HTTPSConnection(host, url.port, timeout=PROBE_S, context=context)
    else:
        connection = HTTPConnection(host, url.port, timeout=PROBE_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def failing_of(body: bytes) -> str:
    """What is not well, in words."""
    try:
        failing = json.loads(body)["failing"]
        return ", ".join(map(str, failing)) or "it does not take commands"
    except (ValueError, TypeError, KeyError):
        return "it does not answer as Runline does"
