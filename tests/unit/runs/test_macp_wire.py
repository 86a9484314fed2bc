"""The typed vocabulary says what the published package is."""

import ast
from pathlib import Path

from runs.runtimes.macp import wire

STUB = ast.parse(Path(wire.__file__).with_suffix(".pyi").read_text())


def _stubbed_messages() -> dict[str, ast.ClassDef]:
    return {
        node.name: node
        for node in STUB.body
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Message" for base in node.bases)
    }


def _fields(stub: ast.ClassDef) -> set[str]:
    declared = {
        node.target.id for node in stub.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    built = {
        argument.arg
        for node in stub.body
        if isinstance(node, ast.FunctionDef) and node.name == "__init__"
        for argument in node.args.kwonlyargs
    }
    return declared | built


def test_every_stubbed_field_is_a_field_of_the_message() -> None:
    for name, stub in _stubbed_messages().items():
        if hasattr(wire, name):
            real = {field.name for field in getattr(wire, name).DESCRIPTOR.fields}
            assert _fields(stub) <= real, name


def test_every_message_the_module_exports_is_stubbed() -> None:
    exported = {name for name, known in vars(wire).items() if hasattr(known, "DESCRIPTOR")} - {
        "Message",
        "SessionState",
    }

    assert exported <= set(_stubbed_messages())
