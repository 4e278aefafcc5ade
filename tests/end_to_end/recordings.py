"""Run commands as a user does, and read what they wrote."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pynwb import NWBHDF5IO

from miniscope_nwb.cli.main import run


@dataclass(frozen=True)
class Outcome:
    """Exit code and words of one command."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        return json.loads(self.out)


class Shell:
    """Runs commands in this process; the words come from pytest's capture."""

    def __init__(self, capfd) -> None:
        self.capfd = capfd

    def __call__(self, *arguments: object) -> Outcome:
        self.capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = self.capfd.readouterr()
        assert "Traceback" not in captured.err
        return Outcome(code, captured.out, captured.err)


@contextmanager
def opened(path: Path):
    with NWBHDF5IO(path, "r") as io:
        yield io.read()


def convert(shell: Shell, raw: Path, out: Path, *options: object) -> Outcome:
    return shell("convert", raw, "-o", out, *options)


def table(nwb, name: str):
    """A table of the recording module as a data frame; empty where it is absent."""
    import pandas as pd

    module = nwb.processing["recording"]
    return module[name].to_dataframe() if name in module.data_interfaces else pd.DataFrame()


def lost_frames(nwb):
    import pandas as pd

    if "LostFrames" not in (nwb.intervals or {}):
        return pd.DataFrame(columns=["device", "n_lost", "evidence", "start_time", "stop_time"])
    return nwb.intervals["LostFrames"].to_dataframe()
