"""The judgement of a run: metrics, calcium events, and each cell's event image."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from hdmf.backends.hdf5 import H5DataIO
from hdmf.common import DynamicTable, DynamicTableRegion, VectorData
from pynwb.event import EventsTable, TimestampVectorData
from pynwb.ophys import PlaneSegmentation

from miniscope_nwb.nwb.axes import movie_to_nwb
from miniscope_nwb.nwb.processed.context import Context
from miniscope_nwb.nwb.processed.geometry import enlarge
from miniscope_nwb.nwb.tables import RESERVED, Column, compact, is_all_nan


def add_quality(context: Context, segmentation: PlaneSegmentation) -> None:
    """Add the tables of metrics, events and event images; nothing where there is no cell."""
    n_cells = context.run.extraction.n_cells
    if not n_cells:
        return
    context.module.add(
        _table_by_roi(
            context.names.quality,
            "Metrics of the components, one row each.",
            segmentation,
            _metric_columns(context),
        )
    )
    context.module.add(
        _table_by_roi(
            context.names.event_images,
            "Mean picture of each component's largest events, minus the second before, background "
            "taken off; events are found on one half of the footprint's pixels and shown on the "
            "other half, both ways. Patches are stored as (width, height).",
            segmentation,
            _event_image_columns(context),
        )
    )
    if len(context.run.quality.events.cell):
        context.nwb.add_events_table(_events(context, segmentation))


def _metric_columns(context: Context) -> Iterable[Column]:
    """Columns of all metrics, then the figures of the extraction that are no metrics."""
    run = context.run
    for name, metric in run.quality.metrics.items():
        key = f"{name}_metric" if name in (*RESERVED, "roi") else name
        yield Column(key, metric.description, metric.values)
    extra: dict[str, tuple[str, Any]] = {
        "baseline": ("Baseline of the fluorescence, grey levels.", run.extraction.baseline),
        "noise": ("Standard deviation of the noise, grey levels.", run.extraction.noise),
    }
    for order in range(run.extraction.kernel.shape[1]):
        text = f"Coefficient {order + 1} of the autoregressive model of decay, a frame at full rate"
        extra[f"ar_{order + 1}"] = (f"{text}.", run.extraction.kernel[:, order])
    for name, values in run.extraction.scores.items():
        extra[f"{run.engine}_{name}"] = (f"{name}, as {run.engine} computed it.", values)
    for name, (text, values) in extra.items():
        if name not in run.quality.metrics:
            yield Column(name, text, np.asarray(values, np.float64))


def _event_image_columns(context: Context) -> Iterable[Column]:
    found, frame = context.run.quality.event_images, context.frame
    texts = {
        "image": "Mean picture of the events, grey levels; NaN outside the field or without event.",
        "null_image": "The same selection with the footprint moved to a place without a cell.",
    }
    for name, text in texts.items():
        patches = enlarge(np.asarray(getattr(found, name), np.float32), frame.factor)
        if is_all_nan(patches):
            continue
        chunks = (1, patches.shape[2], patches.shape[1])
        yield Column(
            name,
            text,
            H5DataIO(
                movie_to_nwb(patches), chunks=chunks, compression="gzip", compression_opts=1,
                shuffle=True,
            ),
        )  # fmt: skip
    yield Column("x_start", "Raw column of the patch's first one, px.", frame.x_edge(found.x_start))
    yield Column("y_start", "Raw row of the patch's first one, px.", frame.y_edge(found.y_start))
    yield Column("n_events", "Events that the picture is the mean of.", np.asarray(found.n_events))
    yield Column(
        "correlation",
        "Correlation of the picture with the footprint; NaN: no event.",
        np.asarray(found.correlation, np.float64),
    )
    yield Column(
        "null_correlation",
        "The same of the null picture.",
        np.asarray(found.null_correlation, np.float64),
    )


def _table_by_roi(
    name: str, description: str, segmentation: PlaneSegmentation, columns: Iterable[Column]
) -> DynamicTable:
    kept = [column for column in columns if not is_all_nan(column.values)]
    n_cells = len(segmentation.id)
    return DynamicTable(
        name=name,
        description=description,
        columns=[
            _region(segmentation, np.arange(n_cells)),
            *(
                VectorData(name=c.name, description=c.description, data=compact(c.values))
                for c in kept
            ),
        ],
        id=np.arange(n_cells),
    )


def _region(segmentation: PlaneSegmentation, rows: Any) -> DynamicTableRegion:
    return DynamicTableRegion(
        name="roi",
        description=f"Component, a row of {segmentation.name}.",
        data=compact(rows),
        table=segmentation,
    )


def _events(context: Context, segmentation: PlaneSegmentation) -> EventsTable:
    events, times = context.run.quality.events, context.times_s
    table_region = _region(segmentation, np.asarray(events.cell, np.int64))
    others = (
        ("peak_time", "Time of the peak, s.", times[events.peak]),
        ("end_time", "Time of the last frame above the lower threshold, s.", times[events.end]),
        ("size", "Height of the peak, noise standard deviations.",
         np.asarray(events.size, np.float64)),
    )  # fmt: skip
    return EventsTable(
        name=context.names.events,
        description="Calcium events in the noise-normalised traces, in the order of their onsets.",
        source_description="Two thresholds on NoiseNormalized; see ProcessingParameters.",
        columns=[
            TimestampVectorData(
                name="timestamp", description="Onset, s.", data=compact(times[events.onset])
            ),
            *(
                VectorData(name=name, description=text, data=compact(values))
                for name, text, values in others
            ),
            table_region,
        ],
        id=np.arange(len(events.cell)),
    )
