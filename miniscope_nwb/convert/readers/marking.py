"""Say of every file of a session whether its content stands in the records, and whose it is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from miniscope_nwb.recording import Device, SourceFile

NOT_OURS = "not a file of the acquisition software"


def mark_files(
    files: Iterable[SourceFile],
    *,
    devices: Sequence[Device],
    read: Collection[Path],
    owners: Mapping[Path, str] | None = None,
    notes: Mapping[Path, str] | None = None,
) -> tuple[SourceFile, ...]:
    """Return the records of all files, marked.

    Parameters
    ----------
    files
        As `parts.list_source_files` returns them.
    devices
        Their videos count as converted.
    read
        Other files whose content stands in the records.
    owners
        Name of the device that a file belongs to, where it is no video.
    notes
        What to say of a file: why it is not converted, or what of it is not.
    """
    videos = {part.path: (part, device) for device in devices for part in device.parts}
    owners, notes = owners or {}, notes or {}
    marked = []
    for file in files:
        part, device = videos.get(file.path, (None, None))
        is_damaged = part is not None and part.state == "unreadable"
        is_read = file.path in read or (part is not None and not is_damaged)
        why_not = "cannot be read as a video" if is_damaged else file.note or NOT_OURS
        reason = notes.get(file.path) or ("" if is_read else why_not)
        marked.append(
            replace(
                file,
                device=device.name if device is not None else owners.get(file.path, ""),
                n_frames=part.n_frames if part is not None else None,
                codec=part.fourcc if part is not None else "",
                converted=is_read,
                note=reason,
            )
        )
    return tuple(marked)
