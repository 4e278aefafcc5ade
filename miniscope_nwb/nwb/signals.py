"""Signals beside the frames: head orientation, notes, changed settings, spans of time."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
from pynwb import NWBFile, TimeSeries
from pynwb.misc import AnnotationSeries

from miniscope_nwb.nwb.object_names import LOST_FRAMES, NOTES, signal_name
from miniscope_nwb.nwb.tables import RESERVED, Column, compact, make_intervals
from miniscope_nwb.recording import Intervals, Samples
from miniscope_nwb.session import DeviceInfo, Segment


def add_samples(
    file: NWBFile, segments: Iterable[Segment], infos: Mapping[str, DeviceInfo]
) -> tuple[str, ...]:
    """Add every sampled signal as a series with its own time stamps.

    Returns
    -------
    tuple of str
        Names of the series.
    """
    found: dict[tuple[str, str], list[tuple[Samples, float]]] = defaultdict(list)
    for segment in segments:
        for item in segment.recording.samples:
            if len(item.time_s):
                found[item.kind, item.device].append((item, segment.offset_s))
    kinds = [kind for kind, _ in found]
    names = []
    for (kind, device), items in found.items():
        first = items[0][0]
        series = TimeSeries(
            name=signal_name(kind, infos.get(device), is_shared=kinds.count(kind) > 1),
            description=_describe(first, [item.source for item, _ in items]),
            data=compact(np.concatenate([item.data for item, _ in items])),
            timestamps=compact(np.concatenate([item.time_s + offset for item, offset in items])),
            unit=first.unit or "unknown",
            comments=f"Columns: {', '.join(first.columns)}." if first.columns else "no comments",
        )
        file.add_acquisition(series)
        names.append(series.name)
    return tuple(names)


def _describe(samples: Samples, sources: list[str]) -> str:
    what = (samples.description or samples.kind).rstrip(".")
    whose = f" of {samples.device}" if samples.device and samples.device not in what else ""
    return f"{what}{whose}, with the time stamps of {', '.join(sources)}."


def add_notes(file: NWBFile, segments: Iterable[Segment]) -> None:
    """Add the remarks typed during the recording, if there are any."""
    notes = sorted(
        (note.time_s + segment.offset_s, note.text)
        for segment in segments
        for note in segment.recording.notes
    )
    if not notes:
        return
    with warnings.catch_warnings():
        # pynwb would rather have an EventsTable; programs that read our files look for this type.
        warnings.filterwarnings("ignore", message="AnnotationSeries is deprecated")
        series = AnnotationSeries(
            name=NOTES,
            description="Notes typed during the recording.",
            data=[text for _, text in notes],
            timestamps=np.array([time for time, _ in notes]),
        )
    file.add_acquisition(series)


def add_intervals(
    file: NWBFile, segments: Iterable[Segment], infos: Mapping[str, DeviceInfo]
) -> None:
    """Add the recorded spans of time: port status, digital inputs."""
    found: dict[tuple[str, str], list[tuple[Intervals, float]]] = defaultdict(list)
    for segment in segments:
        for item in segment.recording.intervals:
            if len(item.start_s):
                found[item.kind, item.device].append((item, segment.offset_s))
    kinds = [kind for kind, _ in found]
    for (kind, device), items in found.items():
        sources = ", ".join(item.source for item, _ in items)
        names = dict.fromkeys(name for item, _ in items for name in item.columns)
        columns = [
            Column(
                f"{name}_recorded" if name in RESERVED else name,
                f"{name.replace('_', ' ').capitalize()}, as recorded.",
                [v for item, _ in items for v in item.columns.get(name, [""] * len(item.start_s))],
            )
            for name in names
        ]
        table = make_intervals(
            signal_name(kind, infos.get(device), is_shared=kinds.count(kind) > 1),
            f"{(items[0][0].description or kind).rstrip('.')} (from {sources}).",
            np.concatenate([item.start_s + offset for item, offset in items]),
            np.concatenate([item.stop_s + offset for item, offset in items]),
            columns,
        )
        file.add_time_intervals(table)


def add_lost_frames(file: NWBFile, segments: Iterable[Segment]) -> None:
    """Add the spans in which frames were lost, if there are any."""
    spans = [span for s in segments for timeline in s.timelines.values() for span in timeline.lost]
    if not spans:
        return
    table = make_intervals(
        LOST_FRAMES,
        "Spans of time in which frames were lost, from the last frame before to the first frame "
        "after.",
        np.array([span.start_s for span in spans]),
        np.array([span.stop_s for span in spans]),
        (
            Column("device", "Scope or camera that lost frames.", [s.device for s in spans]),
            Column("n_lost", "Number of lost frames.", np.array([s.n_lost for s in spans])),
            Column(
                "evidence",
                "How the loss is known: counter (frame counter of the hardware), interval (gap "
                "between time stamps), file (recorded, but the video file is damaged or missing).",
                [span.evidence for span in spans],
            ),
        ),
    )
    file.add_time_intervals(table)
