"""The picture, and what the command answers. Drawn where matplotlib is installed; a clear word where it is not."""

import importlib.util
import json
import struct
import sys

import pytest
from typer.testing import CliRunner

from tests.components.recorded import ROOT
from tests.vectordb.bench.rows import MET, RESULT
from vectordb.bench import bridge, combined, embed, picture
from vectordb.cli.app import app
from vectordb.errors import VectordbError


def test_without_matplotlib_it_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(VectordbError, match="matplotlib, which is not installed") as caught:
        picture.draw(RESULT, tmp_path / "bars.png", "Bars")
    assert "pip install 'vectordb[bench]'" in caught.value.remedy
    assert not (tmp_path / "bars.png").exists()


def test_it_says_so_before_anything_is_measured(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setattr(bridge, "run", lambda *_, **__: pytest.fail("measured"))
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(app, ["bench", "bridge", "--png", str(tmp_path / "bars.png")])
    assert isinstance(result.exception, VectordbError)


@pytest.mark.parametrize("command", ["bridge", "combined", "embed"])
def test_a_folder_that_is_not_there_too(command, tmp_path, monkeypatch):
    for module in (bridge, combined, embed):
        monkeypatch.setattr(module, "run", lambda *_, **__: pytest.fail("measured"))
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(app, ["bench", command, "--json", str(tmp_path / "none" / "rows.json")])
    assert str(result.exception) == f"There is no folder {tmp_path / 'none'} for rows.json."


@pytest.mark.parametrize(("rows", "code"), [(RESULT, 1), (MET, 0)])
def test_the_exit_code_says_whether_every_demand_is_met(rows, code, tmp_path, monkeypatch):
    monkeypatch.setattr(bridge, "run", lambda *_, **__: rows)
    monkeypatch.chdir(ROOT)
    file = tmp_path / "rows.json"
    result = CliRunner().invoke(app, ["bench", "bridge", "--markdown", "--json", str(file)])
    assert result.exit_code == code
    assert json.loads(file.read_text())["met"] is (code == 0)
    assert result.stdout.startswith("| measured | the sample's shape |")


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="matplotlib is not installed (extra bench)")
def test_a_png_of_a_legible_size_is_written(tmp_path):
    file = tmp_path / "images" / "bars.png"
    picture.draw(RESULT, file, "Bars")
    content = file.read_bytes()
    assert content.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", content[16:24])
    assert width == 1430
    assert height > 500
