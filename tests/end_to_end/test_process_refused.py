"""What cannot be done is refused by `process`, `plan` and `--dry-run` alike, in one sentence."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest


def free_space(monkeypatch, n_bytes):
    """Let the drives have so much room."""
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=n_bytes))


IMPOSSIBLE = pytest.mark.parametrize(
    ("more", "words"),
    [
        (["-p", "spatial_factor=7"], "recording.nwb: preprocess.spatial_factor=7 leaves 17 x 13"),
        (["-p", "cell_diameter_px=70"], "recording.nwb: a cell of 70 pixels is too large"),
        (["--crop", "0,0,90,15"], "recording.nwb: the crop leaves 90 x 15 pixels"),
        (["--max-memory", "50MB"], "the least that works is --max-memory "),
        (["--scratch", "{file}/below"], "(Not a directory): name a folder"),
        (["-p", "min_por=3"], "extract.min_pnr"),
        (["--preset", "GCaMP7"], "there is no preset 'GCaMP7'"),
        (["--run", "a/b"], "cannot name a run"),
        (["--engine", "suite2p"], "builtin, caiman"),
        (["--crop", "0,0,5"], "x0,y0,x1,y1"),
        (["--params", "absent.yaml"], "absent.yaml cannot be read"),
        (["--series", "Other"], "OnePhotonSeries"),
    ],
)


@pytest.mark.parametrize("command", [("process",), ("plan",), ("process", "--dry-run")])
@IMPOSSIBLE
def test_what_cannot_be_done_is_refused_by_plan_and_process(shell, path, command, more, words):
    more = [text.format(file=path) for text in more]
    refused = shell(*command[:1], path, "--engine", "builtin", *command[1:], *more)
    assert refused.code == 1
    assert words in refused.err.splitlines()[-1]
    assert [item.name for item in path.parent.iterdir()] == [path.name]


@IMPOSSIBLE
def test_wrong_requests_end_in_one_sentence(shell, path, more, words):
    more = [text.format(file=path) for text in more]
    refused = shell("process", path, *more)
    said = [line for line in refused.err.splitlines() if not line.startswith("engine builtin: ")]
    assert len(said) == 1
    assert said[0].startswith("Error: ")
    answer = shell("process", path, *more, "--json")
    assert answer.code == 1
    assert words in json.loads(answer.out)["error"]


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
