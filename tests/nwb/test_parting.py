"""A processed recording as two files, and one again: nothing lost, nothing packed anew."""

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
from miniscope_nwb.cli.main import run as run_command
from miniscope_nwb.errors import NwbContentError, OutputError
from miniscope_nwb.nwb.parting import graft, recheck
from miniscope_nwb.nwb.parting.join import join_files
from miniscope_nwb.nwb.parting.split import split_file
from miniscope_nwb.nwb.processed.write import write_run
from miniscope_nwb.nwb.recording_file import input_hash
from miniscope_nwb.sizes import size

RAW = "sub-m07_ses-20260302T140507_desc-raw_behavior+ophys.nwb"
PROCESSED = "sub-m07_ses-20260302T140507_desc-processed_ophys.nwb"


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    return parted.recording(tmp_path_factory.mktemp("converted"))


@pytest.fixture(scope="module")
def whole(converted, tmp_path_factory):
    path = parted.copy_of(converted, tmp_path_factory.mktemp("whole") / "sub-m07")
    parted.process(path)
    return path


@pytest.fixture(scope="module")
def small(converted, tmp_path_factory):
    """With a single run and nothing of the corrected movie: what is quick to split."""
    path = parted.copy_of(converted, tmp_path_factory.mktemp("small") / "sub-m07")
    run = made.make_run(path, "first", series=parted.SCOPES[0])
    write_run(path, run, corrected="none")
    return path


