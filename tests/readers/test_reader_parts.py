"""Which files of a folder are the recording."""

from __future__ import annotations

import os

import pytest

from miniscope_nwb.convert.readers.parts import (
    V4_STEM,
    check_inside,
    find_file,
    find_parts,
    is_derived,
    is_junk,
    list_folder,
    list_source_files,
)
from miniscope_nwb.errors import RecordingError

V3_STEM = r"msCam[ _-]?(\d+)(?:[ _-].*)?"


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def found(folder, stem_pattern=V4_STEM, first_index=0):
    parts = find_parts(folder, stem_pattern=stem_pattern, first_index=first_index)
    return {index: path.name for index, path in parts.items()}


def test_natural_order(tmp_path):
    touch(tmp_path, "10.avi", "2.avi", "0.avi", "1.avi")
    assert list(found(tmp_path).items()) == [
        (0, "0.avi"), (1, "1.avi"), (2, "2.avi"), (10, "10.avi"),
    ]  # fmt: skip


def test_upper_case_and_leading_zeros(tmp_path):
    touch(tmp_path, "00.AVI", "01.Avi")
    assert found(tmp_path) == {0: "00.AVI", 1: "01.Avi"}


def test_renamed(tmp_path):
    touch(tmp_path, "0_corrected.avi", "1.avi")
    assert found(tmp_path) == {0: "0_corrected.avi", 1: "1.avi"}


@pytest.mark.parametrize("twin", ["0_corrected.avi", "00.avi", "0 - Copy.avi", "0_1.avi"])
def test_two_candidates(tmp_path, twin):
    touch(tmp_path, "0.avi", twin)
    with pytest.raises(RecordingError) as error:
        found(tmp_path)
    assert "0.avi" in str(error.value)
    assert twin in str(error.value)


def test_counting_from_one(tmp_path):
    touch(tmp_path, "msCam1.avi", "msCam2.avi", "msCam10.avi", "behavCam1.avi", "msCamAll.avi")
    assert found(tmp_path, V3_STEM, 1) == {0: "msCam1.avi", 1: "msCam2.avi", 9: "msCam10.avi"}


def test_missing_first_part_stays_missing(tmp_path):
    touch(tmp_path, "msCam2.avi")
    assert found(tmp_path, V3_STEM, 1) == {1: "msCam2.avi"}


def test_renumbered_from_zero(tmp_path):
    touch(tmp_path, "msCam_00.avi", "msCam_01.avi")
    assert found(tmp_path, V3_STEM, 1) == {0: "msCam_00.avi", 1: "msCam_01.avi"}


def test_what_is_no_part(tmp_path):
    touch(tmp_path, "0.avi", "._0.avi", "0_mc.avi", "0.mp4", "minian.avi", "Thumbs.db", "a0.avi")
    (tmp_path / "5.avi").mkdir()
    assert found(tmp_path) == {0: "0.avi"}


def test_no_folder(tmp_path):
    assert found(tmp_path / "nowhere") == {}
    assert list_folder(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    "path",
    [
        "0_mc.avi",
        "a/minian_mc.avi",
        "memmap_d1_600.mmap",
        "saved_movies/0.avi",
        "metaDataTif.json",
        "minian/varr.zarr/.zarray",
        "Miniscope/caiman_results.hdf5",
        "msCamAll.avi",
    ],
)
def test_derived(path):
    assert is_derived(path)


@pytest.mark.parametrize("path", ["0.avi", "Miniscope/timeStamps.csv", "My_mc_scope/0.avi"])
def test_not_derived(path):
    assert not is_derived(path)


def test_junk():
    assert is_junk(".DS_Store")
    assert is_junk("._0.avi")
    assert is_junk("THUMBS.DB")
    assert not is_junk("0.avi")


def test_find_file_in_any_case(tmp_path):
    touch(tmp_path, "TimeStamps.csv", "._timeStamps.csv")
    assert find_file(tmp_path, "timeStamps.csv").name == "TimeStamps.csv"
    assert find_file(tmp_path, "notes.csv") is None


@pytest.mark.skipif(os.path.normcase("A") == "a", reason="the file system ignores case")
def test_two_files_that_differ_in_case(tmp_path):
    touch(tmp_path, "TimeStamps.csv", "TIMESTAMPS.csv")
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("the file system ignores case")
    with pytest.raises(RecordingError, match=r"TIMESTAMPS\.csv and TimeStamps\.csv"):
        find_file(tmp_path, "timeStamps.csv")
    touch(tmp_path, "timeStamps.csv")
    assert find_file(tmp_path, "timeStamps.csv").name == "timeStamps.csv"


def test_source_files(tmp_path):
    touch(tmp_path, "metaData.json", "Scope/0.avi", "Scope/._0.avi", ".DS_Store", "Scope/x.mmap")
    files = list_source_files(tmp_path)
    assert [file.relative_path for file in files] == [
        "Scope/0.avi",
        "Scope/x.mmap",
        "metaData.json",
    ]
    assert [file.n_bytes for file in files] == [1, 1, 1]
    assert files[1].note
    assert not any(file.converted for file in files)


def test_source_files_of_one_device(tmp_path):
    touch(tmp_path, "metaData.json", "Scope/0.avi", "Other/0.avi")
    files = list_source_files(tmp_path, below=tmp_path / "Scope")
    assert [file.relative_path for file in files] == ["metaData.json", "Scope/0.avi"]


def link(path, target):
    try:
        path.symlink_to(target, target_is_directory=target.is_dir())
    except OSError:
        pytest.skip("links may not be made here")


def test_links(tmp_path):
    root = tmp_path / "session"
    touch(tmp_path, "session/Scope/0.avi", "elsewhere/secret.avi")
    link(root / "Again", root / "Scope")
    assert [file.relative_path for file in list_source_files(root)] == ["Scope/0.avi"]
    link(root / "Scope" / "1.avi", tmp_path / "elsewhere" / "secret.avi")
    with pytest.raises(RecordingError, match=r"Scope/1\.avi: leads out of the session folder"):
        list_source_files(root)
    with pytest.raises(RecordingError, match="leads out"):
        check_inside(root / ".." / "elsewhere", root)


def test_linked_folder(tmp_path):
    touch(tmp_path, "session/metaData.json", "elsewhere/0.avi")
    link(tmp_path / "session" / "Scope", tmp_path / "elsewhere")
    with pytest.raises(RecordingError, match="Scope: leads out of the session folder"):
        list_source_files(tmp_path / "session")
