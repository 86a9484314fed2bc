import pytest
from django.test import Client

from runs.version import VERSION


def test_the_description_of_the_routes_names_the_version_and_writes_nothing_past_the_log(
    client: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    assert client.get("/docs-json?format=json").json()["info"]["version"] == VERSION
    assert capfd.readouterr().err == ""
