"""`process` as a user types it: on a simulated recording, again, beside, instead, with options."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from processed_files import (
    assert_same_content,
    copy_of,
    make_recording,
    raw_checksum,
)
from recordings import opened

from miniscope_nwb.simulate.options import SimulateOptions


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return make_recording(tmp_path_factory.mktemp("recording"))


@pytest.fixture(scope="module")
def processed(recording, tmp_path_factory):
    """The recording, processed once with all defaults; and what was answered."""
    from miniscope_nwb.params.load import load_parameters
    from miniscope_nwb.pipeline.options import ProcessOptions
    from miniscope_nwb.pipeline.process import process

    path = copy_of(recording, tmp_path_factory.mktemp("processed"))
    options = ProcessOptions(engine="builtin", parameters=load_parameters())
    return path, process(path, options)


@pytest.fixture
def path(recording, tmp_path):
    return copy_of(recording, tmp_path)


@pytest.fixture
def done(processed, tmp_path):
    """A processed file of the test's own."""
    return copy_of(processed[0], tmp_path, "done.nwb")


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


def test_a_changed_extraction_reuses_the_finished_motion(shell, path):
    first = shell("process", path, "--engine", "builtin", "--keep-scratch", "--json")
    assert first.code == 0, first.err
    assert path.with_name(".recording.scratch").is_dir()
    second = shell("process", path, "--engine", "builtin", "-p", "max_cells=5", "--json")
    was_done = {stage["stage"]: stage["was_done"] for stage in second.answer["stages"]}
    assert was_done["prepare"]
    assert was_done["motion"]
    assert was_done["images"]
    assert not was_done["extract"]
    assert not was_done["quality"]
    assert not path.with_name(".recording.scratch").exists()
    assert second.answer["n_components"] <= 5


def test_the_deviation_of_outliers_reaches_its_stage(path, monkeypatch):
    from miniscope_nwb.params.load import load_parameters
    from miniscope_nwb.pipeline import stages
    from miniscope_nwb.pipeline.options import ProcessOptions
    from miniscope_nwb.pipeline.process import process

    class Reached(Exception):
        pass

    def stop(*_, outlier_deviation, **__):
        raise Reached(outlier_deviation)

    monkeypatch.setattr(stages, "motion_quality", stop)
    given = load_parameters(assignments=["motion.outlier_deviation=3.5"])
    with pytest.raises(Reached, match=r"3\.5"):
        process(path, ProcessOptions(engine="builtin", parameters=given))


def test_scratch_in_a_chosen_folder(shell, path, tmp_path):
    chosen = tmp_path / "fast"
    done = shell(
        "process", path, "--engine", "builtin", "--scratch", chosen, "--keep-scratch", "--json"
    )
    assert done.code == 0, done.err
    (folder,) = chosen.iterdir()
    assert len(list(folder.glob("extract-*"))) == 1
    assert not path.with_name(".recording.scratch").exists()


