"""Wrong requests and odd files of the processing: one sentence, and every file stays as it was."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from nwb.foreign_files import write_foreign
from processed_files import copy_of, make_recording
from recordings import Shell

import miniscope_nwb
from miniscope_nwb.cli import main
from miniscope_nwb.pipeline import stages
from miniscope_nwb.simulate.options import SimulateOptions

HEIGHT, WIDTH = 48, 64
ENGINE = ("--engine", "builtin")
TINY = SimulateOptions(level="easy", width=88, height=72, frames=200, cells=6, cameras=0, seed=2)


def noise(n_frames=120, *, level=100.0, dtype=np.uint8, shape=(HEIGHT, WIDTH)):
    rng = np.random.default_rng(1)
    return rng.normal(level, 4, (n_frames, *shape)).round().astype(dtype)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A processed file; tests work on copies."""
    folder = tmp_path_factory.mktemp("hostile")
    path = make_recording(folder, TINY)
    assert main.run(["process", str(path), *ENGINE, "--quiet"]) == 0
    return path


@pytest.fixture
def processed(whole, tmp_path):
    return copy_of(whole, tmp_path)


@pytest.fixture
def foreign(tmp_path):
    def write(frames, **options):
        return write_foreign(tmp_path / "foreign.nwb", frames, **({"rate": 20.0} | options))

    return write


def refused(shell: Shell, *arguments, path, code=1) -> str:
    """Run and expect one sentence; the file and its folder stay as they were."""
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    names = sorted(item.name for item in path.parent.iterdir())
    done = shell(*arguments)
    assert done.code == code, done.out + done.err
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert sorted(item.name for item in path.parent.iterdir()) == names
    last = done.err.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    return last


def test_decisions_are_never_written_over_a_recording(shell, processed):
    last = refused(shell, "curate", processed, "--export", processed, path=processed)
    assert "is not written over" in last
    assert shell("show", processed).code == 0


def test_decisions_into_a_folder_that_is_not_there(shell, processed, tmp_path):
    target = tmp_path / "none" / "decisions.csv"
    assert "none/decisions.csv cannot be written" in refused(
        shell, "curate", processed, "--export", target, path=processed
    )


def test_a_table_that_decides_nothing_makes_no_round(shell, processed, tmp_path):
    table = tmp_path / "decisions.csv"
    table.write_text("roi,accepted\n")
    assert "no component is named" in refused(
        shell, "curate", processed, "--from", table, path=processed
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--crop", "0,0,900,60"), "lies outside of the frame, which is 88 pixels wide"),
        (("--crop", "5,5,9,9"), "leaves 4 x 4 pixels"),
        (("-p", "cell_diameter_px=400"), "too large for a field of 88 x 72"),
        (("-p", "min_pnr=inf"), "must be a number above 0"),
        (("-p", "min_pnr=nan"), "must be a number above 0"),
    ],
)
def test_plan_refuses_what_process_refuses(shell, processed, arguments, words):
    for command in (("plan",), ("process", "--force"), ("process", "--dry-run")):
        last = refused(
            shell, command[0], processed, *command[1:], *ENGINE, *arguments, path=processed
        )
        assert words in last


def test_wrong_usage_is_told_to_programs_too(shell, processed):
    done = shell("process", processed, "--threads", "0", "--json")
    assert done.code == 2
    assert "--threads" in done.answer["error"]
    assert "--threads" in done.err


@pytest.mark.parametrize("is_below", [False, True])
def test_scratch_that_is_a_file(shell, foreign, tmp_path, is_below):
    path = foreign(noise())
    place = tmp_path / "a file"
    place.touch()
    last = refused(
        shell,
        "process",
        path,
        *ENGINE,
        "--scratch",
        place / "sub" if is_below else place,
        path=path,
    )
    assert "a file" in last
    assert "--scratch" in last


def test_nothing_is_left_where_no_stage_finished(shell, foreign):
    path = foreign(np.full((120, HEIGHT, WIDTH), 90, np.uint8))
    assert "constant" in refused(shell, "process", path, *ENGINE, path=path)


def test_frames_too_small(shell, foreign):
    path = foreign(noise(shape=(8, 9)))
    last = refused(shell, "process", path, *ENGINE, path=path)
    assert "9 x 8 pixels" in last
    assert "at least 16" in last


def test_samples_that_no_camera_gives(shell, foreign):
    path = foreign(noise(dtype=np.float32) * np.float32(1e30))
    assert "larger than 1e+12" in refused(shell, "process", path, *ENGINE, path=path)


@pytest.mark.parametrize(
    ("clock", "words"),
    [
        ({"rate": 1e9}, "1e+09 frames a second"),
        ({"rate": None, "times": np.arange(120) * 50.0}, "0.02 frames a second"),
        ({"rate": None, "times": np.zeros(120)}, "no duration"),
    ],
    ids=["rate", "milliseconds", "equal"],
)
def test_times_that_are_no_seconds(shell, foreign, clock, words):
    path = foreign(noise(), **clock)
    last = refused(shell, "process", path, *ENGINE, path=path)
    assert words in last
    assert "in seconds" in last


@pytest.mark.filterwarnings("error")
def test_a_movie_whose_background_was_taken_off(shell, foreign):
    path = foreign(noise(level=-6.0, dtype=np.int16))
    done = shell("process", path, *ENGINE, "-p", "min_pnr=900", "--json")
    assert done.code == 0, done.err
    assert any("not above 0" in said for said in done.answer["warnings"])


def test_parameters_of_another_engine_are_told_and_make_no_other_run(shell, processed):
    before = processed.stat().st_mtime_ns
    done = shell("process", processed, *ENGINE, "-p", "caiman.gSig=[3,3]", "--json")
    assert done.code == 0, done.err
    (said,) = done.answer["warnings"]
    assert "caiman.gSig has no effect: the engine is builtin." in said
    assert said in done.err
    assert done.answer["was_done"]
    assert processed.stat().st_mtime_ns == before


def test_memory_that_runs_out_is_one_sentence(shell, foreign, monkeypatch):
    def exhausted(*_, **__):
        raise MemoryError

    monkeypatch.setattr(stages, "prepare", exhausted)
    path = foreign(noise())
    assert "not enough memory" in refused(shell, "process", path, *ENGINE, path=path)


def test_rounds_made_by_hand_are_not_replaced_unawares(shell, processed, tmp_path):
    export = tmp_path / "decisions.csv"
    assert shell("curate", processed, "--export", export).code == 0
    lines = export.read_text().splitlines()
    place = lines[0].split(",").index("accepted")
    fields = lines[1].split(",")
    fields[place] = "false" if fields[place].lower() in ("true", "1") else "true"
    export.write_text("\n".join([lines[0], ",".join(fields)]) + "\n")
    assert shell("curate", processed, "--from", export, "--by", "Ada").code == 0
    export.unlink()
    for command in ("process", "plan"):
        last = refused(shell, command, processed, *ENGINE, "--force", path=processed)
        assert "a round of curation made by hand" in last
        assert f"`miniscope-nwb curate {processed} --run " in last  # as it is to be typed
        assert "--drop-curation" in last
    done = shell("process", processed, *ENGINE, "--force", "--drop-curation", "--quiet")
    assert done.code == 0, done.err
    with miniscope_nwb.open(processed) as session:
        assert not session.run().rounds.is_manual.any()
