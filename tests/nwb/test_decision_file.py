"""Tables of decisions: read as people save them, and refused by file and line."""

from __future__ import annotations

import h5py
import pytest

from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.nwb.processed.decisions_csv import read_decision_file


@pytest.mark.parametrize(
    "text",
    [
        "accepted;roi\r\n TRUE ;1\r\n0;0\r\n",
        "\ufeffROI\tAccepted\n1\t1\n\n0\tFalse\n",
        ",roi,accepted\n0,1,True\n1,0,False\n",  # the index that pandas writes
        '"roi","accepted","reason"\n1.0,true,"said ""yes"",\nloudly"\n0,0.0,\n',
    ],
)
def test_tables_as_people_save_them(tmp_path, text):
    path = tmp_path / "d.csv"
    path.write_bytes(text.encode("utf-8"))
    rows = read_decision_file(path)
    assert [(row.roi, row.accepted) for row in rows] == [(1, True), (0, False)]


HEAD = "roi,accepted,mask_type,confidence\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: there is no column 'roi'"),
        ("accepted\ntrue\n", "line 1: there is no column 'roi'"),
        ("roi\n0\n", "line 1: there is no column 'accepted'"),
        ("roi,acepted\n0,1\n", "line 1: column 'acepted' is not known: did you mean accepted?"),
        ("roi,,accepted\n0,1,2\n", "line 1: column '' is not known"),
        ("roi,accepted,roi\n0,1,2\n", "line 1: there are two columns 'roi'"),
        ("roi,accepted\n0,maybe\n", "line 2: accepted is 'maybe', not true, false, 1 or 0"),
        ("roi,accepted\n0,1\n1\n", "line 3: accepted is ''"),
        ("roi,accepted\nx,1\n", "line 2: roi is 'x', not a whole number from 0"),
        ("roi,accepted\n-1,1\n", "line 2: roi is '-1'"),
        ("roi,accepted\n0.5,1\n", "line 2: roi is '0.5'"),
        ("roi,accepted\n0,1\n\n\n0,0\n", "line 5: roi 0 stands in line 2 too"),
        ("roi,accepted\n0,1,2\n", "line 2: 3 values for 2 columns"),
        (
            "roi,accepted,run\n0,1,a\n1,1,\n2,1,b\n",
            "line 4: the run is b, but a in line 2: give each its own file",
        ),
        (HEAD + "0,1,neuron,\n", "line 2: mask_type 'neuron' is none of soma, axon"),
        (HEAD + "0,1,soma,2\n", "line 2: confidence is '2', not a number from 0 to 1"),
        (HEAD + "0,1,soma,high\n", "line 2: confidence is 'high'"),
        (HEAD + "0,1,soma,nan\n", "line 2: confidence is 'nan'"),
    ],
)
def test_a_wrong_table_names_file_and_line(tmp_path, text, said):
    path = tmp_path / "d.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(NwbContentError) as caught:
        read_decision_file(path)
    assert str(caught.value).startswith(f"{path}, {said}")


def test_no_table_and_no_text_are_one_sentence(tmp_path):
    with pytest.raises(NwbContentError, match="cannot be read"):
        read_decision_file(tmp_path / "no.csv")
    h5py.File(tmp_path / "x.nwb", "w").close()
    with pytest.raises(NwbContentError, match=r"x.nwb is an NWB or HDF5 file: give a CSV file"):
        read_decision_file(tmp_path / "x.nwb")
    (tmp_path / "d.csv").write_bytes(b"roi,accepted\n0,\xff\n")
    with pytest.raises(NwbContentError, match="is not UTF-8 text"):
        read_decision_file(tmp_path / "d.csv")