def test_masks_of_another_run_are_sought_again(shell, path, done, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    session = shutil.copy(path, other / "again.nwb")
    seeded = shell("process", session, "--engine", "builtin", "--masks", f"{done}:run1", "--json")
    assert seeded.code == 0, seeded.err
    with opened(done) as nwb:
        n_given = len(nwb.processing["ophys"]["ImageSegmentation"]["PlaneSegmentation"])
    assert 0 < seeded.answer["n_components"] <= n_given
    wrong = shell("process", session, "--masks", f"{done}:nothing")
    assert wrong.code == 1
    assert "nothing" in wrong.err


def test_crop(shell, path):
    answer = shell("process", path, "--engine", "builtin", "--crop", "100,90,10,6", "--json").answer
    assert answer["n_components"] > 0
    with opened(path) as nwb:
        cells = nwb.processing["ophys"]["ImageSegmentation"]["PlaneSegmentation"]
        mask = np.asarray(cells["image_mask"][0])
        assert mask.shape == (120, 96)
        assert min(cells["center_x"][:]) >= 10
        assert max(cells["center_y"][:]) <= 90


def test_plan_and_dry_run_write_nothing(shell, path):
    before = path.stat().st_mtime_ns
    planned = shell("plan", path, "--engine", "builtin", "--json")
    assert planned.code == 0, planned.err
    plan = planned.answer
    assert [stage["name"] for stage in plan["stages"]] == [
        "prepare", "motion", "motion quality", "images", "extract", "traces", "quality", "write",
    ]  # fmt: skip
    assert not any(stage["is_done"] for stage in plan["stages"])
    assert plan["peak_memory_bytes"] > 100e6
    text = shell("process", path, "--engine", "builtin", "--dry-run")
    assert text.code == 0
    assert "to do" in text.out
    assert path.stat().st_mtime_ns == before
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_plan_warns_as_process_does(shell, done):
    given = ["--engine", "builtin", "-p", "caiman.gSig=[3,3]"]
    (warning,) = shell("process", done, *given, "--json").answer["warnings"]
    planned = shell("plan", done, *given, "--json")
    assert planned.answer["warnings"] == [warning]
    assert planned.err.strip() == warning
    text = shell("process", done, *given, "--dry-run", "--corrected", "full")
    assert warning in text.err
    assert "run1 stores only a preview of the corrected movie" in text.err


def free_space(monkeypatch, n_bytes):
    """Let the drives have so much room."""
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=n_bytes))


