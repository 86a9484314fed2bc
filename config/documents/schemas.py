"""The schemas of both documents; each keeps those it refers to."""

from collections.abc import Iterator, Mapping

from config.documents import faults
from config.documents.examples import EXAMPLES
from insights.api import schemas as insights
from runs.api.schemas import catalogue
from runs.api.schemas.shapes import Schema
from webhooks.api import schemas as webhooks

ALL: dict[str, Schema] = {
    name: {**schema, "examples": [EXAMPLES[name]]} if name in EXAMPLES else schema
    for name, schema in {**catalogue.SCHEMAS, **insights.SCHEMAS, **webhooks.SCHEMAS, **faults.SCHEMAS}.items()
}


def schemas_of(document: object) -> dict[str, Schema]:
    """Those that the document refers to, and those that they refer to."""
    kept: dict[str, Schema] = {}
    wanted = list(names_in(document, "schemas"))
    while wanted:
        name = wanted.pop()
        if name not in kept:
            kept[name] = ALL[name]
            wanted += names_in(ALL[name], "schemas")
    return dict(sorted(kept.items()))


def names_in(value: object, kind: str) -> Iterator[str]:
    """The names of the components of this kind that `value` refers to, as often as it does."""
    prefix = f"#/components/{kind}/"
    if isinstance(value, Mapping):
        target = value.get("$ref")
        if isinstance(target, str) and target.startswith(prefix):
            yield target.removeprefix(prefix)
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    for one in inner:
        yield from names_in(one, kind)
