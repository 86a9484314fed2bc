import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.first_key import development_key, ensure_development_key
from config.generated_secrets import ensure_secret, read_secret


def test_a_secret_is_made_once_and_then_read(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert ensure_secret(data, "SECRET_KEY", lambda: "first") == ("first", True)
    assert ensure_secret(data, "SECRET_KEY", lambda: "second") == ("first", False)
    assert read_secret(data, "SECRET_KEY") == "first"


def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    ensure_secret(tmp_path / "data", "SECRET_KEY", lambda: "hush")
    assert stat.S_IMODE((tmp_path / "data" / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) & 0o077 == 0


def test_a_second_secret_leaves_the_first_alone(tmp_path: Path) -> None:
    ensure_secret(tmp_path, "SECRET_KEY", lambda: "a")
    key, _ = ensure_development_key(tmp_path)
    assert json.loads((tmp_path / "secrets.json").read_text()) == {"DEVELOPMENT_API_KEY": key, "SECRET_KEY": "a"}


def test_many_that_start_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda n: ensure_secret(tmp_path, "SECRET_KEY", lambda: f"secret-{n}"), range(64)))

    assert len({secret for secret, _ in made}) == 1
    assert [new for _, new in made].count(True) == 1
    # It should leave nothing half-written behind.
    assert sorted(os.listdir(tmp_path)) == ["secrets.json", "secrets.lock"]


def test_a_damaged_file_stops_the_start_and_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{canary")
    with pytest.raises(ImproperlyConfigured, match=r"is not JSON; repair or remove it$"):
        ensure_secret(tmp_path, "SECRET_KEY", lambda: "new")
    assert (tmp_path / "secrets.json").read_text() == "{canary"


def test_a_folder_that_cannot_be_made_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secrets.lock").mkdir()
    with pytest.raises(ImproperlyConfigured, match=r"cannot be written: .*set SECRET_KEY$"):
        ensure_secret(tmp_path / "data", "SECRET_KEY", lambda: "new")


def test_the_first_key_survives_a_restart(tmp_path: Path) -> None:
    assert development_key(tmp_path) is None
    key, new = ensure_development_key(tmp_path)
    assert new
    assert len(key) > 40
    assert ensure_development_key(tmp_path) == (key, False)
    assert development_key(tmp_path) == key
