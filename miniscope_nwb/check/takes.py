"""Parts the frames of a series by the stamp file that they belong to.

A series of one recording is one take. A joined one has a take for each recording, each with its
own offset and its own repairs: the file lists the repairs of all recordings in one table, and
counts frames from 0 in each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from miniscope_nwb.check import layout
from miniscope_nwb.check.layout import StampFile
from miniscope_nwb.check.raw_stamps import RawStamps
from miniscope_nwb.check.stamps import Take
from miniscope_nwb.nwb.read import RecordingRow, RepairRow, Series, SourceRow
from miniscope_nwb.recording import IntArray

Group = tuple[StampFile | None, list[SourceRow]]


def group_by_stamps(videos: Sequence[SourceRow], sources: Sequence[SourceRow]) -> list[Group]:
    """Gather the videos of a device that share a stamp file."""
    groups: dict[StampFile | None, list[SourceRow]] = {}
    for video in videos:
        groups.setdefault(layout.stamp_file_of(video, sources), []).append(video)
    return list(groups.items())


def make_takes(
    series: Series,
    groups: Sequence[Group],
    recordings: Sequence[RecordingRow],
    *,
    stub: int | None,
) -> list[Take]:
    """Make the take of each group, in the order of the groups, without their repairs."""
    rows = [
        np.flatnonzero(np.isin(series.file, [video.row for video in videos]))
        for _, videos in groups
    ]
    offsets = _offsets(groups, rows, recordings)
    return [
        Take(
            series=series.name,
            source=stamp_file.path if stamp_file else "",
            rows=mine,
            frames=series.frame_index[mine],
            time_s=series.time_s[mine],
            offset_s=offset_s,
            is_open_ended=stub is not None and len(mine) >= stub,
        )
        for (stamp_file, _), mine, offset_s in zip(groups, rows, offsets, strict=True)
    ]


def _offsets(
    groups: Sequence[Group], rows: Sequence[IntArray], recordings: Sequence[RecordingRow]
) -> list[float]:
    """Find the recording of each group: by its folder, and by order where several share one."""
    offsets = [0.0] * len(groups)
    in_order = sorted(range(len(groups)), key=lambda g: rows[g][0] if len(rows[g]) else -1)
    taken: set[int] = set()
    for place in in_order:
        numbers = layout.recordings_of(groups[place][1][0].path, recordings)
        free = [number for number in numbers if number not in taken] or numbers
        if free:
            taken.add(free[0])
            offsets[place] = recordings[free[0]].offset_s
    return offsets


def share_out_repairs(
    takes: Sequence[Take],
    stamps: Mapping[int, RawStamps],
    repairs: Sequence[RepairRow],
) -> list[list[RepairRow]]:
    """Say which take each repair of a device speaks of.

    What is stored lies in the time of its take; what is not stored is told by the raw file, which
    has the recorded stamp for the frame, or none. A repair that is as true of several takes is
    given to all of them.

    Parameters
    ----------
    takes
        Of one device.
    stamps
        Raw stamps by place in `takes`, where they could be read.
    repairs
        Of that device.
    """
    shares: list[list[RepairRow]] = [[] for _ in takes]
    for repair in repairs:
        distances = [_distance(repair, take, stamps.get(n)) for n, take in enumerate(takes)]
        for share, distance in zip(shares, distances, strict=True):
            if distance == min(distances):
                share.append(repair)
    return shares


def _distance(repair: RepairRow, take: Take, raw: RawStamps | None) -> tuple[float, bool]:
    """Measure how far a repair is from a take: in time, then in what was recorded."""
    at = raw.time_s[raw.frame == repair.frame] if raw is not None else np.zeros(0)
    is_true = bool(np.any(at == repair.recorded_s))
    if np.isnan(repair.recorded_s):
        is_true = not len(at) and repair.frame not in take.frames
    if np.isnan(repair.used_s) or not len(take.time_s):
        return 0.0, not is_true
    low, high = float(take.time_s.min()), float(take.time_s.max())
    return max(low - repair.used_s, repair.used_s - high, 0.0), not is_true
