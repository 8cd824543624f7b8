"""The OpenAPI document: whole, in words, with an example everywhere, and its page."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlencode

import msgspec
import pytest
from jsonschema_rs import validator_for
from tests.doubles.plain import VOCABULARY
from tests.unit.test_routes import EVERY_OPERATION

from runline.domain.grading import SIDES
from runline.gateway.documentation import SCRIPT, SCRIPT_DIGEST, documentation_page
from runline.gateway.door import CommandLine, decoded, path_name, public_commands
from runline.gateway.fields import about_field, example_of, said_of, structs_of
from runline.gateway.frames import FRAMES
from runline.gateway.openapi import codes_of, make_document, parameters_of
from runline.gateway.parameters import parameters
from runline.gateway.refusing import refusals_of

ROOT = Path(__file__).parents[2]
DOCUMENT = make_document(VOCABULARY, EVERY_OPERATION)
OPERATIONS = [
    pytest.param(path, method, operation, id=operation["operationId"])
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def declared_structs():
    """The Structs of commands, queries, rows, events and frames, and what they are made of."""
    queries = [kind for query in VOCABULARY.queries.values() for kind in (query.asked, query.row)]
    return structs_of(
        *public_commands(VOCABULARY), *queries, *VOCABULARY.events.values(), CommandLine, *FRAMES.values()
    )


FIELDS = [(kind, field) for kind in declared_structs() for field in msgspec.structs.fields(kind)]


def walk(value: Any, path: str = "") -> Any:
    """(path, value) of every object and list within."""
    if isinstance(value, dict):
        yield path, value
        for name, one in value.items():
            yield from walk(one, f"{path}/{name}")
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from walk(one, f"{path}/{number}")


def test_every_property_says_what_it_is_and_has_an_example():
    bare = [
        f"{name}.{field}"
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for field, one in schema.get("properties", {}).items()
        if len(one.get("description", "")) < 4 or not one.get("examples")
    ]
    assert bare == [], "say it in the docstring (`field: what it is.`) or, if it is so everywhere, in gateway/words.py"


def test_every_property_in_a_unit_says_which():
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for field, one in schema.get("properties", {}).items():
            unit = {"_minor": "minor units", "_ns": "nanoseconds", "_quarters": "quarter points", "_cents": "cents"}
            wanted = next((words for end, words in unit.items() if field.endswith(end)), "")
            assert wanted in one["description"], f"{name}.{field}"


def test_every_field_of_commands_queries_rows_and_events_is_described():
    bare = [f"{kind.__name__}.{field.name}" for kind, field in FIELDS if not about_field(kind, field.name)]
    assert bare == [], "say it in the docstring (`field: what it is.`) or, if it is so everywhere, in gateway/words.py"


def test_every_example_is_a_value_of_its_property():
    """Of one with a few values, it is one of these."""
    wrong = []
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for field, one in schema.get("properties", {}).items():
            valid = validator_for({**one, "components": DOCUMENT["components"]})
            wrong += [
                f"{name}.{field}: {error.message}" for value in one["examples"] for error in valid.iter_errors(value)
            ]
    assert wrong == [], "give it an example in gateway/words.py"


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_the_examples_of_answers_are_what_is_answered(path, method, operation):
    for answer in operation["responses"].values():
        for one in answer.get("content", {}).values():
            examples = (
                [one["example"]] if "example" in one else [each["value"] for each in one.get("examples", {}).values()]
            )
            for value in examples:
                validator_for({**one["schema"], "components": DOCUMENT["components"]}).validate(value)


def literals(kind):
    """The values of the Literals in a type."""
    if get_origin(kind) is Literal:
        yield from get_args(kind)
    for one in get_args(kind):
        yield from literals(one)


def test_the_example_of_a_text_is_one_of_the_values_that_a_command_takes_under_that_name():
    """Rows and events say as text what commands declare by its values."""
    known: dict[str, set[str]] = {"side": {side for sides in SIDES.values() for side in sides}}
    for _, field in FIELDS:
        if values := set(literals(field.type)) - {""}:
            known.setdefault(field.name, set()).update(values)
    # Of several meanings each: see the test of each by itself.
    for several in ("kind", "market", "status", "result", "action", "measure"):
        known.pop(several, None)
    wrong = [
        f"{kind.__name__}.{field.name}: {value!r}"
        for kind, field in FIELDS
        if field.name in known and field.type is str
        if (value := example_of(field.name, field.type, (kind,))) not in known[field.name]
    ]
    assert wrong == []


def names_in(field: str, value: Any) -> Any:
    """The texts in an example that are but the name of their field."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from names_in(name, one)
    elif isinstance(value, list):
        for one in value:
            yield from names_in(field, one)
    elif value and value in (field, field.rstrip("s")):
        yield value


def test_no_example_is_but_the_name_of_its_field():
    bare = [
        f"{name}.{field}: {found}"
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for field, one in schema.get("properties", {}).items()
        for found in names_in(field, one["examples"])
        if found != "feed"
    ]
    assert bare == [], "give it an example in gateway/words.py"


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_operation_is_described_with_its_parameters_and_its_refusals(path, method, operation):
    assert re.fullmatch(r"[A-Z][^\n]{3,}[.!?]", operation["summary"]), operation["summary"]
    assert operation["description"]
    assert operation["tags"][0] in {tag["name"] for tag in DOCUMENT["tags"]}
    for parameter in operation["parameters"]:
        assert parameter.keys() >= {"description", "example", "schema"}, parameter
        assert len(parameter["description"]) > 3, parameter
    for status, answer in operation["responses"].items():
        assert answer["description"]
        assert answer["headers"]["x-request-id"]
        if status >= "400" and (path, status) != ("/v1/ready", "503"):
            examples = answer["content"]["application/json"]["examples"]
            assert examples
            assert all(f"`{code}`" in answer["description"] for code in examples)
    if method == "post":
        assert "requestBody" in operation or path == "/v1/sign-out"


