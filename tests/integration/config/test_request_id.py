from uuid import UUID

import pytest
from django.test import AsyncClient, Client


@pytest.mark.parametrize("given", ["req-1", "0" * 128, "~!@#$%^&*()"])
def test_a_sane_id_is_echoed(given: str, client: Client) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": given})["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "0" * 129, "two words", "tab\there", "ümlaut", "line\nfeed"])
def test_any_other_id_is_replaced_by_a_uuid(given: str, client: Client) -> None:
    UUID(client.get("/healthz", headers={"X-Request-Id": given})["X-Request-Id"])


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/plain/anything", "/plain-async", "/stream", "/static/x"])
async def test_every_answer_has_an_id_of_its_own(path: str, async_client: AsyncClient) -> None:
    ids = {(await async_client.get(path))["X-Request-Id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(UUID(request_id) for request_id in ids)


async def test_a_stream_passes_the_chain_as_a_stream(async_client: AsyncClient) -> None:
    response = await async_client.get("/stream")
    assert response.is_async
    assert [frame async for frame in response.streaming_content] == [b"one ", b"two"]
