"""Documentation: the document of the API as a page to be read, searched and copied from, which needs nothing from elsewhere."""

import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import Any
from urllib.parse import urlencode

import msgspec

from runline.gateway.openapi import Document

STYLE = """
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:60rem;margin:2rem auto;padding:0 1rem}
header{position:sticky;top:0;background:Canvas;padding:.5rem 0;z-index:1}
input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem .75rem;border:1px solid #8888;border-radius:.4rem}
nav a{margin-right:1rem}
details{border-bottom:1px solid #8884;scroll-margin-top:5rem}
summary{cursor:pointer;padding:.35rem 0;overflow-wrap:anywhere}
code,pre{font:.85rem/1.45 ui-monospace,monospace}
pre{overflow:auto;padding:.75rem;background:#8881;border-radius:.4rem;white-space:pre-wrap;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.2rem .75rem .2rem 0;border-bottom:1px solid #8882;overflow-wrap:break-word}
@media (max-width:40rem){td,th{overflow-wrap:anywhere}}
.method{display:inline-block;width:3.5rem;font-weight:700}
.about{color:color-mix(in srgb,CanvasText 70%,Canvas)}
"""

SCRIPT = """
const field = document.querySelector('input'), parts = [...document.querySelectorAll('details')];
const status = document.querySelector('output');
function search() {
  const words = field.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let count = 0;
  for (const part of parts) {
    part.hidden = !words.every((word) => part.textContent.toLowerCase().includes(word));
    if (!part.hidden) count++;
  }
  for (const group of document.querySelectorAll('section')) {
    group.hidden = ![...group.querySelectorAll('details')].some((part) => !part.hidden);
  }
  status.textContent = words.length ? `${count} of ${parts.length}` : '';
}
function follow() {
  const part = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!part) return;
  if (part.hidden) { field.value = ''; search(); }
  if (part.tagName === 'DETAILS') part.open = true;
  part.scrollIntoView();
}
field.addEventListener('input', search);
addEventListener('hashchange', follow);
addEventListener('keydown', (event) => {
  if (event.key === '/' && document.activeElement !== field) { event.preventDefault(); field.focus(); }
});
search();
follow();
"""

SCRIPT_DIGEST = b64encode(sha256(SCRIPT.encode()).digest())

PAGE_POLICY = (
    b"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-%b'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'" % SCRIPT_DIGEST
)
"""The page has a style and a script of its own, and needs nothing else."""


def documentation_page(document: Document) -> bytes:
    """The document as a page: every operation and every shape, each with a link of its own."""
    groups: dict[str, list[str]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups[operation["tags"][0]].append(operation_html(path, method, operation))
    shapes = [shape_html(name, schema) for name, schema in document["components"]["schemas"].items()]
    schemes = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{prose(one['description'])}</td></tr>"
        for name, one in document["components"]["securitySchemes"].items()
    )
    sections = {**groups, "Shapes": shapes}
    links = "".join(f'<a href="#{anchor(name)}">{escape(name)}</a>' for name in sections)
    body = "".join(
        f'<section><h2 id="{anchor(name)}">{escape(name)}</h2>{"".join(parts)}</section>'
        for name, parts in sections.items()
    )
    title = f"Runline {escape(document['info']['version'])}"
    about = "".join(f"<p>{prose(part)}</p>" for part in document["info"]["description"].split("\n\n"))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}: API</title><style>{STYLE}</style><h1>{title}</h1>{about}<table>{schemes}</table>"
        f'<p><a href="/v1/schema/openapi.json">OpenAPI {escape(document["openapi"])}</a>. In the examples '
        f"<code>$RUNLINE</code> is this server's address and <code>$TOKEN</code> the token of a session.</p>"
        f'<header><input type="search" placeholder="Search: a word, a field, a code  ( / )" aria-label="Search">'
        f"<output></output><nav>{links}</nav></header><main>{body}</main><script>{SCRIPT}</script></html>"
    ).encode()


def anchor(name: str) -> str:
    """The name of a place on the page."""
    return escape(name.replace(" ", "-"))


def prose(text: str) -> str:
    """A text with its code and its emphasis."""
    told = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", told)


def paragraphs(text: str) -> str:
    """A text of several paragraphs."""
    return "".join(f"<p>{prose(part)}</p>" for part in text.split("\n\n") if part)


