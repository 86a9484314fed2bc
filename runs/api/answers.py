"""Answers: documents that are written once, with stored JSON passed through as it is."""

import orjson
from django.http import HttpResponse

JSON = "application/json"


def answer(document: object, status: int = 200) -> HttpResponse:
    """`document` as JSON; `orjson.Fragment`s in it keep their bytes."""
    return HttpResponse(orjson.dumps(document), status=status, content_type=JSON)


def answer_text(text: bytes) -> HttpResponse:
    """JSON text as it is stored."""
    return HttpResponse(text, content_type=JSON)
