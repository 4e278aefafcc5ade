"""Which runs a file holds, and where their objects stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import h5py

from miniscope_nwb.nwb.processed.names import GROUP, MOTION_CORRECTION, RUNS, RunNames
from miniscope_nwb.nwb.read import read_table

Corrected = Literal["none", "preview", "full"]
_STACK, _ALONE = "CorrectedImageStack", "xy_translation"


@dataclass(frozen=True, slots=True)
class RunRow:
    """A row of `ProcessingRuns`."""

    row: int
    values: dict[str, Any]  # by column

    @property
    def run(self) -> str:
        """Name of the run."""
        return str(self.values["run"])

    @property
    def names(self) -> RunNames:
        """Where the run's objects stand."""
        motion = str(self.values["motion"])
        suffix = str(self.values["segmentation"]).removeprefix("PlaneSegmentation")
        return RunNames(suffix, motion.removeprefix(_STACK).removeprefix(_ALONE))

    @property
    def translation_path(self) -> str:
        """Path of the shifts in the file."""
        motion = str(self.values["motion"])
        if motion.startswith(_STACK):
            return f"{GROUP}/{MOTION_CORRECTION}/{motion}/{_ALONE}"
        return f"{GROUP}/{motion}"


def read_runs(file: h5py.File) -> list[RunRow]:
    """Read which runs a file holds, the oldest first."""
    table = read_table(file, RUNS, group=GROUP)
    if table is None:
        return []
    return [
        RunRow(row, {name: _plain(values[row]) for name, values in table.items()})
        for row in range(len(table["run"]))
    ]


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def stored_corrected(file: h5py.File, run: RunRow) -> Corrected:
    """Say how much of the corrected movie stands in the file.

    All of it has every frame in the size in which it was processed. A preview of a short movie has
    every frame, too, but of binned pixels.
    """
    stack = run.translation_path.removesuffix(f"/{_ALONE}")
    if f"{stack}/corrected/data" not in file:
        return "none"
    stored = file[f"{stack}/corrected/data"].shape  # (time, width, height)
    n_frames = len(file[f"{run.translation_path}/data"])
    return "full" if stored == (n_frames, *_processed_size(run)) else "preview"


def _processed_size(run: RunRow) -> tuple[int, int]:
    """Width and height of the frames that a run worked on."""
    x0, y0, x1, y1 = (int(run.values[f"crop_{name}"]) for name in ("x0", "y0", "x1", "y1"))
    factor = int(run.values["spatial_factor"])
    return (x1 - x0) // factor, (y1 - y0) // factor


def find_shared_motion(
    file: h5py.File, *, motion_hash: str, input_hash: str, corrected: Corrected
) -> RunRow | None:
    """Find a run whose motion result a new run can share.

    None where no run has the same one, or it stores less of the corrected movie than is asked for.
    """
    order = ("none", "preview", "full")
    for row in read_runs(file):
        same = (row.values.get("motion_hash"), row.values["input_hash"]) == (
            motion_hash, input_hash,
        )  # fmt: skip
        if same and order.index(stored_corrected(file, row)) >= order.index(corrected):
            return row
    return None
