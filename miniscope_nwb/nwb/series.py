"""The series of frames: scopes' movies, and behaviour cameras' videos inside or beside the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hdmf.backends.hdf5 import H5DataIO
from pynwb.device import Device
from pynwb.image import ImageSeries
from pynwb.ophys import ImagingPlane, OnePhotonSeries

from miniscope_nwb.nwb.axes import AXIS_COMMENT, AXIS_COMMENT_COLOUR
from miniscope_nwb.nwb.movie import GZIP_LEVEL, FrameRun, Movie
from miniscope_nwb.nwb.tables import compact
from miniscope_nwb.recording import FloatArray, Problem, VideoPart
from miniscope_nwb.session import Compression, DeviceInfo, Segment, VideoLinks

_MILLI = 1e3  # mW in a W
_MW_PER_MM2 = 1e-3  # mW/mm2 in a W/m2


@dataclass(frozen=True, slots=True)
class ExternalVideo:
    """A behaviour camera's series that plays files beside the NWB file."""

    series: ImageSeries
    parts: tuple[VideoPart, ...]  # one an entry of `external_file`
    problems: tuple[Problem, ...]


def time_stamps(name: str, segments: Sequence[Segment]) -> FloatArray:
    """Time stamps of all stored frames of a device, (n_frames,), seconds from session start."""
    found = [s.timelines[name].time_s for s in segments if name in s.timelines]
    return np.concatenate(found) if found else np.zeros(0)


def scope_series(
    name: str,
    movie: Movie,
    times: FloatArray,
    info: DeviceInfo,
    plane: ImagingPlane,
    compression: Compression,
) -> OnePhotonSeries:
    """Make a scope's series; its data are an empty dataset to be filled by chunks."""
    return OnePhotonSeries(
        name=name,
        description=f"One-photon calcium imaging by {info.name}, every frame as recorded.",
        comments=f"{AXIS_COMMENT} {source_comment(movie.runs)}",
        data=_placeholder(movie, compression),
        timestamps=compact(times),
        unit="a.u.",
        format="raw",
        dimension=[movie.width, movie.height],
        imaging_plane=plane,
        exposure_time=_number(info.exposure_time_s),
        binning=info.binning,
        power=_number(info.power_w, _MILLI),
        intensity=_number(info.intensity_w_per_m2, _MW_PER_MM2),
    )


def embedded_series(
    name: str,
    movie: Movie,
    times: FloatArray,
    info: DeviceInfo,
    device: Device,
    compression: Compression,
) -> ImageSeries:
    """Make a camera's series whose frames are stored inside the file."""
    axes = AXIS_COMMENT_COLOUR if movie.is_colour else AXIS_COMMENT
    return ImageSeries(
        name=name,
        description=f"Behaviour video of {info.name}, every frame.",
        comments=f"{axes} {source_comment(movie.runs)}",
        data=_placeholder(movie, compression),
        timestamps=compact(times),
        unit="a.u.",
        format="raw",
        dimension=[movie.width, movie.height],
        device=device,
    )


def external_series(
    name: str, runs: Sequence[FrameRun], times: FloatArray, info: DeviceInfo, device: Device,
    links: VideoLinks,
) -> ExternalVideo:  # fmt: skip
    """Make a camera's series that plays the recorded files; their paths are set later.

    Files of which no frame has a time stamp are not linked.
    """
    first_runs: dict[str, FrameRun] = {}
    for run in runs:
        first_runs.setdefault(run.part.relative_path, run)
    parts = tuple(run.part for run in first_runs.values())
    gaps = _frames_without_stamp(parts, runs)
    series = ImageSeries(
        name=name,
        description=f"Behaviour video of {info.name}, in the recorded video files.",
        comments=" ".join(
            [source_comment(runs), _WHERE[links], *(_gap_comment(*gap) for gap in gaps)]
        ),
        external_file=[part.relative_path for part in parts],
        starting_frame=[run.start for run in first_runs.values()],
        timestamps=compact(times),
        unit="n.a.",
        format="external",
        dimension=[parts[0].width, parts[0].height],
        device=device,
    )
    problems = tuple(
        Problem(
            severity="warning",
            code="video_frames_without_stamp",
            message=f"{info.name}: {_gap_comment(*gap)}",
            file=gap[0].relative_path,
            device=info.name,
        )
        for gap in gaps
    )
    return ExternalVideo(series, parts, problems)


_WHERE: dict[VideoLinks, str] = {
    "copy": "The files beside the NWB file are copies of the recorded ones.",
    "hard": "The files beside the NWB file are hard links: to change them changes the recording.",
    "in-place": "The files are those of the raw recording, where it lay when it was converted.",
}


def _placeholder(movie: Movie, compression: Compression) -> H5DataIO:
    filters: dict[str, Any] = (
        {"compression": "gzip", "compression_opts": GZIP_LEVEL} if compression == "gzip" else {}
    )
    return H5DataIO(shape=movie.shape, dtype=movie.dtype, chunks=movie.chunks, **filters)


def source_comment(runs: Sequence[FrameRun]) -> str:
    """Say which codec the frames were recorded with, and whether that loses anything."""
    parts = {run.part.relative_path: run.part for run in runs}.values()
    codecs = sorted({part.fourcc.strip() for part in parts})
    lossy = sorted({part.fourcc.strip() for part in parts if part.is_lossy})
    text = f"Recorded in {len(parts)} video file{'s' if len(parts) > 1 else ''}, codec "
    text += " and ".join(codecs)
    if lossy:
        return f"{text}: {' and '.join(lossy)} is lossy, the pixels are those after decoding."
    return f"{text} (lossless)."


def _frames_without_stamp(
    parts: Sequence[VideoPart], runs: Sequence[FrameRun]
) -> list[tuple[VideoPart, int, bool]]:
    """List files with more frames than stamps: file, number, whether only its end is affected."""
    found = []
    for part in parts:
        frames = np.concatenate(
            [run.frames for run in runs if run.part.relative_path == part.relative_path]
        )
        n_without = part.n_frames - len(frames)
        if n_without:
            found.append((part, n_without, bool(frames[-1] == len(frames) - 1)))
    return found


def _gap_comment(part: VideoPart, n_frames: int, is_at_end: bool) -> str:
    where = "the last" if is_at_end else "not only the last"
    return (
        f"{n_frames} of the {part.n_frames} frames of {part.relative_path}, {where}, have no time "
        "stamp; FrameInfo tells which frame of the file belongs to which time stamp."
    )


def _number(value: float | None, factor: float = 1.0) -> float | None:
    return None if value is None else float(value) * factor
