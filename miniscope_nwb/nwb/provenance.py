"""Tables of what the recording says of itself and of what was done with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from datetime import timedelta
from typing import Any

import numpy as np
from hdmf.common import DynamicTable

from miniscope_nwb import __version__
from miniscope_nwb.nwb.tables import Column, make_table
from miniscope_nwb.recording import DeviceTiming, Problem, Repair
from miniscope_nwb.session import ConversionPlan, ConvertOptions, Segment

# Every field of DeviceTiming is a column; what it says.
_TIMING = {
    "device": "Scope or camera.",
    "n_frames": "Number of stored frames.",
    "nominal_rate_hz": "Frame rate that the settings claim, in Hz; NaN where they do not.",
    "measured_rate_hz": "Frame rate by the time stamps, in Hz.",
    "duration_s": "Last time stamp minus first, in seconds.",
    "median_interval_ms": "Median interval between frames, in milliseconds.",
    "jitter_median_ms": "Median distance of an interval from the median interval, in milliseconds.",
    "jitter_p99_ms": "99th percentile of that distance, in milliseconds.",
    "n_gaps": "Number of gaps: intervals in which frames were lost.",
    "longest_gap_s": "Longest gap, in seconds; NaN where there is none.",
    "n_lost": "Number of lost frames, see LostFrames.",
    "n_duplicated": "Time stamps that repeat the one before.",
    "n_backward": "Time stamps earlier than the one before.",
    "n_repaired": "Time stamps or frames that are not stored as recorded, see Repairs.",
    "offset_s": "First time stamp minus that of the first scope, in seconds; positive where the "
    "device begins later.",
    "drift_ppm": "Frame clock against that of the first scope, in parts per million; NaN where "
    "nothing allows to tell.",
}


def make_provenance(plan: ConversionPlan, problems: Iterable[Problem]) -> Iterator[DynamicTable]:
    """Yield the tables that have rows: settings, changes, timing, repairs, problems, options."""
    makers = (
        _settings(plan.segments),
        _setting_changes(plan.segments),
        _timing(plan.timing),
        _repairs([r for s in plan.segments for t in s.timelines.values() for r in t.repairs]),
        _problems(list(dict.fromkeys(problems))),
        _options(plan),
    )
    yield from (table for table in makers if table is not None)


def as_json(value: object) -> str:
    """Return a value as JSON text that keeps every character readable."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _settings(segments: Sequence[Segment]) -> DynamicTable | None:
    settings = [setting for segment in segments for setting in segment.recording.settings]
    if not settings:
        return None
    return make_table(
        "DeviceSettings",
        "Every key of the recording's metadata files, one row a key.",
        (
            Column(
                "device",
                "Scope or camera; empty: the session.",
                [setting.device for setting in settings],
            ),
            Column(
                "setting",
                "Key; nested keys are joined by dots (ROI.width).",
                [setting.key for setting in settings],
            ),
            Column(
                "value_json", "Value as recorded, as JSON.", [as_json(s.value) for s in settings]
            ),
            Column("file", "Metadata file, see SourceFiles.", [s.source for s in settings]),
        ),
    )


def _setting_changes(segments: Sequence[Segment]) -> DynamicTable | None:
    changes = sorted(
        (change.time_s + segment.offset_s, change.device, change.setting, change.value)
        for segment in segments
        for change in segment.recording.setting_changes
    )
    if not changes:
        return None
    times, devices, settings, values = zip(*changes, strict=True)
    return make_table(
        "DeviceSettingChanges",
        "Settings that were changed during the recording.",
        (
            Column("time", "When, in seconds from the session start.", np.array(times)),
            Column("device", "Scope or camera.", list(devices)),
            Column("setting", "What was changed.", list(settings)),
            Column("value", "The new value, as recorded.", list(values)),
        ),
    )


def _timing(timing: Sequence[DeviceTiming]) -> DynamicTable | None:
    if not timing:
        return None
    columns = [
        Column(field.name, _TIMING[field.name], _column([getattr(t, field.name) for t in timing]))
        for field in fields(DeviceTiming)
    ]
    return make_table("TimingReport", "The clock of each device, one row a device.", columns)


