"""The ground truth of a simulated recording, in an NWB file of its own.

The layout is that of a processed recording (module ``processing/ophys``), so that what a program
finds in the raw folder can be compared name by name. Traces come in blocks and go straight into
the file: memory does not grow with the recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import h5py
import numpy as np
from pynwb import NWBHDF5IO, H5DataIO

from miniscope_nwb.nwb.axes import image_to_nwb
from miniscope_nwb.nwb.careful_file import CarefulFile
from miniscope_nwb.nwb.truth_objects import TRACE_CHUNK, add_field, add_lost_frames, make_file
from miniscope_nwb.nwb.truth_records import FloatImage, TrueCells, TrueField, TrueSession

__all__ = ["TrueCells", "TrueField", "TrueSession", "TruthFile"]


class TruthFile:
    """Writes the ground truth; use it as a context manager.

    Parameters
    ----------
    path
        NWB file to write; its folder exists.
    session
        Head of the file.
    fields
        One a miniscope, in the order of `append`'s `field`.
    """

    def __init__(self, path: Path, session: TrueSession, fields: Sequence[TrueField]) -> None:
        self._buffers: list[_Buffer] = []
        nwb = make_file(session)
        masks: list[tuple[H5DataIO, TrueCells]] = []
        for field in fields:
            stored_mask, targets = add_field(nwb, field)
            self._buffers.append(_Buffer(targets))
            masks += [(stored_mask, field.cells)] if stored_mask is not None else []
        add_lost_frames(nwb, [span for field in fields for span in field.losses])
        self._disk = CarefulFile(path)  # a full disk is an error, and no crash when HDF5 closes
        with ExitStack() as opened:
            opened.enter_context(self._disk)
            file = opened.enter_context(h5py.File(self._disk, "w"))
            opened.enter_context(NWBHDF5IO(file=file, mode="w")).write(nwb)
            for stored, cells in masks:
                for number in range(len(cells)):
                    stored.dataset[number] = image_to_nwb(cells.mask(number))
                    self._disk.check()
            self._opened = opened.pop_all()  # else closed: Windows deletes no open file

    def __enter__(self) -> TruthFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._opened:
            if kind is None:
                for buffer in self._buffers:
                    buffer.flush()
        if kind is None:
            self._disk.check()

    def append(
        self,
        field: int,
        *,
        spikes: FloatImage,
        fluorescence: FloatImage,
        rigid: FloatImage,
        bend: FloatImage,
    ) -> None:
        """Append what is true of the next recorded frames of one miniscope.

        Parameters
        ----------
        field
            Number of the miniscope.
        spikes, fluorescence
            (n, n_cells).
        rigid
            Displacement of the tissue in pixels, x then y, (n, 2); its negative is stored.
        bend
            What each block moves besides, (n, n_blocks, 2).

        Raises
        ------
        OSError
            If what came before could not be written: the disk is full, say.
        """
        self._disk.check()
        buffer = self._buffers[field]
        values = {"Deconvolved": spikes, "Fluorescence": fluorescence, "xy_translation": -rigid}
        values["BlockShifts"] = -(rigid[:, None, :] + bend)
        buffer.append({key: value for key, value in values.items() if key in buffer.targets})


class _Buffer:
    """Gathers frames until whole chunks can be written, so that none is compressed twice."""

    def __init__(self, targets: dict[str, H5DataIO]) -> None:
        self.targets = targets
        self._held: dict[str, list[FloatImage]] = {key: [] for key in targets}
        self._n_held = 0
        self._done = 0

    def append(self, values: dict[str, FloatImage]) -> None:
        for key, value in values.items():
            self._held[key].append(value)
        self._n_held += len(values["xy_translation"])
        if self._n_held >= TRACE_CHUNK[0]:
            self._write(TRACE_CHUNK[0])

    def flush(self) -> None:
        if self._n_held:
            self._write(self._n_held)

    def _write(self, n: int) -> None:
        for key, pieces in self._held.items():
            joined = np.concatenate(pieces)
            self.targets[key].dataset[self._done : self._done + n] = joined[:n]
            self._held[key] = [joined[n:].copy()]
        self._done += n
        self._n_held -= n
