"""Does an NWB file hold what the raw recording holds? Every frame, stamp and byte, once more.

The raw video is decoded by another decoder, and the text files by another parser, than `convert`
used. What the file says of repairs, trimming, padding, a stub, joining and lost frames is applied:
such files pass, if what they say is true.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from miniscope_nwb.check import layout
from miniscope_nwb.check.frames import PartJob, Progress, compare_parts, count_frames
from miniscope_nwb.check.layout import StampFile
from miniscope_nwb.check.raw_folder import compare_checksums, find_root
from miniscope_nwb.check.raw_stamps import RawStamps
from miniscope_nwb.check.report import Difference, SeriesCount, Tally, VerifyReport
from miniscope_nwb.check.signals import RawOrientation, compare_orientation, find_orientation
from miniscope_nwb.check.stamps import (
    FRAME_LEFT_OUT,
    REPLACED,
    Take,
    choose_camera,
    compare_stamps,
)
from miniscope_nwb.check.takes import group_by_stamps, make_takes, share_out_repairs
from miniscope_nwb.check.videos import compare_videos
from miniscope_nwb.errors import NwbContentError, RecordingError
from miniscope_nwb.nwb import read
from miniscope_nwb.nwb.parting import links
from miniscope_nwb.nwb.read import Series, SourceRow

# Problems with which a device is left out as a whole (--on-mismatch trim).
LEFT_OUT = frozenset({"no_stamps", "no_frames"})


@dataclass(slots=True)
class _Session:
    """Everything that the comparison of one file needs to know."""

    file: Any  # h5py.File
    nwb_path: Path
    root: Path
    sources: tuple[SourceRow, ...]
    recordings: tuple[read.RecordingRow, ...]
    repairs: tuple[read.RepairRow, ...]
    stub: int | None
    hashes: Mapping[int, str]
    tally: Tally
    jobs: list[PartJob] = field(default_factory=list)
    counts: list[SeriesCount] = field(default_factory=list)
    shifts_s: set[float] = field(default_factory=lambda: {0.0})  # of all clocks, see Repairs

    def has(self, path: str) -> bool:
        """Whether a raw file is there (its absence has been told already)."""
        return (self.root / path).is_file()

    def differ(self, difference: Difference) -> None:
        """Count a difference."""
        self.tally.add(difference)


def verify(nwb_path: Path, raw: Path, *, progress: Progress | None = None) -> VerifyReport:
    """Compare an NWB file with the raw recording that it was made of.

    Parameters
    ----------
    nwb_path
        A file that `convert` made.
    raw
        The session folder, a device's folder in it, or a folder above (joined recordings).
    progress
        Called with frames compared so far and in all.

    Raises
    ------
    NwbContentError
        If `nwb_path` is not a file that `convert` made, or without its movie.
    RecordingError
        If `raw` does not hold the recording at all.
    """
    nwb_path, raw = Path(nwb_path), Path(raw)
    tally = Tally()
    n_rows = 0
    with read.open_nwb(nwb_path) as file:
        _refuse_processed_part(file, nwb_path)
        sources = read.read_sources(file)
        series = read.read_series(file, sources)
        root = find_root(raw, sources, nwb_path=nwb_path)
        stub = read.read_options(file).get("stub")
        session = _Session(
            file=file,
            nwb_path=nwb_path,
            root=root,
            sources=sources,
            recordings=read.read_recordings(file),
            repairs=read.read_repairs(file),
            stub=stub if isinstance(stub, int) else None,
            hashes=compare_checksums(root, sources, raw=raw, tally=tally),
            tally=tally,
        )
        if session.hashes:  # else it is another recording, and every frame would differ
            _account_for_devices(session, series)
            for item in series:
                _compare_series(session, item)
            n_rows = sum(_compare_orientation(session, item) for item in series)
            tally.extend(compare_parts(session.jobs, progress=progress))
    return VerifyReport(
        nwb_path=nwb_path,
        raw=raw,
        series=tuple(session.counts),
        n_files=sum(1 for source in sources if source.sha256 and source.row in session.hashes),
        n_rows=n_rows,
        differences=tuple(tally.listed),
        counts=dict(tally.counts),
        stub=session.stub,
    )


def _refuse_processed_part(file: Any, path: Path) -> None:
    """Of the processed part of a recording there is nothing that the raw folder could tell."""
    if links.TABLE in file:
        raise NwbContentError(
            f"{path.name} is the processed part of a recording that was split, and holds no raw "
            "movie: name the raw part (desc-raw) that `miniscope-nwb split` wrote beside it."
        )


def _account_for_devices(session: _Session, series: Sequence[Series]) -> None:
    """Every converted video belongs to a series, or a warning says that its device was left out."""
    problems = read.read_table(session.file, "Problems") or {"code": [], "device": []}
    pairs = zip(problems["code"], problems["device"], strict=True)
    known = {item.device for item in series} | {
        device for code, device in pairs if code in LEFT_OUT
    }
    for source in session.sources:
        if source.n_frames > 0 and source.is_converted and source.device not in known:
            message = f"its {source.n_frames} frames are in no series of the NWB file"
            session.differ(Difference("frames", "", -1, source.path, message))


def _compare_series(session: _Session, series: Series) -> None:
    """Compare stamps and videos of one series, and plan the comparison of its frames."""
    data = session.file["acquisition"][series.name].get("data")
    lengths = {"rows of FrameInfo": series.n_frames, "time stamps": len(series.time_s)}
    if not series.is_external:
        lengths["frames"] = len(data)
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{number} {what}" for what, number in lengths.items())
        session.differ(Difference("frames", series.name, -1, "", f"holds {said}"))
        return
    videos = layout.videos_of(series.device, session.sources)
    _refuse_foreign_files(session, series, videos)
    repairs = [repair for repair in session.repairs if repair.device == series.device]
    groups = group_by_stamps(videos, session.sources)
    takes = make_takes(series, groups, session.recordings, stub=session.stub)
    stamps = {
        place: raw
        for place, (take, (stamp_file, mine)) in enumerate(zip(takes, groups, strict=True))
        if (raw := _read_stamps(session, take, stamp_file, mine)) is not None
    }
    shares = share_out_repairs(takes, stamps, repairs)
    for place, (take, (_, mine)) in enumerate(zip(takes, groups, strict=True)):
        whole = replace(take, repairs=tuple(shares[place]))
        session.shifts_s.add(whole.clock_shift_s)
        if place in stamps:
            compare_stamps(whole, stamps[place], session.tally)
        _plan_parts(session, series, whole, mine, data)
    there = [video.row for video in videos if session.has(video.path)]
    n_videos = 0
    if series.is_external:
        n_videos = compare_videos(
            series,
            session.sources,
            nwb_folder=session.nwb_path.parent,
            hashes=session.hashes,
            tally=session.tally,
        )
    session.counts.append(
        SeriesCount(
            series=series.name,
            device=series.device,
            n_frames=0 if series.is_external else int(np.isin(series.file, there).sum()),
            n_stamps=sum(len(take.rows) for place, take in enumerate(takes) if place in stamps),
            n_videos=n_videos,
            n_explained=len(repairs),
        )
    )


def _refuse_foreign_files(session: _Session, series: Series, videos: Sequence[SourceRow]) -> None:
    """Frames may only come from videos of the device."""
    for row in sorted(set(series.file.tolist()) - {video.row for video in videos}):
        path = session.sources[row].path if 0 <= row < len(session.sources) else ""
        n_frames = int(np.count_nonzero(series.file == row))
        message = f"{n_frames} frames are said to come from a file that is no video of the device"
        session.differ(Difference("frames", series.name, -1, path, message))


def _read_stamps(
    session: _Session, take: Take, stamp_file: StampFile | None, videos: Sequence[SourceRow]
) -> RawStamps | None:
    """Read the raw stamps of a take; None, and a difference, where that is not possible."""
    path = videos[0].path if stamp_file is None else stamp_file.path
    message = "no file of time stamps is listed beside this video"
    if stamp_file is not None:
        if not session.has(path):
            return None
        message = "holds no time stamps"
        try:
            cameras = layout.read_stamps(session.root, stamp_file)
            found = choose_camera(take, cameras)
        except RecordingError as problem:
            found, message = None, str(problem)
        if found is not None:
            return found
    session.differ(Difference("unreadable", take.series, -1, path, message))
    return None


def _plan_parts(
    session: _Session, series: Series, take: Take, videos: Sequence[SourceRow], data: Any
) -> None:
    """Check where the parts stand in the sequence of saved frames, and plan to decode them."""
    there = [video for video in videos if session.has(video.path)]
    starts = layout.possible_starts(session.root, videos) if there else {}
    left_out = {repair.frame for repair in take.repairs if repair.rule == FRAME_LEFT_OUT}
    last = int(take.frames.max(initial=-1))
    for video in there:
        mine = take.rows[series.file[take.rows] == video.row]
        mine = mine[np.argsort(series.frame_in_file[mine], kind="stable")]
        numbers = series.frame_in_file[mine]
        found = set((series.frame_index[mine] - numbers).tolist())
        if found and not (len(found) == 1 and found <= starts[video.row]):
            message = (
                f"its first frame is said to be saved frame {sorted(found)}, it can only be one of "
                f"{sorted(starts[video.row])}"
            )
            session.differ(Difference("frames", series.name, -1, video.path, message))
        start = min(found) if found else _likely_start(starts[video.row], video, left_out)
        ends_here = not len(mine) or int(series.frame_index[mine].max()) == last
        job = PartJob(
            series=series.name,
            dataset=data,
            path=session.root / video.path,
            relative_path=video.path,
            rows=mine,
            frames=numbers,
            explained=frozenset(frame - start for frame in left_out),
            is_open_ended=take.is_open_ended and ends_here,
        )
        if series.is_external:
            count_frames(job, session.tally)
        else:
            session.jobs.append(job)


def _likely_start(starts: AbstractSet[int], video: SourceRow, left_out: set[int]) -> int:
    """Find the first saved frame of a video of which nothing is stored: what explains most."""

    def n_explained(start: int) -> int:
        return len(left_out.intersection(range(start, start + video.n_frames)))

    return max(sorted(starts), key=n_explained)


def _compare_orientation(session: _Session, series: Series) -> int:
    """Compare a scope's head orientation, if it has one; return the number of rows."""
    group = session.file["acquisition"].get(f"HeadOrientation{series.suffix}")
    found = find_orientation(series.device, session.sources, session.root)
    if group is None or not found:
        return 0
    recordings = session.recordings
    shifts_s = tuple(sorted(session.shifts_s, key=abs))
    replaced = frozenset(
        (repair.recorded_s, repair.used_s)
        for repair in session.repairs
        if repair.device == series.device and repair.rule in REPLACED
    )
    offsets = []
    for source in found:
        numbers = layout.recordings_of(source.path, recordings)
        offsets.append(recordings[numbers[0]].offset_s if numbers else 0.0)
    raw = [
        RawOrientation(source=source, shifts_s=shifts_s, offset_s=offset, replaced=replaced)
        for offset, source in sorted(zip(offsets, found, strict=True), key=lambda pair: pair[0])
    ]
    return compare_orientation(group, raw, root=session.root, tally=session.tally)