@pytest.mark.parametrize("kind", public_commands(VOCABULARY), ids=lambda kind: kind.__name__)
def test_the_example_of_a_command_can_be_sent_as_it_is(kind):
    body = DOCUMENT["paths"][f"/v1/{path_name(kind.__name__)}"]["post"]["requestBody"]["content"]["application/json"]
    assert decoded(msgspec.json.Decoder(kind), msgspec.json.encode(body["example"]))


@pytest.mark.parametrize("operation", EVERY_OPERATION, ids=lambda one: one.name)
def test_the_examples_of_parameters_can_be_asked_for(operation):
    given = {one["name"]: one["example"] for one in parameters_of(operation) if one["in"] == "query"}
    text = urlencode({name: str(value).lower() if value is True else value for name, value in given.items()})
    assert parameters({"query_string": text.encode()}, operation.takes) == msgspec.convert(given, operation.takes)


def test_every_reference_leads_somewhere():
    for path, one in walk(DOCUMENT):
        if "$ref" in one:
            assert one["$ref"].rpartition("/")[2] in DOCUMENT["components"]["schemas"], path
        if isinstance(one.get("discriminator"), dict):
            assert set(one["discriminator"]["mapping"].values()) == {choice["$ref"] for choice in one["oneOf"]}


def test_events_are_told_apart_by_their_type_and_no_secret_is_among_their_fields():
    schemas = DOCUMENT["components"]["schemas"]
    assert set(schemas["Event"]["discriminator"]["mapping"]) == set(VOCABULARY.events)
    for name, kind in VOCABULARY.events.items():
        assert schemas[name]["properties"]["type"]["const"] == name
        assert "type" in schemas[name]["required"]
        assert not set(kind.secret) & set(schemas[name]["properties"])


def test_what_is_answered_has_texts_beside_its_times_and_what_is_sent_has_none():
    schemas = DOCUMENT["components"]["schemas"]
    assert "start_at" in schemas["BoardFixture"]["properties"]
    assert "start_at" in schemas["FixtureCreated"]["properties"]
    assert "start_at" not in schemas["CreateFixture"]["properties"]
    assert "idle_at" not in schemas["SignedIn"]["properties"]


def test_frames_are_told_apart_by_their_event():
    assert set(DOCUMENT["components"]["schemas"]["Frame"]["discriminator"]["mapping"]) == set(FRAMES)
    topics = DOCUMENT["components"]["schemas"]["Topics"]["properties"]
    assert set(topics) == set(VOCABULARY.topics)


def test_a_command_is_documented_with_the_codes_that_deciding_it_may_have():
    assert {"price_changed", "limit_exceeded", "credit_exceeded", "market_suspended"} <= set(
        refusals_of(VOCABULARY, VOCABULARY.commands["PlaceWager"])
    )
    assert {"unknown_player", "amount_invalid", "reason_invalid"} <= set(
        refusals_of(VOCABULARY, VOCABULARY.commands["AdjustCredit"])
    )
    assert set(refusals_of(VOCABULARY, VOCABULARY.commands["CreateLeague"])) == {
        "already_exists",
        "identifier_invalid",
        "too_many",
    }
    place = next(one for one in EVERY_OPERATION if one.name == "PlaceWager")
    assert "price_changed" in codes_of(place)[409]
    assert "command_id_invalid" in codes_of(place)[400]


def test_each_code_of_the_document_is_described():
    rows = [
        line.split("|")[1] for line in (ROOT / "docs" / "codes.md").read_text().splitlines() if line.startswith("| ")
    ]
    known = {code for cell in rows for code in re.findall(r"`([a-z_]+)`", cell)}
    for operation in EVERY_OPERATION:
        codes = {code for several in codes_of(operation).values() for code in several}
        assert codes <= known, operation.name


def test_docstrings_are_read_as_they_are_written():
    class Noun(msgspec.Struct):
        """What it is: a noun.

        first, second: two of
        a kind. third: the last; see fourth.

        fourth: by itself.
        """

        first: str
        second: str
        third: str
        fourth: str

    assert said_of(Noun) == {
        "first": "two of a kind.",
        "second": "two of a kind.",
        "third": "the last; see fourth.",
        "fourth": "by itself.",
    }


class Links(HTMLParser):
    """The places and the links of a page, and what it loads."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if "id" in given:
            self.places.append(given["id"] or "")
        if tag == "a":
            self.links.append(given["href"] or "")
        self.loaded += [given[name] or "" for name in ("src", "srcset", "data", "action") if name in given]


def test_the_page_has_every_operation_with_a_link_and_curl_and_loads_nothing():
    page = documentation_page(DOCUMENT).decode()
    found = Links()
    found.feed(page)
    assert found.loaded == []
    assert len(found.places) == len(set(found.places))
    assert {link[1:] for link in found.links if link.startswith("#")} <= set(found.places)
    assert {link for link in found.links if not link.startswith("#")} == {"/v1/schema/openapi.json"}
    assert {f"operation-{operation.name}" for operation in EVERY_OPERATION} <= set(found.places)
    assert page.count("curl &quot;$RUNLINE/v1/") == len(EVERY_OPERATION)
    assert f"<script>{SCRIPT}</script>" in page
    assert SCRIPT_DIGEST
