"""Files that a command writes: all or none, and never half of one."""

from pathlib import Path

import pytest

from vectordb.cli import results
from vectordb.errors import VectordbError


def test_all_of_them(tmp_path, capsys):
    (tmp_path / "a").write_text("before")
    results.write({tmp_path / "a": "é\n", Path("-"): "printed\n", tmp_path / "b": "2"})
    assert (tmp_path / "a").read_bytes() == "é\n".encode()
    assert (tmp_path / "b").read_text() == "2"
    assert capsys.readouterr().out == "printed\n"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "b"]


def test_none_when_one_cannot_be_written(tmp_path, capsys):
    (tmp_path / "a").write_text("before")
    with pytest.raises(VectordbError, match=r"none/b: it cannot be written: No such file"):
        results.write({tmp_path / "a": "after", tmp_path / "none" / "b": "2", Path("-"): "printed"})
    assert (tmp_path / "a").read_text() == "before"
    assert capsys.readouterr().out == ""
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(VectordbError, match=rf"{tmp_path}: it cannot be written: Is a directory"):
        results.write({tmp_path: ""})
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_has_the_usual_rights(tmp_path):
    results.write({tmp_path / "a": ""})
    (tmp_path / "b").write_text("")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_standard_output_is_one_result():
    assert results.only_one_prints({"--json": Path("-"), "--html": Path("x"), "--sarif": None})
    assert not results.only_one_prints({"--json": None})
    with pytest.raises(VectordbError, match="--json and --markdown cannot both write to standard output"):
        results.only_one_prints({"--json": Path("-"), "--markdown": Path("-")})
