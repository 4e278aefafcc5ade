"""`FrameInfo<device>`: where every stored frame comes from, and what was recorded of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from hdmf.common import DynamicTable

from miniscope_nwb.nwb.object_names import frame_info_name
from miniscope_nwb.nwb.tables import Column, make_table
from miniscope_nwb.recording import Device, IntArray, Stamps, Timeline
from miniscope_nwb.session import DeviceInfo, Segment

NOT_RECORDED = -1

_RECORDED: tuple[tuple[str, str, Callable[[Stamps], IntArray | None]], ...] = (
    (
        "frame_number",
        "Frame number in the time stamp file, as recorded; -1 where there is none.",
        lambda stamps: stamps.frame_number,
    ),
    (
        "buffer_index",
        "Frames that waited in the acquisition's buffer when this one was saved; -1 where not "
        "recorded.",
        lambda stamps: stamps.buffer_index,
    ),
    (
        "daq_frame_number",
        "Frame counter of the acquisition hardware, as recorded; -1 where not recorded.",
        lambda stamps: stamps.hardware_frame,
    ),
)


def make_frame_info(
    info: DeviceInfo, segments: Sequence[Segment], file_rows: Mapping[str, int]
) -> DynamicTable:
    """Make the table of a device's stored frames, one row a frame of its series.

    Parameters
    ----------
    info
        The device.
    segments
        Of the file; those without frames of the device are skipped.
    file_rows
        Row of `SourceFiles` by relative path.
    """
    found = [
        (device, timeline)
        for segment in segments
        for device in segment.recording.devices
        if device.name == info.name and (timeline := segment.timelines.get(info.name)) is not None
    ]
    columns = [
        Column(
            "frame_index",
            "0-based index of the frame among those that its recording saved.",
            np.concatenate([timeline.frame_index for _, timeline in found]),
        ),
        Column(
            "stamp_row",
            "0-based row of the recording's time stamp file that gave the time stamp; -1 where "
            "there is none.",
            np.concatenate([timeline.row for _, timeline in found]),
        ),
        *_recorded_columns(found),
        Column(
            "file",
            "Video file of the frame, as row of the table SourceFiles.",
            np.concatenate([_file_rows(device, timeline, file_rows) for device, timeline in found]),
        ),
        Column(
            "frame_in_file",
            "0-based index of the frame in its video file.",
            np.concatenate([timeline.frame_in_part for _, timeline in found]),
        ),
    ]
    return make_table(
        frame_info_name(info),
        f"The stored frames of {info.name}, one row for each frame of its series, in its order.",
        columns,
    )


def _recorded_columns(found: Sequence[tuple[Device, Timeline]]) -> list[Column]:
    columns = []
    for name, description, column_of in _RECORDED:
        if any(d.stamps is not None and column_of(d.stamps) is not None for d, _ in found):
            values = [
                _rows_of(None if d.stamps is None else column_of(d.stamps), t.row) for d, t in found
            ]
            columns.append(Column(name, description, np.concatenate(values)))
    return columns


def _rows_of(recorded: IntArray | None, row: IntArray) -> IntArray:
    values = np.full(len(row), NOT_RECORDED, np.int64)
    if recorded is not None:
        has_row = row >= 0
        values[has_row] = recorded[row[has_row]]
    return values


def _file_rows(device: Device, timeline: Timeline, file_rows: Mapping[str, int]) -> IntArray:
    rows = np.array([file_rows[part.relative_path] for part in device.parts], np.int64)
    return rows[timeline.part]
