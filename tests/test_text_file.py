"""Text files that commands write: whole or not at all, whatever the disk does."""

from __future__ import annotations

import errno
import os
import threading

import numpy as np
import pytest

from miniscope_nwb.cli.main import run
from miniscope_nwb.errors import OutputError
from miniscope_nwb.nwb.processed.decisions_csv import read_decision_file, write_decision_file
from miniscope_nwb.simulate.folder import simulate
from miniscope_nwb.simulate.options import SimulateOptions
from miniscope_nwb.text_file import write_text_file

DECISIONS = {
    "roi": np.arange(2), "accepted": np.array([True, False]), "mask_type": ["soma", "soma"],
    "confidence": np.array([0.5, np.nan]), "reason": ["", "vessel"],
}  # fmt: skip


@pytest.fixture
def full_disk(monkeypatch) -> None:
    """A disk that takes the name and has no room for the content, as it turns out at the end."""

    def no_room(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_room)


def contents(folder) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


@pytest.mark.usefixtures("full_disk")
@pytest.mark.parametrize("before", [{}, {"a.md": "old"}])
def test_a_full_disk_leaves_what_was_there(tmp_path, before, monkeypatch, capsys):
    for name, text in before.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr("miniscope_nwb.methods.methods_text", lambda *_, **__: "new")
    with pytest.raises(OutputError, match="No space left"):
        write_decision_file(tmp_path / "a.md", DECISIONS, run="default")
    assert contents(tmp_path) == before
    assert run(["methods", "x.nwb", "-o", str(tmp_path / "a.md"), "--overwrite"]) == 1
    assert "the disk is full" in capsys.readouterr().err
    assert contents(tmp_path) == before


@pytest.mark.usefixtures("full_disk")
def test_init_leaves_no_empty_template(tmp_path, capsys):
    options = SimulateOptions(level="easy", width=64, height=48, frames=20, cells=2, cameras=0)
    simulate(tmp_path / "raw", format="v4", options=options)
    (tmp_path / "out").mkdir()
    assert run(["init", str(tmp_path / "raw"), "-o", str(tmp_path / "out" / "s.yaml")]) == 1
    assert "the disk is full" in capsys.readouterr().err
    assert contents(tmp_path / "out") == {}


def test_what_is_replaced_keeps_its_permissions_and_its_link(tmp_path):
    real, link = tmp_path / "real.md", tmp_path / "link.md"
    real.write_text("old", encoding="utf-8")
    real.chmod(0o640)
    link.symlink_to(real)
    write_text_file(link, "new\r\n")
    assert link.is_symlink()
    assert (real.read_bytes(), real.stat().st_mode & 0o777) == (b"new\r\n", 0o640)
    assert len(contents(tmp_path)) == 2


def test_a_pipe_is_written_to_not_replaced(tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text(encoding="utf-8")))
    reader.start()
    write_text_file(pipe, "through")
    reader.join()
    assert (got, pipe.is_fifo()) == (["through"], True)


def test_decisions_come_back(tmp_path):
    write_decision_file(tmp_path / "d.csv", DECISIONS, run="default")
    rows = read_decision_file(tmp_path / "d.csv")
    assert [(row.roi, row.accepted, row.reason, row.run) for row in rows] == [
        (0, True, None, "default"), (1, False, "vessel", "default"),
    ]  # fmt: skip
