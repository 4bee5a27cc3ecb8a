"""Where compiled loops are kept, and that a place that takes no files stops nobody from computing."""

import pathlib
import sys

import pytest

from tuodi.batch import kernel

TEXT = "run = len\n"


@pytest.fixture
def name():
    made = "kernel_of_a_test"
    yield made
    sys.modules.pop(made, None)


def test_a_loop_is_kept_for_the_next_run(tmp_path, monkeypatch, name):
    monkeypatch.setenv("TUODI_CACHE", str(tmp_path))
    assert kernel._import(TEXT, name).run is len
    assert [path.name for path in (tmp_path / "kernels").glob("*.py")] == [f"{name}.py"]


def test_without_a_place_of_the_users_own_it_is_kept_for_this_run(tmp_path, monkeypatch, name):
    (tmp_path / "file").write_text("")
    monkeypatch.delenv("TUODI_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    module = kernel._import(TEXT, name)
    assert module.run is len
    assert pathlib.Path(module.__file__).parent == pathlib.Path(kernel.passing_folder().name)


def test_a_user_without_a_home_can_compute(monkeypatch, name):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("TUODI_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(pathlib.Path, "home", homeless)
    assert kernel._import(TEXT, name).run is len


def test_a_folder_that_somebody_named_and_that_takes_no_files_is_told(tmp_path, monkeypatch, name):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TUODI_CACHE", str(tmp_path / "file"))
    with pytest.raises(OSError, match="file"):
        kernel._import(TEXT, name)
    monkeypatch.setenv("TUODI_CACHE", str(tmp_path))
    monkeypatch.setattr(kernel.os, "access", lambda *_: False)
    with pytest.raises(PermissionError):
        kernel._import(TEXT, name)
