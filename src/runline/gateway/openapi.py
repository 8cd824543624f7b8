"""OpenAPI: the document of all routes, made from what is declared: operations, commands, events, queries, topics.

Rule: every property and every parameter says what it is, in which unit, and has an example; `fields.py` knows them. Events
are told apart by their `type`, frames of the live stream by their `event`.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from runline import __version__
from runline.domain.messages import Event
from runline.domain.times import sibling, with_times
from runline.domain.vocabulary import Vocabulary
from runline.gateway.answers import RefusalBody, status_of
from runline.gateway.bodies import Alive
from runline.gateway.door import CommandLine
from runline.gateway.fields import about_field, example, example_of, structs_of, text_of
from runline.gateway.frames import FRAMES
from runline.gateway.operations import Operation
from runline.gateway.refusing import ANY_ANSWER, SIGNED, WITH_BODY

REFERENCE = "#/components/schemas/{name}"

Document = dict[str, Any]

ABOUT = """A real-time sportsbook execution engine: what is asked is answered at a position of a stream, and every answer says
which.

**Signing in.** `POST /v1/sign-in` with a book's id (or `house`), a user and a password gives a token, to be sent as
`Authorization: Bearer …`. Browsers that sign in with `"kind": "screen"` get a cookie instead.

**Commands.** `POST` with the fields as the body, and an `idempotency-key`: sent again under the same key, a command is
executed once. With `preview=true` it is only decided.

**Queries.** `GET`; a page, whose `next` is the next page's `after`. With `Accept: text/csv` the answer has all rows, or as
many as `limit` says, as CSV: its heads are the names of the fields, and what begins like a formula has an apostrophe before
it. An answer that ends is whole: one that would be longer than 100,000 rows, or that fails on the way, is broken off.

**Live.** `GET /v1/stream` sends frames as server-sent events: an image, then what changes.

**Times.** A field `start_ns` is in UTC nanoseconds, more than JavaScript and jq can hold exactly; right after it `start_at` is
the same in ISO 8601.

