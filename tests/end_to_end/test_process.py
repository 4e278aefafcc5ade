"""`process` as a user types it: on a simulated recording, again, beside, instead."""

from __future__ import annotations

import numpy as np
from processed_files import assert_same_content, make_recording, raw_checksum
from recordings import opened

from miniscope_nwb.simulate.options import SimulateOptions


def run_rows(path):
    with opened(path) as nwb:
        return nwb.processing["ophys"]["ProcessingRuns"].to_dataframe()


def test_everything_stands_in_the_file(processed, recording):
    path, answer = processed
    assert raw_checksum(path) == raw_checksum(recording)
    with opened(path) as nwb:
        ophys = nwb.processing["ophys"]
        cells = ophys["ImageSegmentation"]["PlaneSegmentation"]
        traces = ophys["Fluorescence"]["Fluorescence"]
        assert traces.data.shape == (300, answer.n_components)
        assert len(cells) == answer.n_components >= 8
        assert int(np.sum(cells["accepted"][:])) == answer.n_accepted
        timings = ophys["StageTimings"].to_dataframe()
        parameters = ophys["ProcessingParameters"].to_dataframe()
    assert list(timings["stage"])[:3] == ["prepare", "motion", "motion quality"]
    assert (timings["peak_memory_bytes"] > 10e6).all()
    given = parameters.set_index(["stage", "parameter"])
    assert given.loc[("preprocess", "pixel_size_um"), "source"] == "derived"
    assert given.loc[("motion", "method"), "source"] == "default"
    (row,) = run_rows(path).to_dict("records")
    assert row["run"] == "run1"
    assert row["n_components"] == answer.n_components
    assert not list(path.parent.glob(".*"))  # no scratch, no lock


def test_the_same_run_again_does_nothing_and_says_so(shell, done):
    before = done.stat().st_mtime_ns
    again = shell("process", done, "--engine", "builtin")
    assert again.code == 0
    assert "holds this run already: run1" in again.out
    assert done.stat().st_mtime_ns == before
    answer = shell("process", done, "--engine", "builtin", "--threads", "1", "--json").answer
    assert answer["was_done"] is True  # the number of threads changes nothing
    assert answer["run"] == "run1"


def stored_frames(path):
    with opened(path) as nwb:
        corrected = nwb.processing["ophys"]["MotionCorrection"]["CorrectedImageStack"].corrected
        return corrected.data.shape[0]


def test_the_same_run_with_more_of_the_corrected_movie_says_what_is_stored(shell, done):
    before = done.stat().st_mtime_ns
    again = shell("process", done, "--engine", "builtin", "--corrected", "full")
    assert again.code == 0
    assert "run run1 stores only a preview of the corrected movie" in again.err
    assert "--force" in again.err
    assert "with a preview of the corrected movie. Nothing was done" in again.out
    assert done.stat().st_mtime_ns == before
    less = shell("process", done, "--engine", "builtin", "--corrected", "none", "--json")
    assert "Warning" not in less.err  # all that was asked for is there
    assert less.answer["corrected"] == "preview"
    assert stored_frames(done) < 300
    forced = shell("process", done, "--engine", "builtin", "--corrected", "full", "--force")
    assert forced.code == 0, forced.err
    assert stored_frames(done) == 300
    assert "with the corrected movie." in shell("process", done, "--engine", "builtin").out


