"""One run of the processing: images, footprints, traces, metrics, decisions, motion."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from miniscope_nwb.movie import Movie
from miniscope_nwb.reading.frames import Frames
from miniscope_nwb.recording import FloatArray, IntArray, Json
from miniscope_nwb.results import Float32, FloatImage, MotionBlocks, MotionResult, Sparse

if TYPE_CHECKING:
    import pandas as pd

    from miniscope_nwb.nwb.processed.runs import RunRow
    from miniscope_nwb.nwb.read import Source

Read = TypeVar("Read")


class NamedImages(dict[str, FloatImage]):
    """Images by name; a name that is not there is told with those that are."""

    def __missing__(self, name: str) -> FloatImage:
        there = f"there are {', '.join(self)}" if self else "the run stored none"
        raise KeyError(f"no image {name!r}: {there}.")


class Run:
    """What one run of the processing found.

    Traces have shape (n_cells, n_frames), NaN where a frame was left out: ``fluorescence``
    (demixed with residual), ``denoised``, ``deconvolved`` (arbitrary units), ``noise_normalized``
    (in standard deviations of the noise: the usual measure of activity), ``neuropil``, ``dff``.
    """

    def __init__(
        self, path: Source, row: RunRow, round: int | None, movie: Callable[[], Movie]
    ) -> None:
        self.path = path
        self.name = row.run
        self.info: dict[str, Any] = dict(row.values)
        self.round = int(row.values["curation_round"]) if round is None else round
        self._row = row
        self._movie = movie

    def __repr__(self) -> str:
        n, accepted = self.info["n_components"], self.info["n_accepted"]
        return f"Run({self.name!r}, {n} components, {accepted} accepted)"

    @property
    def n_cells(self) -> int:
        """Number of components, accepted or not."""
        return int(self.info["n_components"])

    @cached_property
    def images(self) -> dict[str, FloatImage]:
        """Summary images by name: template, mean, max, std, variance, correlation, pnr."""
        from miniscope_nwb.nwb.processed.read import read_images

        return NamedImages(self._read(read_images))

    @property
    def template(self) -> FloatImage:
        """What the frames are registered to, (height, width)."""
        return self.images["template"]

    @cached_property
    def footprints(self) -> Sparse:
        """Footprints, csc (height * width, n_cells): pixels in C order of (height, width)."""
        return self._masks[0]

    @property
    def masks(self) -> Float32:
        """Footprints, dense, (n_cells, height, width); `footprints` takes far less memory."""
        footprints, height, width = self._masks
        dense: Float32 = np.ascontiguousarray(footprints.toarray().T)
        return dense.reshape(-1, height, width)

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row a component: decision, position, size and all metrics."""
        from miniscope_nwb.nwb.processed.read import read_cells

        return self._table(self._read(read_cells)).assign(**self._decided())

    @property
    def quality(self) -> pd.DataFrame:
        """The same as `cells`."""
        return self.cells

    @cached_property
    def decisions(self) -> pd.DataFrame:
        """What the round of curation holds each component to be."""
        from miniscope_nwb.nwb.processed.read import read_decisions

        columns = self._read(lambda file, row: read_decisions(file, row, self.round))
        return self._table(columns)

    @property
    def rounds(self) -> pd.DataFrame:
        """The rounds of curation; the last one is current."""
        from miniscope_nwb.nwb.processed.read import read_rounds

        return self._table(self._read(read_rounds))

    @cached_property
    def events(self) -> pd.DataFrame:
        """Calcium events: timestamp (onset), peak_time, end_time, size, roi."""
        from miniscope_nwb.nwb.processed.read import read_events

        return self._table(self._read(read_events))

    @cached_property
    def event_images(self) -> dict[str, Any] | None:
        """Mean picture of each component's events; None where no component was found."""
        from miniscope_nwb.nwb.processed.read import read_event_images

        return self._read(read_event_images)

    @property
    def parameters(self) -> pd.DataFrame:
        """Every parameter as it was used, and who set it.

        `value_json` is as the file has it, and `value` what that says.
        """
        import json

        from miniscope_nwb.nwb.processed.read import read_parameters

        table = self._table(self._read(read_parameters))
        values: list[Json] = [json.loads(text) for text in table["value_json"]]
        table.insert(2, "value", values)
        return table

    @property
    def timings(self) -> pd.DataFrame:
        """What the stages took."""
        from miniscope_nwb.nwb.processed.read import read_timings

        return self._table(self._read(read_timings))

    @cached_property
    def times_s(self) -> FloatArray:
        """Times of the frames of the traces, (n_frames,), s; also where the movie is elsewhere."""
        from miniscope_nwb.nwb.processed.read import read_times

        return self._read(read_times)

    @cached_property
    def shifts_px(self) -> Float32:
        """Rigid correction of each frame, (n_frames, 2), x then y."""
        from miniscope_nwb.nwb.processed.read import read_shifts

        return self._read(read_shifts)

    @property
    def block_shifts_px(self) -> Float32 | None:
        """Correction of each block, (n_frames, n_blocks, 2); None of a rigid run."""
        return self._motion.block_shifts_px

    @property
    def blocks(self) -> MotionBlocks | None:
        """Where the blocks of `block_shifts_px` lie, pixels of the raw movie; None if rigid."""
        return self._motion.blocks

    @cached_property
    def frame_quality(self) -> pd.DataFrame:
        """One row a frame: correlation with the template before and after, outlier, brightness."""
        from miniscope_nwb.nwb.processed.read import read_motion_table

        return self._table(self._read(read_motion_table))

    @cached_property
    def corrected(self) -> Frames:
        """Corrected frames, made from the raw ones and the shifts whenever they are read.

        float32 of the raw size; NaN outside the crop and where the sensor did not see.
        """
        from miniscope_nwb.nwb.processed.read import read_defects
        from miniscope_nwb.reading.corrected import corrected_movie

        x0, y0, x1, y1 = (int(self.info[f"crop_{edge}"]) for edge in ("x0", "y0", "x1", "y1"))
        defects = self._read(read_defects)
        return Frames(corrected_movie(self._movie(), self._motion, (x0, y0, x1, y1), defects))

    def trace(self, name: str, cells: slice | IntArray = slice(None)) -> Float32:
        """Read one kind of traces, of all cells or some: (n_cells, n_frames)."""
        from miniscope_nwb.nwb.processed.read import read_trace

        return self._read(lambda file, row: read_trace(file, row, name, cells))

    @cached_property
    def fluorescence(self) -> Float32:
        """Demixed fluorescence with residual, grey levels."""
        return self.trace("fluorescence")

    @cached_property
    def denoised(self) -> Float32:
        """Denoised fluorescence, grey levels."""
        return self.trace("denoised")

    @cached_property
    def deconvolved(self) -> Float32:
        """Deconvolved activity, arbitrary units; no count of spikes."""
        return self.trace("deconvolved")

    @cached_property
    def noise_normalized(self) -> Float32:
        """Fluorescence in standard deviations of its noise."""
        return self.trace("noise_normalized")

    @cached_property
    def neuropil(self) -> Float32:
        """Background under each footprint, grey levels."""
        return self.trace("neuropil")

    @cached_property
    def dff(self) -> Float32:
        """Fluorescence over F0; the file says how F0 was made."""
        return self.trace("dff")

    def _read(self, function: Callable[[Any, RunRow], Read]) -> Read:
        from miniscope_nwb.nwb.read import open_nwb

        with open_nwb(self.path) as file:
            return function(file, self._row)

    def _table(self, columns: dict[str, Any]) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(columns)

    @cached_property
    def _masks(self) -> tuple[Sparse, int, int]:
        from miniscope_nwb.nwb.processed.masks import read_masks
        from miniscope_nwb.nwb.processed.read import cells_table

        return self._read(lambda file, row: read_masks(file, cells_table(file, row)))

    def _decided(self) -> dict[str, Any]:
        """Columns of the round that was asked for, under the names of the table of cells."""
        found = self.decisions
        names = {
            "accepted": "accepted",
            "reason": "reason",
            "mask_type": "mask_type",
            "confidence": "mask_type_confidence",
            "method": "mask_type_method",
        }
        return {column: found[name] for name, column in names.items() if name in found}

    @cached_property
    def _motion(self) -> MotionResult:
        from miniscope_nwb.nwb.processed.read import read_blocks

        blocks, block_shifts = self._read(read_blocks) or (None, None)
        return MotionResult(
            template=np.zeros((0, 0), np.float32),
            shifts_px=self.shifts_px,
            blocks=blocks,
            block_shifts_px=block_shifts,
            is_registered=np.ones(len(self.shifts_px), np.bool_),
            block_residual_px=float(self.info.get("block_residual_px", np.nan)),
        )
