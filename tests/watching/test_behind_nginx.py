"""Streams behind a proxy with the settings that docs/streaming.md names (S12)."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.integration.runs.conftest import append, end, store_run
from tests.processes import wait_until
from tests.runtime_process import free_port
from tests.watching.web import AUTHORIZED, WebProcess

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("logs are written by hand: what reads them is tested"),
]
NGINX = os.environ.get("NGINX", "/usr/sbin/nginx")
CONFIGURATION = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off; gzip on;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{web}; proxy_buffering off; proxy_read_timeout 1h; proxy_http_version 1.1;
      proxy_set_header Host $host:$server_port; proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
    }}
  }}
  map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
}}
"""


@pytest.fixture
def proxy(web: WebProcess, tmp_path: Path) -> Iterator[int]:
    """The port of an nginx before the web process."""
    if shutil.which(NGINX) is None:
        if os.environ.get("REQUIRE_NGINX"):
            pytest.fail("REQUIRE_NGINX is set and there is no nginx")
        pytest.skip("there is no nginx (Debian: apt-get install nginx-light; NGINX names another)")
    port = free_port()
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=tmp_path, port=port, web=web.port))
    process = subprocess.Popen([NGINX, "-p", str(tmp_path), "-c", str(configuration)], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: answers(port), within_s=15, what="nginx")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).is_success
    except httpx.TransportError:
        return False


def test_each_event_comes_through_when_it_happens_and_is_not_held_back_s12(proxy: int) -> None:
    run = store_run()
    append(run)
    address = f"http://127.0.0.1:{proxy}/runs/{run.id}/stream?afterSeq=0&includeSnapshot=false"
    with httpx.stream("GET", address, headers=AUTHORIZED, trust_env=False, timeout=15) as answer:
        assert "content-encoding" not in answer.headers
        chunks = answer.iter_bytes()
        read = b""
        # It should come without anything after it that pushes it through.
        for seq in range(1, 6):
            while b"\nid: %d\n" % seq not in read or not read.endswith(b"\n\n"):
                read += next(chunks)
            append(run)
        end(run)
        read += b"".join(chunks)
    assert read.count(b"event: canonical_event\n") == 7
    assert b"\nevent: end\n" in read


async def test_a_websocket_comes_through_s12(proxy: int) -> None:
    run = await asyncio.to_thread(store_run)
    address = f"ws://127.0.0.1:{proxy}/ws/runs/{run.id}?afterSeq=0&includeSnapshot=false"
    async with connect(address, additional_headers=AUTHORIZED, proxy=None) as socket, asyncio.timeout(15):
        await asyncio.to_thread(append, run)
        assert '"id":1,' in await socket.recv()
        await asyncio.to_thread(end, run)
        assert '"id":2,' in await socket.recv()
        assert '"type":"end"' in await socket.recv()
        await socket.wait_closed()
    assert socket.close_code == 1000