def operation_html(path: str, method: str, operation: Document) -> str:
    """One operation, folded."""
    parts = [paragraphs(operation["description"])]
    rows = [
        (
            parameter["name"],
            f"{parameter['in']}{', required' if parameter['required'] else ''}",
            parameter["description"],
        )
        for parameter in operation["parameters"]
    ]
    parts.append(table(("parameter", "where", "what"), rows))
    for kind, body in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<p>Body, <code>{escape(kind)}</code>: {type_html(body['schema'])}</p>")
    answers = []
    for status, answer in operation["responses"].items():
        shapes = ", ".join(
            f"{type_html(content['schema'])} <code>{escape(kind)}</code>"
            for kind, content in answer.get("content", {}).items()
        )
        answers.append(f"<tr><td>{status}</td><td>{prose(answer['description'])}</td><td>{shapes}</td></tr>")
    parts.append(f"<table><tr><th>status</th><th>when</th><th>answer</th></tr>{''.join(answers)}</table>")
    parts.append(f"<pre>{escape(curl(path, method, operation))}</pre>")
    name = f"operation-{anchor(operation['operationId'])}"
    return (
        f'<details id="{name}"><summary><span class="method">{escape(method.upper())}</span> <code>{escape(path)}</code> '
        f'<span class="about">{prose(operation["summary"])}</span> <a href="#{name}" aria-label="Link to this">#</a></summary>'
        f"{''.join(parts)}</details>"
    )


def curl(path: str, method: str, operation: Document) -> str:
    """An operation as it is called from a shell."""
    given = {
        one["name"]: one["example"] for one in operation["parameters"] if one["in"] == "query" and one["example"] != ""
    }
    wanted = {one["name"] for one in operation["parameters"] if one["required"]} | {"limit", "status", "since"}
    query = urlencode({name: value for name, value in given.items() if name in wanted}, safe=":,")
    words = [f'curl "$RUNLINE{path}{f"?{query}" if query else ""}"']
    if operation.get("security") != []:
        words.append('-H "Authorization: Bearer $TOKEN"')
    if "/v1/stream" in path:
        words.append("--no-buffer")
    if method == "post":
        words.append("-X POST")
    for kind, body in operation.get("requestBody", {}).get("content", {}).items():
        words += [f"-H 'content-type: {kind}'"]
        if any(one["name"] == "idempotency-key" for one in operation["parameters"]):
            words.append("-H 'idempotency-key: 01998b0c-0a00-7000-8000-000000000001'")
        words.append(f"-d {quoted(msgspec.json.encode(body['example']).decode())}")
    return " \\\n  ".join(words)


def quoted(text: str) -> str:
    """A text as a shell has it."""
    return "'" + text.replace("'", "'\\''") + "'"


def shape_html(name: str, schema: Document) -> str:
    """One shape, folded."""
    required = schema.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code></td><td>{type_html(one)}{'' if field in required else ', optional'}</td>"
        f"<td>{prose(one.get('description', ''))} <code>{escape(shown(one))}</code></td></tr>"
        for field, one in schema.get("properties", {}).items()
    )
    choices = ", ".join(type_html(one) for one in schema.get("oneOf", ()))
    head = "<tr><th>field</th><th>type</th><th>what, and an example</th></tr>" if rows else ""
    return (
        f'<details id="{anchor(name)}"><summary><code>{escape(name)}</code> <span class="about">'
        f"{prose(schema.get('description', '').split(chr(10))[0])}</span></summary>"
        f"{paragraphs(schema.get('description', ''))}<p>{choices}</p><table>{head}{rows}</table></details>"
    )


def shown(schema: Document) -> str:
    """The example of a property."""
    return msgspec.json.encode(schema["examples"][0]).decode() if schema.get("examples") else ""


def table(heads: tuple[str, ...], rows: list[tuple[str, str, str]]) -> str:
    """A table of texts, of which the first is code."""
    lines = "".join(
        f"<tr><td><code>{escape(one)}</code></td><td>{escape(two)}</td><td>{prose(three)}</td></tr>"
        for one, two, three in rows
    )
    return f"<table><tr>{''.join(f'<th>{escape(head)}</th>' for head in heads)}</tr>{lines}</table>" if rows else ""


def type_html(schema: Document) -> str:
    """A type in a few words, with a link to its shape."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return f'<a href="#{anchor(name)}">{escape(name)}</a>'
    if "allOf" in schema:
        return " and ".join(type_html(one) for one in schema["allOf"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(one) or chr(34) * 2)}</code>" for one in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(type_html(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {type_html(items)}" if (items := schema.get("items")) else "list"
    kind: Any = schema.get("type", "anything")
    return escape(" or ".join(kind) if isinstance(kind, list) else str(kind))
