"""Where: which server a command is sent to, and as whom."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from runline.shell import UnusableError

SERVER = "http://127.0.0.1:8321"
"""Where `runline serve` is unless it is told otherwise."""


@dataclass(frozen=True)
class Where:
    """Which server, and as whom.

    Parameters
    ----------
    server
        The server's address, such as https://book.example; by default RUNLINE_URL, else where you have signed in last.
    book
        The book in which you act, or house; by default the one in which you have signed in last.
    user
        The user as whom you act; by default the one as whom you have signed in last.
    """

    server: str | None = None
    book: str | None = None
    user: str | None = None


HERE = Where()


def address_of(text: str) -> str:
    """A server's address as it is kept: scheme, host and port. Without a scheme it is https, on this machine http.

    Raises UnusableError.
    """
    whole = text if "://" in text else f"https://{text}"
    try:
        url = urlsplit(whole)
        host, port = url.hostname, url.port
    except ValueError as error:
        raise UnusableError(f"{text} is no address of a server: {error}. One is such as https://book.example") from None
    if url.scheme not in ("http", "https") or not host or url.path.strip("/") or url.query or "@" in url.netloc:
        raise UnusableError(
            f"{text} is no address of a server. One is a scheme and a host, such as https://book.example"
        )
    scheme = url.scheme if "://" in text or not is_this_machine(host) else "http"
    named = f"[{host}]" if ":" in host else host
    return f"{scheme}://{named}{'' if port is None else f':{port}'}"


def is_this_machine(host: str) -> bool:
    """Whether a host is the machine that we are on."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def can_be_overheard(server: str) -> bool:
    """Whether what is sent there goes over a network as plain text."""
    url = urlsplit(server)
    return url.scheme == "http" and not is_this_machine(url.hostname or "")
