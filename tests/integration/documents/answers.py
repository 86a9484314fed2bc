"""Routes as the document names them."""

import re

from tests.routes import Route


def documented(route: Route) -> str:
    """Its address as the document has it."""
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.path)
