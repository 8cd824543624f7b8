"""OpenAPI: the document of all routes, and a page on which people can browse it without any other server.

The framework derives routes and parameters; bodies follow from the commands' own types, and the plain ASGI doors are added.
"""

from collections.abc import Iterable
from html import escape
from typing import Any

import msgspec
from litestar import Litestar

from runline.domain.topics import Topic
from runline.domain.vocabulary import Vocabulary
from runline.gateway.door import CommandLine, path_name, public_commands

REFERENCE = "#/components/schemas/{name}"

Document = dict[str, Any]


def make_document(framework: Litestar, vocabulary: Vocabulary, bodies: dict[str, type]) -> Document:
    """The OpenAPI 3.1 document. bodies: of other routes than those of the vocabulary's commands, by path."""
    document = framework.openapi_schema.to_schema()
    commands = {f"/v1/{path_name(kind.__name__)}": kind for kind in public_commands(vocabulary)}
    kinds: dict[str, Any] = {**commands, **bodies}
    schemas, components = msgspec.json.schema_components([*kinds.values(), CommandLine], ref_template=REFERENCE)
    document["components"].setdefault("schemas", {}).update(components)
    for path, schema in zip(kinds, schemas, strict=False):
        document["paths"][path]["post"]["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    add_hot_doors(document, schemas[-1], vocabulary.topics.values())
    document["paths"]["/v1/sign-in"]["post"]["security"] = []
    document["paths"]["/v1/ready"]["get"]["security"] = []
    return document


def add_hot_doors(document: Document, line: Document, topics: Iterable[Topic]) -> None:
    """The doors that the framework does not know."""
    paths = document["paths"]
    place = paths["/v1/place-wager"]["post"]
    hot = {
        **place,
        "operationId": "place_wager_hot",
        "summary": "Place a wager (the quick door)",
        "parameters": [one for one in place["parameters"] if one["in"] == "header"],
    }
    paths["/v1/wagers"]["post"] = hot
    refusals = {status: answer for status, answer in place["responses"].items() if status != "200"}
    paths["/v1/commands"] = {
        "post": {
            "tags": ["Commands"],
            "operationId": "commands",
            "summary": "Up to 1,000 commands at once",
            "description": "A line of JSON for each command; a line for each outcome, in the same order.",
            "requestBody": {"required": True, "content": {"application/x-ndjson": {"schema": line}}},
            "responses": {
                "200": {
                    "description": "An outcome for each line.",
                    "content": {"application/x-ndjson": {"schema": {}}},
                },
                **refusals,
            },
        }
    }
    about = "\n".join(f"- `{topic.name}`: {topic.about} Needs `{topic.needs}`." for topic in topics)
    paths["/v1/stream"] = {
        "get": {
            "tags": ["Live stream"],
            "operationId": "stream",
            "summary": "The live stream, as server-sent events",
            "description": f"Events: image, delta, heartbeat, reset. Topics:\n\n{about}",
            "parameters": [
                {"name": "topics", "in": "query", "required": True, "schema": {"type": "string"},
                 "description": "Names, with commas between."},
                {"name": "node", "in": "query", "schema": {"type": "string", "maxLength": 64},
                 "description": "Only what concerns this agent of one's subtree, and those below."},
                {"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"},
                 "description": "The id of the last frame: the stream goes on from there if nothing is missing."},
            ],
            "responses": {
                "200": {"description": "Frames.", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
                **refusals,
            },
        }
    }  # fmt: skip


PAGE_POLICY = (
    b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page has a style of its own, and needs nothing else."""

STYLE = """
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:56rem;margin:2rem auto;padding:0 1rem}
summary{cursor:pointer;padding:.35rem 0;border-bottom:1px solid #8884}
code,pre{font:.85rem/1.45 ui-monospace,monospace}
pre{overflow:auto;padding:.75rem;background:#8881;border-radius:.4rem;white-space:pre-wrap}
.method{display:inline-block;width:3.5rem;font-weight:700}
.about{color:#777}
"""


def documentation_page(document: Document) -> bytes:
    """The document as a page: every operation with its parameters, body and description."""
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = operation.get("tags", ["Other"])[0]
            groups.setdefault(tag, []).append(operation_html(document, path, method, operation))
    body = "".join(f"<h2>{escape(tag)}</h2>{''.join(operations)}" for tag, operations in sorted(groups.items()))
    title = f"Runline {escape(document['info']['version'])}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}: API</title><style>{STYLE}</style><h1>{title}</h1>"
        f"<p>{escape(document['info']['description'])} "
        f'<a href="/v1/schema/openapi.json">OpenAPI {escape(document["openapi"])}</a></p>{body}</html>'
    ).encode()


def operation_html(document: Document, path: str, method: str, operation: Document) -> str:
    """One operation, folded."""
    parts = [f"<pre>{escape(operation.get('description', ''))}</pre>"]
    for parameter in operation.get("parameters", ()):
        about = parameter.get("description", "")
        parts.append(f"<p><code>{escape(parameter['name'])}</code> ({escape(parameter['in'])}) {escape(about)}</p>")
    content = operation.get("requestBody", {}).get("content", {})
    for kind, body in content.items():
        parts.append(f"<p>Body, {escape(kind)}:</p><pre>{escape(fields_text(document, body['schema']))}</pre>")
    summary = operation.get("summary", "")
    return (
        f'<details><summary><span class="method">{escape(method.upper())}</span> <code>{escape(path)}</code> '
        f'<span class="about">{escape(summary)}</span></summary>{"".join(parts)}</details>'
    )


def fields_text(document: Document, schema: Document) -> str:
    """The fields of a body, a line each."""
    name = schema.get("$ref", "").rpartition("/")[2]
    found = document["components"]["schemas"].get(name, schema)
    required = found.get("required", [])
    return "\n".join(
        f"{field}: {type_text(kind)}{'' if field in required else ' (optional)'}"
        for field, kind in found.get("properties", {}).items()
    )


def type_text(schema: Document) -> str:
    """A type in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(type_text(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {type_text(schema.get('items', {}))}" if schema.get("items") else "list"
    return str(schema.get("type", "anything"))
