"""Every known defect is kept away by a test that quotes its id, in its name or in its docstring."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.architecture.known_defects import OF_WEBHOOKS, REQUIRED

TESTS = Path(__file__).parents[1]
IN_A_NAME = re.compile(r"(?<![a-z0-9])([a-e]\d\d)(?![a-z0-9])")
IN_A_TEXT = re.compile(r"\b([A-E]\d\d)\b")
NOT_RUN = {"skip", "skipif", "xfail"}


class Quote(NamedTuple):
    """A test that is run, and an id that it quotes."""

    id: str
    path: Path
    test: str


def quotes_in(path: Path, source: str) -> Iterator[Quote]:
    """The ids that the tests of this file quote; none of tests that are skipped or expected to fail."""
    module = ast.parse(source)
    if is_not_run(module):
        return
    parents: list[ast.Module | ast.ClassDef] = [module]
    parents += [node for node in module.body if isinstance(node, ast.ClassDef) and node.name.startswith("Test")]
    for parent in parents:
        for node in parent.body:
            is_test = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
            if is_test and not is_not_run(parent) and not is_not_run(node):
                for found in ids_of(node):
                    yield Quote(found, path, node.name)


def ids_of(test: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """What the test quotes."""
    return {found.upper() for found in IN_A_NAME.findall(test.name)} | set(
        IN_A_TEXT.findall(ast.get_docstring(test) or "")
    )


def is_not_run(node: ast.AST) -> bool:
    """True where a mark keeps these tests from being run: a decorator, or `pytestmark` of a module or class."""
    marks = list(getattr(node, "decorator_list", []))
    if isinstance(node, ast.Module | ast.ClassDef):
        for statement in node.body:
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "pytestmark":
                marks.append(statement.value)
    words = {part.attr for mark in marks for part in ast.walk(mark) if isinstance(part, ast.Attribute)}
    return bool(words & NOT_RUN)


def all_quotes() -> list[Quote]:
    """Of every file that is collected."""
    files = (path for path in sorted(TESTS.rglob("test_*.py")) if path != Path(__file__))
    return [quote for path in files for quote in quotes_in(path.relative_to(TESTS), path.read_text())]


@pytest.fixture(scope="module")
def quotes() -> list[Quote]:
    return all_quotes()


@pytest.mark.parametrize("defect", sorted(REQUIRED))
def test_a_known_defect_is_kept_away_by_a_test(defect: str, quotes: list[Quote]) -> None:
    proofs = [quote for quote in quotes if quote.id == defect]
    if defect in OF_WEBHOOKS:
        proofs = [quote for quote in proofs if "webhook" in str(quote.path) or "drain" in str(quote.path)]
    assert proofs, f"{defect}: {REQUIRED[defect]}; no test quotes it"


def test_nobody_quotes_what_is_not_on_the_list(quotes: list[Quote]) -> None:
    assert [quote for quote in quotes if quote.id not in REQUIRED] == []
    assert set(REQUIRED) >= OF_WEBHOOKS


def test_the_list_has_no_hole() -> None:
    last = {"A": 16, "B": 23, "C": 25, "D": 16, "E": 24}
    assert set(REQUIRED) == {f"{part}{n:02}" for part, end in last.items() for n in range(1, end + 1)}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def test_it_holds_a01_l02(): ...", {"A01"}),
        ("async def test_b21_it_holds(): ...", {"B21"}),
        ('def test_it_holds():\n    """Whatever comes (C05, C06)."""', {"C05", "C06"}),
        ("class TestIt:\n    def test_it_holds_d01(self): ...", {"D01"}),
        ("def helper_a01(): ...\nX = 'a01'", set()),
        ("def test_of_a_crab11_and_e100(): ...", set()),
        ("@pytest.mark.skip\ndef test_it_holds_a01(): ...", set()),
        ("@pytest.mark.xfail(reason='not yet')\ndef test_it_holds_a01(): ...", set()),
        ("pytestmark = [pytest.mark.django_db, pytest.mark.skipif(True)]\ndef test_it_holds_a01(): ...", set()),
        ("@pytest.mark.skip\nclass TestIt:\n    def test_it_holds_a01(self): ...", set()),
        ("class TestIt:\n    pytestmark = pytest.mark.skip\n    def test_it_holds_a01(self): ...", set()),
        ("def test_outer():\n    def test_it_holds_a01(): ...", set()),
    ],
)
def test_ids_are_found_in_tests_that_are_run_and_nowhere_else(source: str, found: set[str]) -> None:
    assert {quote.id for quote in quotes_in(Path("test_it.py"), source)} == found
