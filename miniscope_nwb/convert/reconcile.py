"""Which frame was taken when: rows of the stamp file joined with frames of the video files.

Rows and frames meet by the number of the saved frame, never by counting along two lists: where a
file has lost frames, the others keep their own stamps. What can be mended without doubt is mended
and listed; what cannot is the user's decision.

`placement` puts the files into the sequence of saved frames, `partners` judges what has no
partner, `clocks` mends the stamps, `lost_frames` says what was lost.

Method: raw-formats.md section 7 (bad inputs: the rule for each).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from miniscope_nwb.convert import clocks, lost_frames, partners
from miniscope_nwb.convert.findings import Findings, count, spell_frames
from miniscope_nwb.convert.partners import BoolArray, Mismatch, Pairs
from miniscope_nwb.convert.placement import Placement, place_parts
from miniscope_nwb.convert.session_clock import (
    counts_from_record_start,
    find_shifts,
    session_clock_shift,
)
from miniscope_nwb.errors import MismatchError
from miniscope_nwb.recording import (
    Device,
    FloatArray,
    IntArray,
    LostSpan,
    Recording,
    Timeline,
)

__all__ = ["reconcile", "reconcile_recording", "session_clock_shift"]

_LONG_GAP_S = 60.0  # a pause that is told, where it outlasts the recording itself


def reconcile(
    device: Device,
    *,
    on_mismatch: Mismatch = "stop",
    stamps: clocks.Policy = "strict",
    collect: bool = False,
    shift_s: float | None = None,
) -> Timeline:
    """Join the frames of a device with their stamps.

    Parameters
    ----------
    device
        As a reader found it.
    on_mismatch
        Where stamps and frames disagree beyond what can be mended without doubt: ``"stop"``;
        ``"trim"`` drops what has no partner; ``"pad"`` makes up missing stamps (never frames).
    stamps
        Where time goes backward: ``"strict"`` stops, ``"keep"`` stores it as recorded,
        ``"interpolate"`` mends isolated stamps.
    collect
        Do not raise: add a problem of severity ``error`` and return the best timeline possible.
    shift_s
        What to add to every stamp; None to find it from this device alone (see
        `clocks.read_origin`).

    Returns
    -------
    Timeline
        The stored frames with their times, every repair, lost frame and warning. The time of a
        frame is that of its own row, but for the repairs listed.

    Raises
    ------
    MismatchError
        One sentence: by how much, in which file, and which option solves it.
    """
    source = device.stamps.source if device.stamps is not None else device.folder
    findings = Findings(device.name, source, collects=collect)
    trims = on_mismatch == "trim"
    if not _has_frames_and_stamps(device, findings, trims=trims) or device.stamps is None:
        return _empty_timeline(findings)
    rows = partners.usable_rows(device.stamps, findings)
    if not len(rows.row):
        findings.stop("no_stamps", f"no row of {source} holds a time; put the original file back.")
        return _empty_timeline(findings)
    placement = place_parts(device, rows.frame_index, findings, trims=trims)
    pairs = partners.find_partners(rows, partners.list_frames(device, placement), placement.missing)
    if not pairs.row_has_frame.any():
        findings.stop("no_partners", f"no frame of its videos has a stamp in {source}.")
        return _empty_timeline(findings)
    partners.judge_surplus_stamps(device, pairs, placement, findings, on_mismatch=on_mismatch)
    partners.tell_of_damage(device, findings)
    is_stored = partners.judge_lone_frames(device, pairs, findings, on_mismatch=on_mismatch)
    if shift_s is None and not counts_from_record_start(device.stamps):
        shift_s = 0.0
    time_s, moved_s = _mend_clock(device, pairs, findings, policy=stamps, shift_s=shift_s)
    frame_s = _time_frames(device, pairs, time_s, is_stored, findings)
    return _make_timeline(device, pairs, placement, findings, time_s, frame_s, moved_s)


def reconcile_recording(
    recording: Recording,
    *,
    on_mismatch: Mismatch = "stop",
    stamps: clocks.Policy = "strict",
    collect: bool = False,
) -> dict[str, Timeline]:
    """Reconcile all devices of a recording on one clock.

    Where several devices share a bad origin, one shift is applied to all of them (the first
    scope's), so that they stay in step.

    Returns
    -------
    dict
        Timelines by device name. A device that ends without a frame (``on_mismatch="trim"``) is
        left out, and the first timeline carries its warnings; with `collect` it stays, empty.

    Raises
    ------
    MismatchError
        If a device cannot be reconciled, or none has a frame left.
    """
    shifts = find_shifts(recording)
    timelines = {
        device.name: reconcile(
            device,
            on_mismatch=on_mismatch,
            stamps=stamps,
            collect=collect,
            shift_s=shifts[device.name],
        )
        for device in recording.devices
    }
    return timelines if collect else _leave_out_empty(timelines)


def _leave_out_empty(timelines: dict[str, Timeline]) -> dict[str, Timeline]:
    kept = {name: timeline for name, timeline in timelines.items() if timeline.n_frames}
    left_out = [timeline for timeline in timelines.values() if not timeline.n_frames]
    told = tuple(problem for timeline in left_out for problem in timeline.problems)
    if left_out and not kept:
        raise MismatchError("No device has a frame left: " + " ".join(p.message for p in told))
    if told:
        name, first = next(iter(kept.items()))
        kept[name] = replace(first, problems=(*first.problems, *told))
    return kept


def _has_frames_and_stamps(device: Device, findings: Findings, *, trims: bool) -> bool:
    n_frames = sum(part.n_frames for part in device.parts)
    n_rows = device.stamps.n_rows if device.stamps is not None else 0
    if n_frames and n_rows:
        return True
    if not n_frames:
        files = ", ".join(part.relative_path for part in device.parts[:3]) or "there is no video"
        where = "" if device.folder == "." else f" in {device.folder}"
        lack = f"no video frame can be read{where} ({files})"
        lack += f" for the {n_rows} stamps of {findings.source}" if n_rows else ""
    elif device.stamps is not None:
        lack = f"{findings.source} holds no stamp for the {n_frames} frames of its videos"
    else:
        lack = f"{device.folder} holds no time stamps for the {n_frames} frames of its videos"
    code = "no_stamps" if n_frames else "no_frames"
    if trims:
        findings.warn(code, f"{lack}; the device was left out (--on-mismatch trim).")
    else:
        findings.stop(
            code,
            f"{lack}; put the missing file back, or leave the device out with --on-mismatch trim.",
        )
    return False


def _empty_timeline(findings: Findings) -> Timeline:
    nothing = np.zeros(0, dtype=np.int64)
    return Timeline(
        device=findings.device,
        part=nothing,
        frame_in_part=nothing,
        frame_index=nothing,
        row=nothing,
        time_s=np.zeros(0, dtype=np.float64),
        problems=tuple(findings.problems),
    )


def _mend_clock(
    device: Device,
    pairs: Pairs,
    findings: Findings,
    *,
    policy: clocks.Policy,
    shift_s: float | None,
) -> tuple[FloatArray, float]:
    """Mend the stamps that are used; the others become NaN. Returns them and the shift."""
    rows, used, stored = pairs.rows, pairs.row_is_used, pairs.row_has_frame
    time_s = np.full(len(rows.row), np.nan)
    time_s[used], moved_s = clocks.mend_head(
        rows.recorded_s[used],
        rows.frame_index[used],
        findings,
        shift_s=shift_s,
        nominal_rate_hz=device.nominal_rate_hz,
    )
    time_s[stored] = clocks.mend_order(
        time_s[stored], rows.recorded_s[stored], rows.frame_index[stored], findings, policy=policy
    )
    gone = pairs.row_is_missing
    findings.repair("missing_frame", rows.frame_index[gone], recorded_s=rows.recorded_s[gone])
    return time_s, moved_s


def _time_frames(
    device: Device,
    pairs: Pairs,
    time_s: FloatArray,
    is_stored: BoolArray,
    findings: Findings,
) -> FloatArray:
    """Give every stored frame the time of its row, or a made-up one; NaN where it is left out."""
    paired = pairs.frame_has_row
    frame_s = np.full(len(paired), np.nan)
    frame_s[paired] = time_s[pairs.row_of_frame[paired]]
    padded = is_stored & ~paired
    if not padded.any():
        return frame_s
    used = ~np.isnan(time_s)
    wanted = pairs.frames.frame_index[padded]
    interval = clocks.median_interval(time_s[used], device.nominal_rate_hz)
    if not interval > 0:
        findings.stop(
            "lone_frames",
            f"{findings.source} holds too few stamps to make up the others, and no frame rate was "
            "recorded; use --on-mismatch trim.",
        )
        return frame_s
    frame_s[padded] = clocks.interpolate_stamps(
        time_s[used], pairs.rows.frame_index[used], wanted, interval
    )
    findings.repair("padded", wanted, used_s=frame_s[padded])
    findings.warn(
        "padded_stamps",
        f"{count(len(wanted), 'frame')} without a stamp in {findings.source} "
        f"({spell_frames(wanted)}) got one from the neighbouring stamps (--on-mismatch pad).",
    )
    return frame_s


def _make_timeline(
    device: Device,
    pairs: Pairs,
    placement: Placement,
    findings: Findings,
    time_s: FloatArray,
    frame_s: FloatArray,
    moved_s: float,
) -> Timeline:
    frames, is_stored = pairs.frames, ~np.isnan(frame_s)
    row = np.where(pairs.frame_has_row, pairs.rows.row[pairs.row_of_frame], -1)
    lost = _find_lost(device, pairs, time_s)
    _warn_of_gap(findings, pairs.rows.frame_index, time_s)
    lost += lost_frames.lost_from_files(
        placement.missing,
        device=device.name,
        stored_index=frames.frame_index[is_stored],
        stored_s=frame_s[is_stored],
        missing_s=time_s[pairs.row_is_missing],
    )
    return Timeline(
        device=device.name,
        part=frames.part[is_stored],
        frame_in_part=frames.frame_in_part[is_stored],
        frame_index=frames.frame_index[is_stored],
        row=row[is_stored],
        time_s=frame_s[is_stored],
        repairs=tuple(sorted(findings.repairs, key=lambda repair: repair.frame)),
        lost=tuple(sorted(lost, key=lambda span: (span.start_s, span.stop_s))),
        problems=tuple(findings.problems),
        clock_shift_s=moved_s,
    )


def _warn_of_gap(findings: Findings, frame_index: IntArray, time_s: FloatArray) -> None:
    """Say where a single interval outlasts all others together: a slip of a stamp does so."""
    used = ~np.isnan(time_s)
    intervals = np.diff(time_s[used])
    if not len(intervals):
        return
    at = int(np.argmax(intervals))
    gap, rest = intervals[at], np.abs(intervals).sum() - intervals[at]
    if gap > max(_LONG_GAP_S, rest):
        findings.warn(
            "long_gap",
            f"frame {frame_index[used][at + 1]} is stamped {gap:.10g} s after the one before it, "
            f"longer than all the rest ({rest:.4g} s), and what would lie between counts as lost: "
            f"if nothing paused there, correct that stamp in {findings.source} and convert again.",
        )


def _find_lost(device: Device, pairs: Pairs, time_s: FloatArray) -> list[LostSpan]:
    """List the frames that were lost before they were saved."""
    used, stamps = ~np.isnan(time_s), device.stamps
    counter = stamps.hardware_frame if stamps is not None else None
    return lost_frames.find_lost(
        time_s[used],
        pairs.rows.frame_index[used],
        device=device.name,
        counter=None if counter is None else counter[pairs.rows.row[used]],
        bits=stamps.hardware_counter_bits if stamps is not None else None,
    )
