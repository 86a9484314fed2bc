"""Building blocks of schemas (JSON Schema, as OpenAPI 3.1 and AsyncAPI 3 have it).

Objects of answers are open, so that a member may be added; bodies of requests are closed (`closed`).
"""

from collections.abc import Iterable, Mapping

from runs.api.members import LONGEST_NAME

Schema = Mapping[str, object]

TEXT: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "minLength": 1}
UUID: Schema = {"type": "string", "format": "uuid"}
MOMENT: Schema = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
}
BOOLEAN: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
FREE: Schema = {"type": "object", "additionalProperties": True}
TEXTS: Schema = {"type": "array", "items": TEXT}
SEQ: Schema = {"type": "integer", "minimum": 1}


def shape(always: Mapping[str, Schema], **sometimes: Schema) -> Schema:
    """An object that has `always`, and `sometimes` too."""
    return {"type": "object", "required": list(always), "properties": {**always, **sometimes}}


def closed(required: tuple[str, ...] = (), **members: Schema) -> Schema:
    """An object of these members and no others."""
    schema: dict[str, object] = {"type": "object", "additionalProperties": False, "properties": members}
    return schema | ({"required": list(required)} if required else {})


def text(*, longest: int = LONGEST_NAME, shortest: int = 0) -> Schema:
    """A text of so many characters."""
    return {"type": "string", "maxLength": longest} | ({"minLength": shortest} if shortest else {})


def whole(least: int, most: int) -> Schema:
    """A whole number with its bounds."""
    return {"type": "integer", "minimum": least, "maximum": most}


def word(allowed: Iterable[str]) -> Schema:
    """One of these words."""
    return {"type": "string", "enum": list(allowed)}


def fixed(value: object) -> Schema:
    """This and nothing else."""
    return {"const": value}


def listed(items: Schema, *, most: int | None = None) -> Schema:
    """A list of such items."""
    return {"type": "array", "items": items} | ({} if most is None else {"maxItems": most})


def ref(name: str) -> Schema:
    """The schema that both documents keep under this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    kind = schema.get("type")
    if not isinstance(kind, str) or "enum" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [kind, "null"]}


def either(*schemas: Schema) -> Schema:
    """One of these."""
    return {"anyOf": list(schemas)}


def page_of(items: Schema) -> Schema:
    """One page of a list."""
    return shape({"data": listed(items), "total": COUNT, "limit": SEQ, "offset": COUNT})
