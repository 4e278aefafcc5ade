"""The first frames only, for a quick look at what `convert` would write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from miniscope_nwb.recording import Timeline


def stub_timelines(timelines: Mapping[str, Timeline], n_frames: int) -> dict[str, Timeline]:
    """Keep the first `n_frames` stored frames of every device.

    Repairs and lost frames behind the last kept frame are left out with the frames that they
    speak of; the problems of the whole recording stay.
    """
    return {name: _stub(timeline, n_frames) for name, timeline in timelines.items()}


def _stub(timeline: Timeline, n_frames: int) -> Timeline:
    if timeline.n_frames <= n_frames:
        return timeline
    last_frame = timeline.frame_index[n_frames - 1]
    last_time = timeline.time_s[n_frames - 1]
    return replace(
        timeline,
        part=timeline.part[:n_frames],
        frame_in_part=timeline.frame_in_part[:n_frames],
        frame_index=timeline.frame_index[:n_frames],
        row=timeline.row[:n_frames],
        time_s=timeline.time_s[:n_frames],
        repairs=tuple(repair for repair in timeline.repairs if repair.frame <= last_frame),
        lost=tuple(span for span in timeline.lost if span.start_s < last_time),
    )