def test_the_preview_of_a_short_movie_is_called_one(shell, tmp_path):
    """It holds every frame, but of binned pixels; frames that were binned before are all there."""
    options = SimulateOptions(level="easy", width=120, height=96, frames=110, cameras=0, seed=4)
    path = make_recording(tmp_path, options)
    command = ("process", path, "--engine", "builtin", "-p", "max_cells=2")
    assert shell(*command, "-p", "spatial_factor=1", "--quiet").code == 0
    assert stored_frames(path) == 110
    again = shell(*command, "-p", "spatial_factor=1", "--corrected", "full")
    assert "run run1 stores only a preview of the corrected movie" in again.err
    assert "--force" in again.err
    assert "with a preview of the corrected movie. Nothing was done" in again.out
    forced = shell(*command, "-p", "spatial_factor=1", "--corrected", "full", "--force", "--quiet")
    assert forced.code == 0, forced.err
    full = shell(*command, "-p", "spatial_factor=1", "--corrected", "full")
    assert "Warning" not in full.err
    assert "with the corrected movie. Nothing was done" in full.out
    assert shell(*command, "-p", "spatial_factor=2", "--quiet").code == 0
    binned = shell(*command, "-p", "spatial_factor=2", "--corrected", "full")
    assert "Warning" not in binned.err
    assert "with the corrected movie. Nothing was done" in binned.out
    with opened(path) as nwb:
        stacks = nwb.processing["ophys"]["MotionCorrection"].corrected_image_stacks
        assert {name: stack.corrected.data.shape for name, stack in stacks.items()} == {
            "CorrectedImageStack": (110, 120, 96),
            "CorrectedImageStack_run2": (110, 60, 48),
        }
        told = [stack.corrected.description for stack in stacks.values()]
    assert all("all of them" in text for text in told)


def test_masks_of_a_file_with_several_runs_say_which_are_taken(shell, done):
    from miniscope_nwb.pipeline.job import open_job
    from miniscope_nwb.pipeline.options import ProcessOptions

    def warnings(masks):
        return open_job(done, ProcessOptions(engine="builtin", masks=masks)).warnings

    assert warnings(str(done)) == ()
    beside = shell("process", done, "--engine", "builtin", "-p", "quality.event_enter=5")
    assert beside.code == 0, beside.err
    (warning,) = warnings(str(done))
    assert "holds 2 runs, and the masks of the first are taken" in warning
    assert warnings(f"{done}:run2") == ()


def test_other_parameters_stand_beside_and_names_are_kept(shell, done, recording):
    given = ["--engine", "builtin", "-p", "quality.event_enter=5"]
    second = shell("process", done, *given, "--json", "--run", "strict")
    assert second.code == 0, second.err
    assert list(run_rows(done)["run"]) == ["run1", "strict"]
    refused = shell("process", done, *given, "--run", "other")
    assert refused.code == 1
    assert "'strict' was made with the same parameters" in refused.err
    taken = shell("process", done, "--engine", "builtin", "-p", "event_enter=6", "--run", "strict")
    assert taken.code == 1
    assert "--force" in taken.err
    replaced = shell(
        "process", done, "--engine", "builtin", "-p", "event_enter=6", "--run", "strict", "--force"
    )
    assert replaced.code == 0, replaced.err
    rows = run_rows(done)
    assert list(rows["run"]) == ["run1", "strict"]
    assert rows["parameter_hash"].nunique() == 2
    assert raw_checksum(done) == raw_checksum(recording)  # also the packed bytes
    assert "run1" in shell("process", done, "--engine", "builtin").out  # and is still known


def test_runs_share_a_motion_result_only_where_its_outliers_are_the_same(shell, done):
    import miniscope_nwb

    other, strict = ("-p", "max_cells=3"), ("-p", "max_cells=3", "-p", "motion.outlier_deviation=1")
    for given in (other, strict):
        ran = shell("process", done, "--engine", "builtin", *given, "--json")
        assert ran.code == 0, ran.err
        assert not any(stage["was_done"] for stage in ran.answer["stages"])  # computed all the same
    assert list(run_rows(done)["motion"]) == [
        "CorrectedImageStack", "CorrectedImageStack", "CorrectedImageStack_run3",
    ]  # fmt: skip
    with miniscope_nwb.open(done) as session:
        runs = [session.run(name) for name in ("run1", "run2", "run3")]
        counts = [int(run.frame_quality["outlier"].sum()) for run in runs]
        assert counts == [run.info["n_left_out"] for run in runs]
    assert counts[2] > counts[1] == counts[0]


def test_two_processes_and_any_number_of_threads_give_the_same(shell, path, processed):
    assert shell("process", path, "--engine", "builtin", "--threads", "1", "--quiet").code == 0
    assert_same_content(path, processed[0])
