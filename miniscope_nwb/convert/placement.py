"""Where each video file stands in the sequence of saved frames.

The acquisition software numbers saved frames without a gap and begins a new file every F frames
(``framesPerFile``, 1000 unless changed), so frame j of file k is frame ``k * F + j``. That anchor
holds the later files in their places when an earlier one is cut or gone: nothing is ever shifted
to fill a hole. Where all files are whole and their frames are as many as the stamps, plain
counting is certain, whatever the metadata say of F.

Method: raw-formats.md sections 2.4 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from miniscope_nwb.convert.findings import Findings, count
from miniscope_nwb.recording import Device, IntArray, VideoPart

# Frames a file holds unless the user changed it (Miniscope-DAQ-QT and the V3 software).
DEFAULT_FRAMES_PER_FILE = 1000
# Whole files of one length that outvote another framesPerFile in the metadata: JSON files are
# kept when a recording is repeated into the same folder, so they may be of another recording.
OUTVOTING_FILES = 2


@dataclass(frozen=True, slots=True)
class MissingRange:
    """Frames ``start`` to ``stop - 1`` that were saved but are not in their file."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the files of one device stand in the sequence of saved frames.

    ``starts`` has shape (n_parts,): the index of each file's first frame.
    """

    starts: IntArray
    last: int  # position of the last file that holds frames
    missing: tuple[MissingRange, ...] = ()
    last_is_damaged: bool = False  # frames may have been lost from the end of the recording
    limit: int | None = None  # frames that the files, the damaged one filled up, could hold


def place_parts(
    device: Device, frame_index: IntArray, findings: Findings, *, trims: bool
) -> Placement:
    """Find the place of every file in the sequence of saved frames.

    Parameters
    ----------
    device
        Its parts are sorted by index; at least one holds frames.
    frame_index : (n_rows,)
        Frame of each row of the stamp file, strictly increasing.
    findings
        Takes the warnings; raises or collects what cannot be decided.
    trims
        Whether the user allows to drop stamps that have no frame.

    Raises
    ------
    MismatchError
        If a file's length contradicts the others and the stamps, unless `findings` collects.
    """
    parts = device.parts
    last = max(i for i, part in enumerate(parts) if part.n_frames > 0)
    by_count = _counted_placement(device, last)
    if _is_certain(parts[: last + 1], frame_index):
        _warn_of_other_length(device, last, findings)
        return by_count
    if last == 0 and parts[0].index == 0:
        return by_count
    per_file = _frames_per_file(device, last, len(frame_index), findings)
    if per_file is None or not _fits(device, last, per_file, findings):
        return by_count
    missing = _missing_ranges(device, last, per_file, findings, trims=trims)
    return Placement(
        starts=np.array([part.index * per_file for part in parts], dtype=np.int64),
        last=last,
        missing=missing,
        last_is_damaged=by_count.last_is_damaged,
        limit=(parts[-1].index + 1) * per_file,
    )


def _counted_placement(device: Device, last: int) -> Placement:
    parts, per_file = device.parts, device.frames_per_file
    lengths = [part.n_frames for part in parts]
    is_plausible = per_file is not None and max(lengths) <= per_file
    return Placement(
        starts=np.concatenate(([0], np.cumsum(lengths[:-1]))).astype(np.int64),
        last=last,
        last_is_damaged=any(part.is_damaged for part in parts[last:]),
        limit=(parts[-1].index + 1) * per_file if per_file and is_plausible else None,
    )


def _is_certain(parts: tuple[VideoPart, ...], frame_index: IntArray) -> bool:
    """Whether the files are whole, none is missing, and their frames are as many as the stamps."""
    return (
        all(part.state == "whole" and part.index == i for i, part in enumerate(parts))
        and sum(part.n_frames for part in parts) == len(frame_index)
        and bool(frame_index[0] == 0)
        and bool(frame_index[-1] == len(frame_index) - 1)
    )


def _warn_of_other_length(device: Device, last: int, findings: Findings) -> None:
    per_file = device.frames_per_file
    if per_file is None:
        return
    others = [part for part in device.parts[:last] if part.n_frames != per_file]
    others += [part for part in device.parts[last : last + 1] if part.n_frames > per_file]
    if others:
        findings.warn(
            "frames_per_file",
            f"the metadata say {per_file} frames a file, but {others[0].relative_path} holds "
            f"{others[0].n_frames}; all files are whole and hold as many frames as "
            f"{findings.source} has stamps, so the files were believed.",
            file=others[0].relative_path,
        )


def _frames_per_file(device: Device, last: int, n_rows: int, findings: Findings) -> int | None:
    """Frames in a full file: as recorded, unless the files prove otherwise; None if unknown."""
    parts = device.parts
    whole = [part.n_frames for part in parts[:last] if part.state == "whole"]
    common = whole[0] if whole and len(set(whole)) == 1 else None
    recorded = device.frames_per_file
    if recorded is not None and (common is None or common == recorded):
        return recorded
    last_index = parts[last].index
    if recorded is None:
        counted = last_index * DEFAULT_FRAMES_PER_FILE + parts[last].n_frames
        if common is None and counted == n_rows:
            return DEFAULT_FRAMES_PER_FILE  # the stamps confirm the software's default
        if common is None:
            lengths = ", ".join(str(part.n_frames) for part in parts[: last + 1])
            findings.stop(
                "frames_per_file",
                f"a file of its video is cut or missing, the files hold {lengths} frames, and no "
                "metaData.json tells framesPerFile, so the frames cannot be matched with the "
                f"{count(n_rows, 'stamp')} of {findings.source}; put the device's metaData.json "
                "back beside its videos.",
                file=parts[0].relative_path,
            )
        return common
    # A recorded number that leaves the last file without a single stamp cannot be true.
    if len(whole) >= OUTVOTING_FILES or last_index * recorded >= n_rows:
        findings.warn(
            "frames_per_file",
            f"the metadata say {recorded} frames a file, but the full files hold {common}; "
            "the files were believed.",
            file=parts[0].relative_path,
        )
        return common
    return recorded


def _fits(device: Device, last: int, per_file: int, findings: Findings) -> bool:
    """Stop at a file that reaches into the place of the next one."""
    for part in device.parts[: last + 1]:
        if part.n_frames > per_file:
            findings.stop(
                "overfull_part",
                f"{part.relative_path} holds {part.n_frames} frames, {part.n_frames - per_file} "
                f"more than the {per_file} frames of a full file, so the frames of the files "
                f"cannot be matched with {findings.source}; check framesPerFile in metaData.json, "
                "and that the file is the one that was recorded.",
                file=part.relative_path,
            )
            return False
    return True


def _missing_ranges(
    device: Device, last: int, per_file: int, findings: Findings, *, trims: bool
) -> tuple[MissingRange, ...]:
    """List the frames that stood in cut, empty or missing files before the last one."""
    ranges: list[MissingRange] = []
    before = -1
    for part in device.parts[: last + 1]:
        if part.index > before + 1:
            gap = MissingRange((before + 1) * per_file, part.index * per_file)
            ranges.append(gap)
            _warn_of_missing_files(device, before + 1, part.index, gap, findings)
        if part.index < device.parts[last].index and part.n_frames < per_file:
            gap = MissingRange(part.index * per_file + part.n_frames, (part.index + 1) * per_file)
            ranges.append(gap)
            _tell_of_short_part(part, gap, per_file, findings, trims=trims)
        before = part.index
    return tuple(ranges)


def _warn_of_missing_files(
    device: Device, first: int, stop: int, gap: MissingRange, findings: Findings
) -> None:
    what = "1 video file is" if stop - first == 1 else f"{stop - first} video files are"
    following = next(part for part in device.parts if part.index == stop)
    findings.warn(
        "missing_part",
        f"{what} missing before {following.relative_path}: frames {gap.start} to {gap.stop - 1} "
        "are lost and listed; the later files stay on their own stamps.",
        file=following.relative_path,
    )


def _tell_of_short_part(
    part: VideoPart, gap: MissingRange, per_file: int, findings: Findings, *, trims: bool
) -> None:
    n_missing = gap.stop - gap.start
    holds = f"{part.relative_path} holds {part.n_frames} of {per_file} frames"
    if part.is_damaged:
        findings.warn(
            "truncated_part" if part.n_frames else "empty_part",
            f"{holds} ({part.state}): frames {gap.start} to {gap.stop - 1} are lost and listed; "
            "the later files stay on their own stamps.",
            file=part.relative_path,
        )
    elif trims:
        findings.warn(
            "short_part",
            f"{holds} though it is not damaged: {count(n_missing, 'stamp')} at its end were "
            "dropped (--on-mismatch trim); if the frames were lost earlier in this file, its "
            f"frames are stamped up to {count(n_missing, 'frame')} early.",
            file=part.relative_path,
        )
    else:
        findings.stop(
            "short_part",
            f"{holds} though it is neither damaged nor the last, so {count(n_missing, 'frame')} "
            f"less than {findings.source} has stamps for, and nothing tells which ones; "
            "--on-mismatch trim drops the stamps at the end of this file.",
            file=part.relative_path,
        )