def _column(values: list[Any]) -> Any:
    return values if isinstance(values[0], str) else np.array(values)


def _repairs(repairs: Sequence[Repair]) -> DynamicTable | None:
    if not repairs:
        return None
    return make_table(
        "Repairs",
        "Time stamps and frames that are not stored as they were recorded, or are stored but "
        "suspicious.",
        (
            Column("device", "Scope or camera.", [repair.device for repair in repairs]),
            Column(
                "frame",
                "0-based index of the frame among those that its recording saved.",
                np.array([repair.frame for repair in repairs], np.int64),
            ),
            Column(
                "recorded_s",
                "Time stamp as recorded, in seconds on the clock of its recording; NaN: none.",
                np.array([repair.recorded_s for repair in repairs]),
            ),
            Column(
                "used_s",
                "Time stamp as stored, in seconds from the session start; NaN: nothing is stored.",
                np.array([repair.used_s for repair in repairs]),
            ),
            Column(
                "rule",
                "first_stamp, interpolated: value replaced; origin: all stamps of the device "
                "moved by used_s - recorded_s; padded: a frame without stamp got one; "
                "trimmed_stamp: a stamp without frame was dropped; trimmed_frame: a frame without "
                "stamp was left out; missing_frame: a stamp whose frame is lost from its file; "
                "duplicate, backward: kept as recorded.",
                [repair.rule for repair in repairs],
            ),
        ),
    )


def _problems(problems: Sequence[Problem]) -> DynamicTable | None:
    if not problems:
        return None
    return make_table(
        "Problems",
        "What was found wrong with the raw recording, and what was done about it.",
        (
            Column("severity", "note, warning or error.", [p.severity for p in problems]),
            Column("code", "Short stable name of the problem.", [p.code for p in problems]),
            Column("message", "What was found and done.", [p.message for p in problems]),
            Column("file", "File in the recording; empty: none.", [p.file for p in problems]),
            Column("device", "Scope or camera; empty: none.", [p.device for p in problems]),
        ),
    )


def _options(plan: ConversionPlan) -> DynamicTable:
    rows = list(_option_rows(plan))
    return make_table(
        "ConversionOptions",
        "How the recording was converted: version, choices, where the start time and each "
        "metadata field come from, and the recordings that were put together.",
        (
            Column("option", "Option; nested ones are joined by dots.", [row[0] for row in rows]),
            Column("value_json", "Its value, as JSON.", [as_json(row[1]) for row in rows]),
        ),
    )


def _option_rows(plan: ConversionPlan) -> Iterator[tuple[str, object]]:
    yield "miniscope_nwb_version", __version__
    yield from asdict(plan.options).items()
    yield "start_source", plan.session.start_source
    yield "start_is_assumed", plan.session.start_is_assumed
    for number, segment in enumerate(plan.segments):
        recording = segment.recording
        start = plan.session.start + timedelta(seconds=segment.offset_s)
        prefix = f"segments.{number}"
        yield f"{prefix}.folder", _relative(plan, segment)
        yield f"{prefix}.start", start.isoformat()
        yield f"{prefix}.offset_s", segment.offset_s
        yield f"{prefix}.format", recording.format
        yield f"{prefix}.software", recording.software
        yield f"{prefix}.label", recording.label
    for key, file in sorted(plan.session.winners.items()):
        yield f"metadata_from.{key}", file


def _relative(plan: ConversionPlan, segment: Segment) -> str:
    root = segment.recording.root
    return root.relative_to(plan.root).as_posix() if root.is_relative_to(plan.root) else root.name


def command_line(options: ConvertOptions) -> str:
    """Return the command that the options stand for, without the user's paths."""
    words = ["miniscope-nwb", "convert", "RAW"]
    for field in fields(ConvertOptions):
        value = getattr(options, field.name)
        if value == field.default:
            continue
        flag = "--" + field.name.replace("_", "-")
        words += [flag] if value is True else [flag, str(value)]
    return " ".join(words)
