"""The traces of a run, streamed from the scratch files into the NWB file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from pynwb.ophys import DfOverF, Fluorescence, PlaneSegmentation, RoiResponseSeries

from miniscope_nwb.nwb.processed.context import Context
from miniscope_nwb.nwb.processed.later import Later, Packed, chunk_places, pack, reserve

TRACE_CHUNK = (4096, 16)  # frames, cells: a cell's trace and a window of all cells both open fast
_LEFT_OUT = "NaN at frames that are left out."
_MODELLED = "Frames that are left out follow the model."


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of the traces: name of the series, field of `Traces`, unit and meaning."""

    name: str
    field: str
    unit: str
    text: str


KINDS = (
    _Kind("Fluorescence", "fluorescence", "grey levels",
          "Demixed fluorescence with residual (C + YrA) at the peak of each footprint, without "
          f"background. {_LEFT_OUT}"),
    _Kind("Denoised", "denoised", "grey levels",
          f"Denoised fluorescence (C), without baseline. {_MODELLED}"),
    _Kind("Deconvolved", "deconvolved", "a.u.",
          f"Deconvolved activity (S), arbitrary units; no count of spikes. {_MODELLED}"),
    _Kind("NoiseNormalized", "noise_normalized", "noise standard deviations",
          "(C + YrA - baseline) / sigma: demixed fluorescence in units of its own noise; the usual "
          f"measure of activity. {_LEFT_OUT}"),
    _Kind("Neuropil", "neuropil", "grey levels",
          f"Background under each footprint, weighted by it. {_LEFT_OUT}"),
)  # fmt: skip


def add_traces(context: Context, segmentation: PlaneSegmentation) -> None:
    """Add all traces; nothing where there is no cell."""
    if not context.run.extraction.n_cells:
        return
    # The container must be in the module before its series, or hdmf warns.
    container = Fluorescence(name=context.names.fluorescence)
    context.module.add(container)
    for kind in KINDS:
        container.add_roi_response_series(_series(context, segmentation, kind))
    if any(np.isfinite(cell).any() for cell in context.run.traces.dff):  # not all in memory
        dff = DfOverF(name=context.names.dff)
        context.module.add(dff)
        kind = _Kind("DfOverF", "dff", "a.u.", _describe_dff(context))
        dff.add_roi_response_series(_series(context, segmentation, kind))


def _describe_dff(context: Context) -> str:
    return (
        "Demixed fluorescence over F0. F0 is "
        f"{context.run.traces.f0_text.strip().rstrip('.')}. NaN where F0 is not above zero, and at "
        "frames that are left out."
    )


def _series(context: Context, segmentation: PlaneSegmentation, kind: _Kind) -> RoiResponseSeries:
    values = getattr(context.run.traces, kind.field)  # (n_cells, n_frames), mapped
    n_cells, n_frames = values.shape
    shape = (n_frames, n_cells)
    data, chunks = reserve(shape, TRACE_CHUNK)

    def make(place: Any) -> Packed:
        frame, cell = place
        block = values[cell : cell + chunks[1], frame : frame + chunks[0]]
        return [(place, pack(np.asarray(block, np.float32).T, chunks))]

    context.later.append(Later(data, chunk_places(shape, chunks), make))
    return RoiResponseSeries(
        name=kind.name + context.names.suffix,
        description=kind.text,
        data=data,
        unit=kind.unit,
        rois=segmentation.create_roi_table_region(
            description=f"All components of {segmentation.name}.", region=list(range(n_cells))
        ),
        **context.clock(),
    )