@pytest.mark.parametrize("command", [("process",), ("plan",), ("process", "--dry-run")])
@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["-p", "spatial_factor=7"], "recording.nwb: preprocess.spatial_factor=7 leaves 17 x 13"),
        (["-p", "cell_diameter_px=70"], "recording.nwb: a cell of 70 pixels is too large"),
        (["--crop", "0,0,90,15"], "recording.nwb: the crop leaves 90 x 15 pixels"),
        (["--max-memory", "50MB"], "the least that works is --max-memory "),
        (["--scratch", "{file}/below"], "(Not a directory): name a folder"),
    ],
)
def test_what_cannot_be_done_is_refused_by_plan_and_process(shell, path, command, more, words):
    more = [text.format(file=path) for text in more]
    refused = shell(*command[:1], path, "--engine", "builtin", *command[1:], *more)
    assert refused.code == 1
    assert words in refused.err.splitlines()[-1]
    assert [item.name for item in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("command", ["process", "plan"])
def test_a_write_protected_file_is_refused_by_plan_and_process(shell, path, monkeypatch, command):
    monkeypatch.setattr(
        os, "access", lambda place, mode, **_: Path(place) != path or mode != os.W_OK
    )
    refused = shell(command, path, "--engine", "builtin")
    assert refused.code == 1
    assert "is write-protected" in refused.err


@pytest.mark.parametrize("command", ["process", "plan"])
def test_room_on_the_disk_is_what_plan_tells(shell, path, tmp_path, monkeypatch, command):
    """A byte less than the figures of plan and the reserve is refused; kept frames are spare."""
    from miniscope_nwb.pipeline.job import open_job
    from miniscope_nwb.pipeline.options import ProcessOptions
    from miniscope_nwb.pipeline.room import needed_room
    from miniscope_nwb.pipeline.scratch import RESERVE_BYTES

    plan = shell("plan", path, "--engine", "builtin", "--json").answer
    job = open_job(path, ProcessOptions(engine="builtin"))
    room = needed_room(job, job.task)
    assert plan["scratch_bytes"] == room.stages + room.kept
    assert plan["file_bytes"] == room.grows
    assert plan["copy_bytes"] == room.copy == path.stat().st_size + room.grows
    assert room.kept > 0
    given = [command, path, "--engine", "builtin", "--json"]
    for short, words in (
        (room.stages, "the stages may need"),
        (room.copy, "the new version of the file may need"),
        (room.stages + room.copy, "the stages and the new version of the file may need"),
    ):
        free_space(monkeypatch, short + RESERVE_BYTES - 1)
        refused = shell(*given)
        assert refused.code == 1
        assert words in refused.err.splitlines()[-1]
    assert not list(tmp_path.glob(".*"))
    if command == "plan":
        free_space(monkeypatch, room.stages + room.copy + RESERVE_BYTES)
        enough = shell(*given)
        assert enough.code == 0, enough.err
        assert enough.answer["scratch_bytes"] == room.stages  # nothing is spare


def test_plan_names_what_is_done(shell, path, done):
    shell("process", path, "--engine", "builtin", "--keep-scratch", "--quiet")
    planned = shell("plan", path, "--engine", "builtin", "-p", "max_cells=5", "--json").answer
    states = {stage["name"]: stage["is_done"] for stage in planned["stages"]}
    assert states["motion"]
    assert not states["extract"]
    assert not states["write"]
    assert "nothing to do" in shell("plan", done, "--engine", "builtin").out


def in_a_process(*arguments):
    """Run a command in a process of its own, where nothing else takes memory."""
    command = [sys.executable, "-m", "miniscope_nwb", *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_too_little_memory_names_the_least_that_works_and_it_does(shell, path):
    refused = shell("process", path, "--engine", "builtin", "--max-memory", "50MB")
    assert refused.code == 1
    assert "the least that works is --max-memory " in refused.err
    least = refused.err.split("--max-memory ")[1].split(";")[0].strip()
    answer = in_a_process("process", path, "--engine", "builtin", "--max-memory", least)
    peak = max(stage["peak_memory_bytes"] for stage in answer["stages"])
    assert peak <= int(least.removesuffix("MB")) * 10**6


@contextmanager
def largest_size(folder):
    """Give a list to which the sizes of a folder are added while others work in it."""
    sizes, done = [0], threading.Event()

    def look():
        while not done.wait(0.02):
            files = [Path(where, name) for where, _, names in os.walk(folder) for name in names]
            total = 0
            for file in files:
                with suppress(OSError):  # it has gone
                    total += file.stat().st_size
            sizes.append(total)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield sizes
    finally:
        done.set()
        watcher.join()


def test_plan_foretells_memory_and_disk_within_a_factor_of_two(path):
    plan = in_a_process("plan", path, "--engine", "builtin")
    before = path.stat().st_size
    with largest_size(path.with_name(".recording.scratch")) as sizes:
        answer = in_a_process("process", path, "--engine", "builtin")
    peak = max(stage["peak_memory_bytes"] for stage in answer["stages"])
    assert 0.5 < plan["peak_memory_bytes"] / peak < 2
    assert 0.5 < plan["scratch_bytes"] / max(sizes) < 2
    assert path.stat().st_size - before < plan["file_bytes"]
    assert 0.2 < plan["seconds"] / answer["seconds"] < 5  # the machine may be busy meanwhile


@pytest.mark.slow
def test_plan_foretells_the_time_within_a_factor_of_two(tmp_path):
    options = SimulateOptions(level="moderate", width=160, height=120, frames=6000, cameras=0)
    path = make_recording(tmp_path, options)
    plan = in_a_process("plan", path, "--engine", "builtin")
    answer = in_a_process("process", path, "--engine", "builtin")
    assert 0.5 < plan["seconds"] / answer["seconds"] < 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-p", "min_por=3"], "extract.min_pnr"),
        (["--preset", "GCaMP7"], "there is no preset 'GCaMP7'"),
        (["--run", "a/b"], "cannot name a run"),
        (["--engine", "suite2p"], "builtin, caiman"),
        (["--crop", "0,0,5"], "x0,y0,x1,y1"),
        (["--params", "absent.yaml"], "absent.yaml cannot be read"),
        (["--series", "Other"], "OnePhotonSeries"),
    ],
)
def test_wrong_requests_end_in_one_sentence(shell, path, arguments, words):
    refused = shell("process", path, *arguments)
    assert refused.code == 1
    assert words in refused.err
    assert refused.err.count("\n") == 1
    assert "error" in json.loads(shell("process", path, *arguments, "--json").out)
