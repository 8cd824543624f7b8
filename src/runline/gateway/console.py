"""Console: the pages for people, as they were built into the package. Served from memory, compressed once."""

import gzip
from functools import cache
from pathlib import Path
from typing import Any

from runline.gateway.web import POLICY_HEADER

FOLDER = Path(__file__).parents[1] / "console"

TYPES = {
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".woff2": b"font/woff2",
}

POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing from elsewhere. (Styles may be inline: the chart and widths set them.)"""

NOT_BUILT = (
    b"<!doctype html><title>Runline</title><p>The console is not part of this build: <code>make console</code> builds it."
    b' The <a href="/v1/schema">API</a> is here.'
)


def console_doors(folder: Path = FOLDER) -> dict[tuple[str, str], Any]:
    """The doors of the console's files, by method and path. Without a build, a page that says so."""
    doors: dict[tuple[str, str], Any] = {}
    for file in sorted(folder.rglob("*")):
        if file.suffix in TYPES:
            name = file.relative_to(folder).as_posix()
            path = "/" if name == "index.html" else f"/{name}"
            doors["GET", path] = file_door(file.read_bytes(), TYPES[file.suffix], fixed=name != "index.html")
    doors.setdefault(("GET", "/"), file_door(NOT_BUILT, TYPES[".html"], fixed=False))
    return doors


@cache
def compressed(body: bytes) -> bytes:
    """A file, compressed."""
    return gzip.compress(body, mtime=0)


def file_door(body: bytes, content_type: bytes, *, fixed: bool) -> Any:
    """A file. fixed: its name changes with its content, so that browsers may keep it."""
    packed = compressed(body)
    headers = [
        (b"content-type", content_type),
        (b"cache-control", b"public, max-age=31536000, immutable" if fixed else b"no-cache"),
        (POLICY_HEADER, POLICY),
        (b"vary", b"accept-encoding"),
    ]

    async def door(scope: Any, receive: Any, send: Any) -> None:
        accepted = b",".join(value for name, value in scope["headers"] if name == b"accept-encoding")
        sent, more = (packed, [(b"content-encoding", b"gzip")]) if b"gzip" in accepted else (body, [])
        length = (b"content-length", b"%d" % len(sent))
        await send({"type": "http.response.start", "status": 200, "headers": [*headers, *more, length]})
        await send({"type": "http.response.body", "body": sent})

    return door
