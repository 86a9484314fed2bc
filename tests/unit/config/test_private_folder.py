"""Folders below /var/tmp are shared with other local users, who must not be able to slip anything in."""

import os
import stat
from pathlib import Path

import pytest

from config import private_folder
from config.private_folder import UnsafeFolder, fill_once, new_private_folder


@pytest.fixture(autouse=True)
def base(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(private_folder, "BASE", tmp_path)
    return tmp_path


def fill(folder: Path) -> None:
    (folder / "inside").mkdir(mode=0o700)
    (folder / "inside" / "program").write_text("x")
    (folder / "inside" / "program").chmod(0o700)


def test_a_folder_is_filled_once_and_found_again(base: Path) -> None:
    folder = fill_once("copy", fill)
    (folder / "mark").touch()
    assert fill_once("copy", fill) == folder == base / "copy"
    assert (folder / "mark").exists()
    assert os.listdir(base) == ["copy"]


def test_others_may_read_what_was_filled_but_not_write_it() -> None:
    folder = fill_once("copy", fill)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "inside", folder / "inside" / "program")]
    assert modes == [0o755] * 3


def test_a_folder_that_others_may_write_is_refused(base: Path) -> None:
    (base / "copy").mkdir()
    (base / "copy").chmod(0o777)
    with pytest.raises(UnsafeFolder, match="not ours alone"):
        fill_once("copy", fill)


@pytest.mark.parametrize("target", ["elsewhere", "nowhere"])
def test_a_link_in_its_place_is_refused(base: Path, target: str) -> None:
    (base / "elsewhere").mkdir()
    (base / "copy").symlink_to(base / target)
    with pytest.raises(UnsafeFolder):
        fill_once("copy", fill)


def test_a_failure_while_filling_leaves_nothing(base: Path) -> None:
    def fail(folder: Path) -> None:
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError):
        fill_once("copy", fail)
    assert os.listdir(base) == []


def test_a_new_private_folder_can_be_passed_but_neither_listed_nor_written_by_others() -> None:
    folder = new_private_folder()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o711
    assert new_private_folder() != folder
