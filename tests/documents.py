"""The documents of the contract, and whether a value is what they say.

They leave the objects of answers open, so that members may be added; here they are closed, so that none is forgotten.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import orjson
from jsonschema_rs import Draft202012Validator

from config.documents.schemas import ALL

DOCS = Path(__file__).parents[1] / "docs"


@cache
def document(name: str) -> dict[str, Any]:
    """openapi or asyncapi, as it is committed."""
    found: dict[str, Any] = orjson.loads((DOCS / f"{name}.json").read_bytes())
    return found


def closed(schema: object) -> Any:
    """The schema with no room for members that it does not name."""
    if isinstance(schema, Mapping):
        inner = {name: closed(one) for name, one in schema.items()}
        if schema.get("type") == "object" and "properties" in schema:
            inner.setdefault("additionalProperties", False)
        return inner
    return [closed(one) for one in schema] if isinstance(schema, list | tuple) else schema


def validator(schema: Mapping[str, object], *, as_it_is: bool = False) -> Draft202012Validator:
    """For values of a schema that may refer to those of the documents; closed, unless it is taken as it is."""
    whole = {**schema, "components": {"schemas": ALL}}
    # orjson turns the tuples of the code into the lists of JSON.
    return Draft202012Validator(orjson.loads(orjson.dumps(whole if as_it_is else closed(whole))), validate_formats=True)


@cache
def _of_component(name: str) -> Draft202012Validator:
    return validator({"$ref": f"#/components/schemas/{name}"})


def faults_of(name: str, value: object) -> list[str]:
    """What keeps the value from being one of the schema of this name."""
    return told(_of_component(name), value)


def told(judge: Draft202012Validator, value: object) -> list[str]:
    """Every fault with its place."""
    return [f"{'/'.join(map(str, fault.instance_path))}: {fault.message}" for fault in judge.iter_errors(value)]


def answer_faults(path: str, method: str, status: int, body: bytes) -> list[str]:
    """What keeps a JSON body from being the answer of this route; so does a status that is not named."""
    content = _answer(path, method, status)
    if content is None or status == 500:
        return [f"{status} is no answer to give"]
    if not content:
        return [f"{status} has a body"] if body else []
    if "application/json" not in content or not body:
        return []
    return told(_of_answer(path, method, status), orjson.loads(body))


def _answer(path: str, method: str, status: int) -> dict[str, Any] | None:
    answer = document("openapi")["paths"][path][method.lower()]["responses"].get(str(status))
    if answer is not None and "$ref" in answer:
        answer = document("openapi")["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    return None if answer is None else answer.get("content", {})


@cache
def _of_answer(path: str, method: str, status: int) -> Draft202012Validator:
    content = _answer(path, method, status)
    assert content, (path, method, status)
    return validator(cast(Mapping[str, object], content["application/json"]["schema"]))
