"""Paths of computers are told with the cells that hold them, and the page's way takes them out."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import pytest
from pynwb import NWBHDF5IO

from miniscope_nwb.check.validate import validate
from miniscope_nwb.nwb.tables import Column, make_table
from miniscope_nwb.share.public import public_findings

TABLE = "processing/recording/DeviceSettings"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "sharing.md"


@pytest.fixture
def file_of(nwb_file):
    """Add a table of settings, as `convert` writes it."""

    def add(*, setting=("gain", "folder"), value_json=("20", "1")) -> Path:
        columns = (Column("setting", "Key.", setting), Column("value_json", "Value.", value_json))
        with NWBHDF5IO(nwb_file, "a") as io:
            nwb = io.read()
            module = nwb.create_processing_module("recording", "Of the recording.")
            module.add(make_table("DeviceSettings", "Settings.", columns))
            io.write(nwb)
        return nwb_file

    return add


def fixes(path: Path) -> dict[str, str]:
    return {f.where: f.fix for f in public_findings(path) if "of computers" in f.message}


def test_the_pages_way_takes_a_path_out_of_the_file(file_of, monkeypatch):
    nwb_file = file_of(value_json=["20", '"D:/data/Jane_Doe/14_05_07"'])
    assert "'\"\"' into row 1 of value_json; docs/sharing.md" in fixes(nwb_file)[TABLE]
    (code,) = re.findall(r"```python\n(import h5py.*?)```", PAGE.read_text("utf-8"), re.S)
    code = code.replace("[[1, 15]]", "[[1]]")
    monkeypatch.chdir(nwb_file.parents[1])
    exec(compile(code, "sharing.md", "exec"), {})
    assert fixes(nwb_file) == {}
    assert b"Jane_Doe" not in nwb_file.read_bytes(), "nor left in the file unseen"
    assert validate(nwb_file).is_valid
    with h5py.File(nwb_file) as file:
        assert file[f"{TABLE}/value_json"].asstr()[:].tolist() == ["20", '""']


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"value_json": ['"/home/jane/a"', '"/home/jane/b"']}, "'\"\"' into rows 0, 1 of value_"),
        ({"setting": ["gain", "/home/jane/x"]}, "'' into row 1 of setting;"),
    ],
)
def test_cells_are_named(file_of, columns, words):
    assert words in fixes(file_of(**columns))[TABLE]
