"""The page of `make cluster`: what is going on, and buttons that do harm.

It is there for this machine only, behind a word that nobody guesses.
"""

import asyncio
import html
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

HEAD_BYTES_MAX = 8 * 1024
READS_S_MAX = 5.0

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Runline: a cluster</title>
<style>
  body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
  button {{ font: inherit; margin: 0 .5rem .5rem 0 }}
  pre {{ background: #8882; padding: 1rem; white-space: pre-wrap }}
  :root {{ color-scheme: light dark }}
</style>
<h1>A cluster on this machine</h1>
<p>Look at the book through {links}, while you break what is below. What is killed comes back by itself.</p>
<p>{buttons}</p>
<pre id="said" aria-live="polite"></pre>
<script>
  const said = document.getElementById('said');
  for (const button of document.querySelectorAll('button'))
    button.onclick = () => fetch('{word}/' + button.value, {{ method: 'POST' }});
  const look = async () => {{
    try {{ said.textContent = await (await fetch('{word}/said')).text(); }} catch {{ said.textContent = 'It has ended.'; }}
    setTimeout(look, 1000);
  }};
  look();
</script>
</html>
"""


class Page:
    """The page.

    links: where the gateways are. does: words that may be sent, with what each does. said: what is shown. take: takes a word.
    """

    def __init__(
        self, links: list[str], does: Mapping[str, str], said: Callable[[], str], take: Callable[[str], None]
    ) -> None:
        self.word = f"/{secrets.token_urlsafe(12)}"
        self.does = does
        self.said = said
        self.take = take
        self.page = PAGE.format(
            word=self.word,
            links=" or ".join(
                f'<a href="{html.escape(link)}" target="_blank">{html.escape(link)}</a>' for link in links
            ),
            buttons="".join(f'<button value="{word}">{html.escape(what)}</button>' for word, what in does.items()),
        )

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, and close."""
        try:
            with suppress(
                TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError
            ):
                async with asyncio.timeout(READS_S_MAX):
                    head = await reader.readuntil(b"\r\n\r\n")
                    method, path, *_ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
                    status, kind, body = self.found(method, path)
                    lines = (
                        f"HTTP/1.1 {status}\r\ncontent-type: {kind}; charset=utf-8\r\ncontent-length: {len(body)}\r\n"
                    )
                    writer.write(f"{lines}cache-control: no-store\r\nconnection: close\r\n\r\n".encode() + body)
                    await writer.drain()
        finally:
            writer.close()

    def found(self, method: str, path: str) -> tuple[str, str, bytes]:
        """(status, content type, body) of a request."""
        if method == "GET" and path == self.word:
            return "200 OK", "text/html", self.page.encode()
        if method == "GET" and path == f"{self.word}/said":
            return "200 OK", "text/plain", self.said().encode()
        word = path.removeprefix(f"{self.word}/")
        if method == "POST" and path.startswith(f"{self.word}/") and word in self.does:
            self.take(word)
            return "200 OK", "text/plain", b""
        return "404 Not Found", "text/plain", b"There is nothing here.\n"


@asynccontextmanager
async def shown(page: Page, port: int) -> AsyncIterator[str]:
    """A page on this machine; gives its address. port: 0 for any free one."""
    server = await asyncio.start_server(page.answer, "127.0.0.1", port, limit=HEAD_BYTES_MAX)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{page.word}"
