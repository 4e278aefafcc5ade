"""A processed recording as two files: each holds what it should, and nothing is packed anew."""

from __future__ import annotations

import h5py
import made_runs as made
import numpy as np
import parted_files as parted
import pytest
from pynwb import NWBHDF5IO
from pynwb.ophys import CorrectedImageStack, OnePhotonSeries

import miniscope_nwb
from miniscope_nwb.check.validate import validate
from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.nwb.parting import graft
from miniscope_nwb.nwb.parting.join import join_files
from miniscope_nwb.nwb.parting.split import split_file


def test_the_parts_have_the_names_that_the_archive_wants(parts):
    raw, processed = parts
    assert raw.is_file()
    assert processed.is_file()
    assert parted.files_below(raw.parent) == {
        parted.RAW,
        parted.PROCESSED,
        *(f"{raw.stem}/{name}" for name in parted.files_below(raw.with_suffix(""))),
    }
    assert len(parted.files_below(raw.with_suffix(""))) == 2, "both files of the camera"


def test_the_raw_part_is_what_was_converted(converted, parts):
    raw, _ = parts
    assert parted.difference(converted, raw) == ""


@pytest.mark.parametrize("which", [0, 1])
def test_both_parts_are_valid(parts, which):
    report = validate(parts[which])
    assert report.is_valid, [f.message for f in report.failing]


def test_the_processed_part_stands_by_itself(whole, parts, tmp_path):
    alone = tmp_path / "alone.nwb"
    alone.write_bytes(parts[1].read_bytes())
    with NWBHDF5IO(alone, "r") as io, NWBHDF5IO(whole, "r") as io_before:
        nwb, before = io.read(), io_before.read()
        assert not nwb.acquisition
        assert nwb.subject.subject_id == "m07"
        assert nwb.session_id == before.session_id
        assert nwb.identifier != before.identifier
        assert set(nwb.imaging_planes) == set(before.imaging_planes)
        assert set(nwb.processing["recording"].data_interfaces) == set(
            before.processing["recording"].data_interfaces
        )
        assert len(nwb.intervals["LostFrames"].id) == len(before.intervals["LostFrames"].id)
        assert not [o for o in nwb.objects.values() if isinstance(o, CorrectedImageStack)]
        module, module_before = nwb.processing["ophys"], before.processing["ophys"]
        denoised = module["Fluorescence"]["Denoised"]
        times = before.acquisition[parted.SCOPES[0]].timestamps[:]
        np.testing.assert_array_equal(denoised.timestamps[:], times)
        link = denoised.data.file[denoised.data.parent.name].get("timestamps", getlink=True)
        assert isinstance(link, h5py.HardLink), "its own, not a link"
        stack = module_before["MotionCorrection"]["CorrectedImageStack"]
        np.testing.assert_array_equal(module["xy_translation"].data[:], stack.xy_translation.data)
        preview = module["CorrectedMovie"]
        assert isinstance(preview, OnePhotonSeries)
        np.testing.assert_array_equal(preview.data[:], stack.corrected.data)
        np.testing.assert_array_equal(preview.timestamps[:], stack.corrected.timestamps[:])
        assert preview.imaging_plane.name == stack.corrected.imaging_plane.name
        assert len(module["CorrectedMovie_other"].data) == made.N
        assert len(nwb.events["CalciumEvents"].id) == 3
        cells = module["ImageSegmentation"]["PlaneSegmentation_other"]
        assert module["QualityMetrics_other"]["roi"].table is cells


def test_the_processed_part_opens_as_the_whole_file_does(whole, parts):
    with miniscope_nwb.open(parts[1]) as part, miniscope_nwb.open(whole) as file:
        assert part.run_names == file.run_names
        for name in part.run_names:
            one, two = part.run(name), file.run(name)
            np.testing.assert_array_equal(one.shifts_px, two.shifts_px)
            np.testing.assert_array_equal(one.times_s, two.times_s)
            assert len(one.times_s) == len(one.shifts_px)
            np.testing.assert_array_equal(one.denoised, two.denoised)
            assert one.cells.equals(two.cells)
        with pytest.raises(NwbContentError, match="not the movie that they were made of"):
            part.movie


@pytest.mark.usefixtures("unread")
def test_large_data_are_copied_packed_as_they_are(whole, tmp_path, monkeypatch):
    """The path of gigabytes, taken by every dataset that has chunks."""
    monkeypatch.setattr(graft, "_LARGE_BYTES", 0)
    seen = []
    done = split_file(
        whole,
        tmp_path / "r.nwb",
        tmp_path / "p.nwb",
        link_videos="hard",
        progress=lambda *state: seen.append(state),
    )
    for video in (tmp_path / "r").iterdir():
        assert video.samefile(whole.with_suffix("") / video.name)
    assert seen == sorted(seen)
    assert seen[-1][0] > 0.8 * seen[-1][1], "told until the end"
    with h5py.File(whole) as one, h5py.File(done.raw.path) as two:
        for name in parted.SCOPES:
            before, after = one[f"acquisition/{name}/data"], two[f"acquisition/{name}/data"]
            places = graft.chunk_places(before)
            assert len(places) > 1
            for place in places:
                stored = before.id.read_direct_chunk(place)
                assert stored == after.id.read_direct_chunk(place)
    joined = join_files(done.raw.path, done.processed.path, tmp_path / "j.nwb")
    assert parted.difference(whole, joined.path) == ""
