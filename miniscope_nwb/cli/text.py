"""How results look in a terminal: plain columns, one line a fact."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from miniscope_nwb.recording import Device, DeviceTiming, Problem, Recording
from miniscope_nwb.sizes import size

MARKS = {"note": "  note   ", "warning": "  WARNING", "error": "  ERROR  "}


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Align columns: text to the left, numbers to the right."""
    cells = [list(header), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = []
    for number, row in enumerate(cells):
        parts = [
            cell.rjust(width) if number and _is_numeric(cell) else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ]
        lines.append("  " + "  ".join(parts).rstrip())
    return "\n".join(lines)


def _is_numeric(cell: str) -> bool:
    return cell[:1].isdigit() or cell[:1] in "+-"


def number(value: float, digits: int = 3) -> str:
    """Write a figure, or ``-`` where it is not defined."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def count(n: int, thing: str) -> str:
    """Say "1 file", "2 files"."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def timing_table(timing: Sequence[DeviceTiming]) -> str:
    """Render the time report, one row a device."""
    header = (
        "device", "frames", "nominal Hz", "measured Hz", "jitter ms (median, p99)", "gaps",
        "lost", "duplicated", "backward", "repaired", "offset s", "drift ppm",
    )  # fmt: skip
    rows = [
        (
            item.device, str(item.n_frames), number(item.nominal_rate_hz, 2),
            number(item.measured_rate_hz, 4),
            f"{number(item.jitter_median_ms, 2)}, {number(item.jitter_p99_ms, 2)}",
            str(item.n_gaps), str(item.n_lost), str(item.n_duplicated), str(item.n_backward),
            str(item.n_repaired), number(item.offset_s), number(item.drift_ppm, 1),
        )
        for item in timing
    ]  # fmt: skip
    return table(header, rows)


def describe_recording(recording: Recording) -> str:
    """Render what was found: format, start, devices with their video files."""
    start = recording.start
    when = start.value.isoformat(sep=" ") if start.value else "unknown"
    assumed = ", assumed" if start.is_assumed else ""
    lines = [
        f"{recording.root}" + (f" [{recording.label}]" if recording.label else ""),
        f"  format      {recording.format}: {recording.software}",
        f"  start       {when} ({start.source}{assumed})",
        f"  subject     {recording.subject_id or '-'}",
        f"  experimenter {recording.experimenter or '-'}",
    ]
    lines += [_describe_device(device) for device in recording.devices]
    n_bytes = sum(file.n_bytes for file in recording.source_files)
    lines.append(
        f"  {count(len(recording.source_files), 'file')}, {size(n_bytes)}; "
        f"{count(len(recording.settings), 'setting')}, {count(len(recording.notes), 'note')}"
    )
    signals = [
        f"{item.kind} ({item.device}, {count(len(item.time_s), 'row')})"
        for item in recording.samples
    ]
    if signals:
        lines.append("  signals     " + ", ".join(signals))
    left = [file.relative_path for file in recording.source_files if not file.converted]
    if left:
        lines.append("  not converted: " + ", ".join(left))
    return "\n".join(lines)


def _describe_device(device: Device) -> str:
    frames = sum(part.n_frames for part in device.parts)
    codecs = sorted({part.fourcc.strip() for part in device.parts if part.fourcc})
    sizes = sorted({f"{part.width}x{part.height}" for part in device.parts if part.width})
    rows = device.stamps.n_rows if device.stamps else 0
    return (
        f"  {device.role:<11} {device.name} ({device.device_type or 'type not recorded'}; "
        f"{device.role_evidence}): {count(frames, 'frame')} of {' and '.join(sizes) or '?'} "
        f"in {count(len(device.parts), 'file')} ({', '.join(codecs) or 'no codec'}), "
        f"{count(rows, 'time stamp')}"
    )


def problem_list(problems: Iterable[Problem]) -> str:
    """Render problems, the gravest last: that is where a person looks."""
    order = {"note": 0, "warning": 1, "error": 2}
    lines = []
    for problem in sorted(problems, key=lambda item: order[item.severity]):
        lines.append(
            textwrap.fill(
                problem.message,
                width=100,
                initial_indent=MARKS[problem.severity] + " ",
                subsequent_indent=" " * 10,
                break_long_words=False,
                break_on_hyphens=False,
            )
        )
    return "\n".join(lines)


def say_refused(raw: Path) -> None:
    """Name the folders below `raw` whose format is known and not converted."""
    from miniscope_nwb.convert.detect import find_refused

    for folder, sentence in find_refused(raw):
        click.echo(f"Not read: {folder}: {sentence}", err=True)


def say(message: str, *, quiet: bool) -> None:
    """Print for people, unless they asked for quiet."""
    if not quiet:
        click.echo(message)