@pytest.fixture(scope="module")
def small_parts(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("small_parts")
    done = split_file(small, folder / RAW, folder / PROCESSED)
    return done.raw.path, done.processed.path


@pytest.fixture(scope="module")
def parts(whole, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    assert run_command(["split", str(whole), "-o", str(folder), "--quiet"]) == 0
    return folder / "sub-m07" / RAW, folder / "sub-m07" / PROCESSED


@pytest.fixture
def unread(monkeypatch):
    """Parts are not opened by pynwb when they are written, which takes half of the time.

    For tests of something else; most others let it happen, and one sees what it finds.
    """
    monkeypatch.setattr(recheck, "_check_cells", lambda *_: None)


def test_the_parts_have_the_names_that_the_archive_wants(parts):
    raw, processed = parts
    assert raw.is_file()
    assert processed.is_file()
    assert parted.files_below(raw.parent) == {
        RAW,
        PROCESSED,
        *(f"{raw.stem}/{name}" for name in parted.files_below(raw.with_suffix(""))),
    }
    assert len(parted.files_below(raw.with_suffix(""))) == 2, "both files of the camera"


def test_joined_parts_equal_the_file_that_was_split(whole, parts, tmp_path):
    done = join_files(*parts, tmp_path / "again.nwb")
    assert done.runs == ("first", "shared", "other", "empty")
    assert parted.difference(whole, done.path) == ""
    with h5py.File(whole) as one, h5py.File(done.path) as two:
        assert one["identifier"][()] != two["identifier"][()]
        link = two["processing/ophys/Fluorescence/Denoised"].get("timestamps", getlink=True)
        assert link.path == f"/acquisition/{parted.SCOPES[0]}/timestamps"
        names = two["acquisition/BehaviorVideoBehavCam_2/external_file"].asstr()[:]
    assert {name.partition("/")[0] for name in names} == {"again"}
    for name in names:
        before = (whole.with_suffix("") / name.partition("/")[2]).read_bytes()
        assert (tmp_path / name).read_bytes() == before
    assert parted.files_below(tmp_path) == {"again.nwb", *names}


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


def test_the_raw_part_is_what_was_converted(converted, parts):
    raw, _ = parts
    assert parted.difference(converted, raw) == ""


@pytest.mark.usefixtures("unread")
def test_the_raw_part_is_the_same_bytes_every_time(small, small_parts, tmp_path):
    again = parted.copy_of(small, tmp_path / "sub-m07")
    parted.curate_by_hand(again, accepted=False)
    done = split_file(again, tmp_path / "one" / RAW, tmp_path / "one" / PROCESSED)
    assert done.raw.path.read_bytes() == small_parts[0].read_bytes()
    assert done.processed.path.read_bytes() != small_parts[1].read_bytes()


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
        with pytest.raises(NwbContentError, match="no OnePhotonSeries"):
            part.movie


@pytest.mark.usefixtures("unread")
def test_a_part_that_was_curated_brings_the_round_back(small, small_parts, tmp_path):
    raw, processed = (parted.copy_of(part, tmp_path / "sub-m07") for part in small_parts)
    parted.curate_by_hand(processed, accepted=False)
    joined = join_files(raw, processed, tmp_path / "j" / small.name).path
    direct = parted.copy_of(small, tmp_path / "direct")
    parted.curate_by_hand(direct, accepted=False)
    assert parted.difference(direct, joined) == made_at(), "only the moment differs"
    with miniscope_nwb.open(joined) as session:
        run = session.run("first")
        assert run.round == 2
        assert not run.cells.accepted[0]


def made_at() -> str:
    return "processing/ophys/CurationRounds/made_at"


@pytest.mark.usefixtures("unread")
def test_splitting_again_after_curation_leaves_the_raw_part_alone(
    small, small_parts, tmp_path, capsys
):
    path = parted.copy_of(small, tmp_path / "sub-m07")
    raw, processed = (parted.copy_of(part, path.parent) for part in small_parts)
    before, moment = raw.read_bytes(), raw.stat().st_mtime_ns
    assert run_command(["split", str(path)]) == 0
    assert capsys.readouterr().out.count("unchanged") == 2
    parted.curate_by_hand(path, accepted=False)
    old = processed.read_bytes()
    assert run_command(["split", str(path)]) == 1
    assert "give --overwrite" in capsys.readouterr().err
    assert processed.read_bytes() == old
    assert run_command(["split", str(path), "--overwrite"]) == 0
    out = capsys.readouterr().out
    assert f"{raw}: {size(len(before))}, unchanged" in out
    assert ", replaced" in out
    assert (raw.read_bytes(), raw.stat().st_mtime_ns) == (before, moment)
    assert processed.read_bytes() != old
    video = next(raw.with_suffix("").iterdir())
    video.unlink()
    assert run_command(["split", str(path), "--overwrite"]) == 0
    assert video.is_file(), "a video that is missing is put back"
    assert "replaced" in capsys.readouterr().out


@pytest.mark.usefixtures("unread")
def test_a_joined_file_splits_into_the_same_parts(small_parts, tmp_path):
    raw, processed = (parted.copy_of(part, tmp_path / "sub-m07") for part in small_parts)
    joined = join_files(raw, processed, tmp_path / "whole.nwb").path
    done = split_file(joined, raw, tmp_path / "new" / PROCESSED)
    assert done.raw.state == "unchanged"
    assert parted.difference(processed, done.processed.path) == ""


@pytest.mark.usefixtures("unread")
def test_what_others_added_goes_where_it_belongs_and_comes_back(small, tmp_path):
    path = parted.copy_of(small, tmp_path / "sub-m07")
    parted.add_others_work(path)
    done = split_file(path, tmp_path / "r.nwb", tmp_path / "p.nwb")
    with NWBHDF5IO(done.raw.path, "r") as io:
        nwb = io.read()
        assert list(nwb.processing) == ["recording"]
        (reference,) = nwb.trials["timeseries"][0]
        assert reference.timeseries is nwb.acquisition[parted.SCOPES[0]]
    with NWBHDF5IO(done.processed.path, "r") as io:
        nwb = io.read()
        assert nwb.trials is None
        table = nwb.processing["analysis"]["PlaceCells"]
        assert (
            table["roi"].table is nwb.processing["ophys"]["ImageSegmentation"]["PlaneSegmentation"]
        )
    joined = join_files(done.raw.path, done.processed.path, tmp_path / "j.nwb")
    assert parted.difference(path, joined.path) == ""


def test_what_ties_the_parts_together_is_told(small, tmp_path):
    path = parted.copy_of(small, tmp_path / "sub-m07")
    with h5py.File(path, "r+") as file:
        file["processing/ophys/Fluorescence/movie"] = h5py.SoftLink(
            f"/acquisition/{parted.SCOPES[0]}"
        )
    with pytest.raises(
        NwbContentError, match=r"Fluorescence/movie refers to acquisition/OnePhotonSeriesHPC"
    ):
        split_file(path, tmp_path / "r.nwb", tmp_path / "p.nwb")
    with h5py.File(path, "r+") as file:
        del file["processing/ophys/Fluorescence/movie"]
        file["processing/ophys/elsewhere"] = h5py.ExternalLink("other.nwb", "/x")
    with pytest.raises(NwbContentError, match=r"only as a link to other\.nwb"):
        split_file(path, tmp_path / "r.nwb", tmp_path / "p.nwb")
    assert parted.files_below(tmp_path).isdisjoint({"r.nwb", "p.nwb"})


def test_files_that_cannot_be_split_are_one_sentence(converted, parts, tmp_path, capsys):
    cases = {
        converted: "holds no run of the processing, so there is nothing to split",
        parts[0]: "holds no run of the processing",
        parts[1]: "is the processed part of a recording that was split already",
        tmp_path / "no.nwb": "does not exist",
    }
    for path, sentence in cases.items():
        assert run_command(["split", str(path), "-o", str(tmp_path / "out")]) == 1
        assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert run_command(["split", str(parts[0])]) == 1  # beside itself, where it has its own name
    assert "holds no run of the processing" in capsys.readouterr().err


def test_a_missing_video_is_told_before_anything_is_written(small, tmp_path):
    path = parted.copy_of(small, tmp_path / "sub-m07")
    next(path.with_suffix("").iterdir()).unlink()
    with pytest.raises(
        OutputError, match=r"BehaviorVideoBehavCam_2 names the video .* put it back"
    ):
        split_file(path, tmp_path / "r.nwb", tmp_path / "p.nwb")
    assert not (tmp_path / "r.nwb").exists()


def test_parts_of_two_recordings_are_refused(whole, parts, tmp_path):
    raw, processed = parts
    cases = []
    for name, value in {
        "general/session_id": "another",
        "session_start_time": "2026-03-03T14:05:07+01:00",
        "general/subject/subject_id": "m08",
    }.items():
        changed = parted.copy_of(raw, tmp_path / name.replace("/", "-"))
        with h5py.File(changed, "r+") as file:
            file[name][()] = value
        cases.append((changed, processed, "are not of one recording: the .* is"))
    for name in ("data", "timestamps"):
        changed = parted.copy_of(raw, tmp_path / f"changed-{name}")
        with h5py.File(changed, "r+") as file:
            file[f"acquisition/{parted.SCOPES[1]}/{name}"][7] += 1
        cases.append((changed, processed, "mPFC in .* is not the movie .* another checksum"))
    without = parted.copy_of(raw, tmp_path / "without")
    with h5py.File(without, "r+") as file:
        del file[f"acquisition/{parted.SCOPES[1]}"]
    cases += [
        (without, processed, "holds no movie OnePhotonSeriesmPFC"),
        (processed, raw, "is not the processed part"),
        (raw, raw, "is not the processed part"),
        (whole, processed, "holds runs of the processing, so it is no raw part"),
    ]
    for one, two, sentence in cases:
        with pytest.raises(NwbContentError, match=sentence):
            join_files(one, two, tmp_path / "j.nwb")
        assert not (tmp_path / "j.nwb").exists()
    assert input_hash(raw, parted.SCOPES[1])  # the part itself was not touched


@pytest.mark.usefixtures("unread")
def test_join_replaces_nothing_unasked(parts, tmp_path, capsys):
    there = tmp_path / "there.nwb"
    there.write_bytes(b"mine")
    command = ["join", *map(str, parts), "-o", str(there)]
    assert run_command(command) == 1
    assert "exists: give --overwrite" in capsys.readouterr().err
    assert there.read_bytes() == b"mine"
    assert run_command([*command, "--overwrite"]) == 0
    assert "runs first, shared, other, empty" in capsys.readouterr().out
    assert run_command(["join", *map(str, parts), "-o", str(parts[0])]) == 1
    assert "is one of the two parts" in capsys.readouterr().err
    assert run_command(["join", *map(str, parts), "-o", str(tmp_path / "x")]) == 1
    assert "does not end in .nwb" in capsys.readouterr().err