**Refusals.** Every refusal has a stable `code`, a sentence, the values that help, and the `request_id`, which every answer has
in its head as `x-request-id`; a request may bring one of its own there. A parameter that a route does not know is refused.
"""

TAGS = {
    "Signing in": "Sessions and passwords.",
    "Commands": "What is done, each executed once and in order.",
    "Queries": "What is so, at a position.",
    "Live stream": "What changes, as it changes.",
    "Health": "Whether Runline is well, and what time it is.",
}

SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of a session, from `POST /v1/sign-in`. It ends when the session does, at every door at once.",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "runline",
        "description": "The cookie of a screen, set by signing in with `kind` screen (`__Host-runline` where browsers come by "
        "TLS). Commands with it are taken from Runline's own pages only.",
    },
}

ID_HEADER: Document = {
    "name": "x-request-id",
    "in": "header",
    "required": False,
    "description": "An id of the sender's for this request: letters, digits and `. _ : / + = @ -`, at most 64. It is in the "
    "answer's head, in a refusal's body, and in Runline's log where a fault is noted. Without it one is made.",
    "schema": {"type": "string", "maxLength": 64},
    "example": "checkout-7f3a",
}

ANSWERED_ID: Document = {
    "x-request-id": {
        "description": "The request's id: the sender's, or one of ours.",
        "schema": {"type": "string"},
        "example": "3f9c21d4-1a-7",
    }
}


def make_document(vocabulary: Vocabulary, operations: Iterable[Operation]) -> Document:
    """The OpenAPI 3.1 document."""
    listed = list(operations)
    kinds = dict.fromkeys(kind for one in listed for kind in types_of(one))
    events = list(vocabulary.events.values())
    roots = [*kinds, *events, RefusalBody, CommandLine, Alive, *FRAMES.values()]
    _, schemas = msgspec.json.schema_components(roots, ref_template=REFERENCE)
    sent = structs_of(*(one.body for one in listed if one.body is not None), CommandLine)
    for struct in structs_of(*roots):
        schema = schemas.get(struct.__name__)
        if schema is not None and "properties" in schema:
            describe(struct, schema, times=struct not in sent)
    type_events(schemas, events)
    type_frames(schemas)
    paths: Document = {}
    for one in listed:
        paths.setdefault(one.path, {})[one.method.lower()] = operation_of(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Runline", "version": __version__, "description": ABOUT},
        "tags": [{"name": name, "description": about} for name, about in TAGS.items()],
        "servers": [{"url": "/", "description": "Where this document is from."}],
        "security": [{"token": []}, {"cookie": []}],
        "paths": paths,
        "components": {"schemas": dict(sorted(schemas.items())), "securitySchemes": SCHEMES},
    }


def types_of(operation: Operation) -> list[type[msgspec.Struct]]:
    """The Structs that an operation is sent and answers."""
    answered = [kind for kind in operation.answers.values() if isinstance(kind, type) and kind is not str]
    return [*([operation.body] if operation.body is not None else []), *answered]


def describe(struct: type[msgspec.Struct], schema: Document, *, times: bool) -> None:
    """Say what each property is. times: whether there are texts beside its times, as in whatever is answered."""
    schema["description"] = text_of(struct) or struct.__name__
    properties: Document = {}
    for field in msgspec.structs.fields(struct):
        found = dict(schema["properties"][field.encode_name])
        if list(found) == ["$ref"]:
            found = {"allOf": [found]}
        found["description"] = about_field(struct, field.name, sent=not times)
        value = example_of(field.name, field.type, (struct,))
        found["examples"] = [answered(value) if times else value]
        properties[field.encode_name] = found
        beside = sibling(field.encode_name)
        if times and beside:
            properties[beside] = {
                "type": ["string", "null"],
                "format": "date-time",
                "description": f"`{field.encode_name}` as text: ISO 8601, UTC, to the nanosecond; null where there is no time.",
                "examples": ["2026-09-13T17:00:00.000000000Z"],
            }
            if field.encode_name in schema.get("required", ()):
                schema["required"].append(beside)
    schema["properties"] = properties


def answered(value: Any) -> Any:
    """An example as it is answered: with the texts beside its times."""
    return msgspec.json.decode(with_times(msgspec.json.encode(value)))


def one_of(names: Iterable[str], by: str, about: str, values: Mapping[str, str] | None = None) -> Document:
    """One of several, told apart by a property."""
    references = {name: REFERENCE.format(name=name) for name in names}
    mapping = {(values or {}).get(name, name): reference for name, reference in references.items()}
    return {
        "description": about,
        "oneOf": [{"$ref": reference} for reference in references.values()],
        "discriminator": {"propertyName": by, "mapping": mapping},
    }


def type_events(schemas: Document, events: list[type[Event]]) -> None:
    """Give each event its `type`, and what has events one of them."""
    for event in events:
        schema = schemas[event.__name__]
        told = {
            "type": "string",
            "const": event.__name__,
            "description": "The type of the event, by which it is told from all others.",
            "examples": [event.__name__],
        }
        properties = schema.get("properties", {})
        schema["properties"] = {
            "type": told,
            **{name: one for name, one in properties.items() if name not in event.secret},
        }
        # (A secret field has a default: it is required nowhere.)
        schema["required"] = ["type", *schema.get("required", [])]
        schema["description"] = f"{text_of(event)}\n\nShown to whoever has `{event.shown_to}`."
    schemas["CommandOutcome"] = {
        "description": "The outcome of a line: what was executed, or why it was refused.",
        "oneOf": [{"$ref": REFERENCE.format(name=name)} for name in ("CommandAnswer", "RefusalBody")],
    }
    schemas["Event"] = one_of((event.__name__ for event in events), "type", "What happened, by its `type`.")
    reference = {"$ref": REFERENCE.format(name="Event")}
    for name in ("LogRow", "EntryFact", "NoticeFact"):
        schemas[name]["properties"]["event"] |= {"allOf": [reference]}
    schemas["CommandAnswer"]["properties"]["events"]["items"] = reference
    schemas["CommandLine"]["properties"]["command"] |= {
        "type": "object",
        "examples": [{"wager": 4711, "reason": "keyed wrong"}],
    }


def type_frames(schemas: Document) -> None:
    """Give the frames of the live stream what tells them apart."""
    names = {kind.__name__: name for name, kind in FRAMES.items()}
    for kind, name in names.items():
        schemas[kind]["properties"]["event"] |= {"const": name, "examples": [name]}
    schemas["Frame"] = one_of(names, "event", "A frame of the live stream, by its `event`.", names)


def operation_of(operation: Operation) -> Document:
    """An operation of the document."""
    told: Document = {
        "tags": [operation.tag],
        "operationId": operation.name,
        "summary": operation.summary,
        "description": operation.about or operation.summary,
        "parameters": parameters_of(operation),
        "responses": responses_of(operation),
    }
    if operation.body is not None:
        body = {"schema": {"$ref": REFERENCE.format(name=operation.body.__name__)}}
        body["example"] = example(operation.body)
        told["requestBody"] = {"required": True, "content": {operation.body_content: body}}
    if not operation.signed:
        told["security"] = []
    return told


def parameters_of(operation: Operation) -> list[Document]:
    """The parameters of an operation: those of the query string, and headers."""
    found: list[Document] = []
    for field in msgspec.structs.fields(operation.takes):
        schema = msgspec.json.schema(field.type)
        if not field.required:
            schema["default"] = field.default
        found.append(
            {
                "name": field.encode_name,
                "in": "query",
                "required": field.required,
                "description": about_field(operation.takes, field.name),
                "schema": schema,
                "example": example_of(field.name, field.type, (operation.takes,)),
            }
        )
    found += [
        {
            "name": header.name,
            "in": "header",
            "required": False,
            "description": header.about,
            "schema": {"type": "string", "maxLength": header.longest},
            "example": header.example,
        }
        for header in operation.headers
    ]
    return [*found, ID_HEADER]


def codes_of(operation: Operation) -> dict[int, list[str]]:
    """With which codes an operation may refuse, by status."""
    codes = [*ANY_ANSWER, *(SIGNED if operation.signed else ()), *operation.codes]
    if operation.method == "POST":
        codes += WITH_BODY
    found: dict[int, list[str]] = {}
    for code in sorted(dict.fromkeys(codes)):
        found.setdefault(status_of(code), []).append(code)
    return dict(sorted(found.items()))


def responses_of(operation: Operation) -> Document:
    """The answers of an operation, by status."""
    content: Document = {}
    for kind, answer in operation.answers.items():
        if answer is str:
            content[kind] = {
                "schema": {"type": "string", "description": "A head with the names of the fields, then a line a row."}
            }
        elif isinstance(answer, str):
            content[kind] = {"schema": {"$ref": REFERENCE.format(name=answer)}}
        else:
            content[kind] = {
                "schema": {"$ref": REFERENCE.format(name=answer.__name__)},
                "example": answered(example(answer)),
            }
    found: Document = {"200": {"description": "It is so.", "headers": ANSWERED_ID, "content": content}}
    if operation.empty:
        found["204"] = {"description": operation.empty, "headers": ANSWERED_ID}
    refused = {"$ref": REFERENCE.format(name="RefusalBody")}
    for status, codes in codes_of(operation).items():
        examples = {
            code: {
                "value": {
                    "error": {"code": code, "message": "Why, in a sentence.", "details": {}},
                    "position": 0,
                    "request_id": "3f9c21d4-1a-7",
                }
            }
            for code in codes
        }
        found[str(status)] = {
            "description": f"{HTTPStatus(status).phrase}: {', '.join(f'`{code}`' for code in codes)}.",
            "headers": ANSWERED_ID,
            "content": {"application/json": {"schema": refused, "examples": examples}},
        }
    if operation.name == "ready":
        alive = {"$ref": REFERENCE.format(name="Alive")}
        found["503"]["content"]["application/json"] = {
            "schema": alive,
            "example": {"ready": False, "failing": ["store"]},
        }
    return found
