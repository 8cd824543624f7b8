"""Door: what a body must be before it is a command: of its shape, and none of its pieces too large.

A shape is a schema as JSON has it, which says of each command its fields; whoever asks hands it in.
"""

from typing import Any

from runline.simulate.oracle.answers import Refused

PIECE_MOST = 512

Schema = dict[str, Any]


def require_body(schema: Schema, body: Any) -> None:
    """Refuse what is no body of a command. Raises Refused `malformed_command`, `too_long`, `too_many`."""
    if not is_of(schema, schema, body):
        raise Refused("malformed_command")
    require_pieces(schema, schema, body, "")


def resolved(root: Schema, schema: Schema) -> Schema:
    """What a reference is about."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def is_of(root: Schema, schema: Schema, value: Any) -> bool:
    """Whether a value is of a shape. True and false are no numbers, and 1.0 is no whole one."""
    schema = resolved(root, schema)
    if "anyOf" in schema:
        return any(is_of(root, one, value) for one in schema["anyOf"])
    if "enum" in schema:
        return isinstance(value, str) and value in schema["enum"]
    kind = schema["type"]
    if kind == "object":
        known, needed = schema["properties"], schema["required"]
        return (
            isinstance(value, dict)
            and all(name in value for name in needed)
            and all(name in known and is_of(root, known[name], piece) for name, piece in value.items())
        )
    if kind == "array":
        return isinstance(value, list | tuple) and are_of(root, schema, value)
    types = {"string": str, "boolean": bool, "null": type(None), "integer": int}
    return isinstance(value, types[kind]) and not (kind == "integer" and isinstance(value, bool))


def are_of(root: Schema, schema: Schema, items: Any) -> bool:
    """Whether the items of a list are of their shapes, and as many as there must be."""
    first = schema.get("prefixItems", [])
    if not schema.get("minItems", 0) <= len(items) <= schema.get("maxItems", len(items)):
        return False
    shapes = [*first, *[schema.get("items")] * len(items)]
    return all(isinstance(one, dict) and is_of(root, one, item) for one, item in zip(shapes, items, strict=False))


def require_pieces(root: Schema, schema: Schema, value: Any, name: str) -> None:
    """Refuse a text or a list that is larger than any may be, in the order of the fields; names the first."""
    schema = resolved(root, schema)
    if isinstance(value, str) and len(value) > PIECE_MOST:
        raise Refused("too_long", field=name, most=PIECE_MOST)
    if isinstance(value, list | tuple):
        if len(value) > PIECE_MOST:
            raise Refused("too_many", field=name, most=PIECE_MOST)
        for item in value:
            require_pieces(root, schema.get("items") or {}, item, name)
    if isinstance(value, dict):
        shape: Schema = next((one for one in shapes_of(root, schema) if "properties" in one), {})
        for field, inner in shape.get("properties", {}).items():
            if field in value:
                require_pieces(root, inner, value[field], field)


def shapes_of(root: Schema, schema: Schema) -> list[Schema]:
    """A shape, or those of which a value may be of any."""
    return [resolved(root, one) for one in schema.get("anyOf", [schema])]
