"""Which files are verified against which dandiset: as the records say, or as the user does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from miniscope_nwb.check.dandi_names import subject_in_name
from miniscope_nwb.errors import AccessError, NwbContentError
from miniscope_nwb.share.access import Dandiset, dandiset_number
from miniscope_nwb.share.archive import Archive
from miniscope_nwb.share.check import SharedFile
from miniscope_nwb.share.instances import DEFAULT_INSTANCE, find_instance
from miniscope_nwb.share.names import place
from miniscope_nwb.share.opened import open_dandiset
from miniscope_nwb.share.record import (
    AssetRecord,
    find_record,
    known_records,
    read_records,
    record_path,
)
from miniscope_nwb.share.verify import Comparison, verify_file
from miniscope_nwb.share.videos import video_names


@dataclass(frozen=True, slots=True)
class Target:
    """One file to be compared with one dandiset."""

    file: SharedFile
    instance: str  # name or address of the archive
    dandiset: str
    record: AssetRecord | None


def find_targets(nwb_path: Path, *, number: str | None, instance: str | None) -> tuple[Target, ...]:
    """Find out with what an NWB file and its videos are to be compared.

    Parameters
    ----------
    nwb_path
        The file.
    number, instance
        Dandiset and archive, where the user names them; else those of all records.

    Raises
    ------
    AccessError
        If neither a record nor the user names a dandiset, or there is no file and no record.
    ShareError
        If the record cannot be read and nobody names a dandiset.
    """
    if nwb_path.is_dir():
        raise AccessError(f"{nwb_path} is a folder: name the .nwb files in it.")
    if not nwb_path.exists() and not record_path(nwb_path).exists():
        raise AccessError(f"{nwb_path} is not there, and no record of it: check name and folder.")
    if number is not None:
        return _named(nwb_path, dandiset_number(number), instance or DEFAULT_INSTANCE)
    records = read_records(nwb_path)
    if instance is not None:
        api = find_instance(instance).api
        records = tuple(item for item in records if item.api == api)
    if not records:
        raise AccessError(
            f"There is no record beside {nwb_path} that tells where it was sent: name the "
            "dandiset with --dandiset (and the archive with --instance)."
        )
    return (*_recorded(nwb_path, records), *_unrecorded(nwb_path, records))


def _recorded(nwb_path: Path, records: Iterable[AssetRecord]) -> tuple[Target, ...]:
    return tuple(
        Target(
            SharedFile(nwb_path.parent / item.file, item.path),
            _archive_of(item),
            item.dandiset,
            item,
        )
        for item in records
    )


def _unrecorded(nwb_path: Path, records: Sequence[AssetRecord]) -> tuple[Target, ...]:
    """Find what an upload that was cut off has not recorded: in every dandiset, all must be there.

    A file that is gone or damaged tells no names; its own record is enough for the verdict then,
    and without one its name.
    """
    try:
        files = _files(nwb_path)
    except NwbContentError:
        files = _by_name(nwb_path)
        is_recorded = all(nwb_path.name in named for named in _recorded_files(records).values())
        if not (files or is_recorded):
            raise
    return tuple(
        Target(file, _archive_of(first), first.dandiset, None)
        for key, first in {(item.api, item.dandiset): item for item in reversed(records)}.items()
        for file in files
        if _name_beside(file.path, nwb_path) not in _recorded_files(records)[key]
    )


def _recorded_files(records: Iterable[AssetRecord]) -> dict[tuple[str, str], set[str]]:
    """Return the names of the recorded files of every archive and dandiset."""
    found: dict[tuple[str, str], set[str]] = {}
    for item in records:
        found.setdefault((item.api, item.dandiset), set()).add(item.file)
    return found


def _name_beside(path: Path, nwb_path: Path) -> str:
    """Return the name of a file as a record has it; one that lies elsewhere is in no record."""
    is_beside = path.is_relative_to(nwb_path.parent)
    return path.relative_to(nwb_path.parent).as_posix() if is_beside else ""


def _archive_of(record: AssetRecord) -> str:
    return record.instance if find_known(record) else record.api


def find_known(record: AssetRecord) -> bool:
    """Whether dandi still knows the archive of a record under its name."""
    try:
        return find_instance(record.instance).api == record.api
    except AccessError:
        return False


def _named(nwb_path: Path, number: str, instance: str) -> tuple[Target, ...]:
    """Take names from the file itself, and records only as a help.

    A file that is gone or damaged tells no names: those of its record are taken, else its own.
    """
    api, records = find_instance(instance).api, known_records(nwb_path)
    try:
        files = _files(nwb_path)
    except NwbContentError:
        known = [item for item in records if (item.api, item.dandiset) == (api, number)]
        files = tuple(SharedFile(nwb_path.parent / item.file, item.path) for item in known)
        if all(file.path != nwb_path for file in files):
            files += _by_name(nwb_path)
        if not files:
            raise
    return tuple(
        Target(
            file,
            instance,
            number,
            find_record(records, api=api, dandiset=number, path=file.asset_path),
        )
        for file in files
    )


def _files(nwb_path: Path) -> tuple[SharedFile, ...]:
    """Return all that must be in the dandiset: the videos that a file names, here or not, and it.

    Raises
    ------
    NwbContentError
        If the file is gone or damaged.
    """
    where = place(nwb_path)
    videos = (
        SharedFile(nwb_path.parent / name, f"{where.folder}/{name}")
        for name in video_names(nwb_path)
    )
    return (*videos, SharedFile(nwb_path, where.path))


def _by_name(nwb_path: Path) -> tuple[SharedFile, ...]:
    """Return the path in a dandiset that a file's name alone tells, where nothing else does."""
    subject = subject_in_name(nwb_path)
    return (SharedFile(nwb_path, f"sub-{subject}/{nwb_path.name}"),) if subject else ()


def verify_targets(
    targets: Iterable[Target],
    *,
    enter: Callable[[str], tuple[Archive, Mapping[str, Any]]],
    progress: Callable[[Path, int, int], None],
) -> Iterator[Comparison]:
    """Compare one after the other; every archive and dandiset is entered once.

    Parameters
    ----------
    enter
        Opens an archive by name or address.
    progress
        Is told path, bytes done and bytes in all.
    """
    archives: dict[str, tuple[Archive, Mapping[str, Any]]] = {}
    dandisets: dict[tuple[str, str], Dandiset] = {}
    for target in targets:
        if target.instance not in archives:
            archives[target.instance] = enter(target.instance)
        archive, info = archives[target.instance]
        key = (target.instance, target.dandiset)
        if key not in dandisets:
            dandisets[key] = open_dandiset(archive, info, target.dandiset, to_write=False)
        path = target.file.path
        yield verify_file(
            archive,
            dandisets[key],
            target.file,
            record=target.record,
            progress=lambda done, total, path=path: progress(path, done, total),  # type: ignore[misc]
        )
