"""What a converted recording says of itself: clock, pixel size, indicator, type of its movie.

Files of other programs are read too: NWB leaves much open, and what is not there is told as NaN
or "". Only what makes a movie unreadable is an error, one sentence each.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.movie import FrameClock
from miniscope_nwb.nwb.frame_clock import make_clock
from miniscope_nwb.nwb.processed.names import GROUP, RUNS
from miniscope_nwb.nwb.read import Source, open_nwb

MIN_FRAMES = 100  # fewer say nothing of noise, and thresholds from them are chance
SERIES_TYPE = "OnePhotonSeries"
_HASH_BYTES = 16 << 20  # of contiguous data at a time
_PLAUSIBLE_HZ = (0.1, 10_000.0)  # of frames; milliseconds taken for seconds lie below
_PLAUSIBLE_UM = (0.02, 200.0)  # side of a pixel in the tissue
_MICROMETERS = {
    "micrometers": 1.0, "micrometer": 1.0, "micrometres": 1.0, "micrometre": 1.0, "microns": 1.0,
    "micron": 1.0, "um": 1.0, "µm": 1.0, "μm": 1.0,
    "meters": 1e6, "meter": 1e6, "metres": 1e6, "metre": 1e6, "m": 1e6,
    "centimeters": 1e4, "cm": 1e4,
    "millimeters": 1e3, "millimeter": 1e3, "millimetres": 1e3, "millimetre": 1e3, "mm": 1e3,
    "nanometers": 1e-3, "nanometer": 1e-3, "nm": 1e-3,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RecordingInfo:
    """The movie of a file, without its pixels."""

    path: Path
    series: str  # name in `acquisition`
    n_frames: int
    height: int  # pixels
    width: int  # pixels
    dtype: np.dtype[Any]  # of the frames that `StoredMovie` gives: uint8, uint16 or float32
    clock: FrameClock
    pixel_size_um: float  # side of a pixel, mean of x and y; NaN where not known
    pixel_sizes_um: tuple[float, float]  # x, y
    indicator: str  # "" where not known
    device: str  # name of the miniscope; "" where not known
    plane: str  # name of the imaging plane
    rate_hz: float  # measured
    n_lost: int  # frames lost inside the recording
    identifier: str  # of the file

    @property
    def n_bytes(self) -> int:
        """Bytes of the unpacked frames."""
        return self.n_frames * self.height * self.width * self.dtype.itemsize


def read_recording(path: Path, series: str | None = None) -> RecordingInfo:
    """Read what a file says of its movie.

    Parameters
    ----------
    path
        An NWB file, ours or another's.
    series
        Name of the `OnePhotonSeries` in `acquisition`; None where there is only one.

    Raises
    ------
    NwbContentError
        If there is no such series, or more than one and none is named, its frames are not in the
        file, are not (time, width, height), are fewer than 100, or have no usable times.
    """
    path = Path(path)
    with open_nwb(path) as file:
        name = choose_series(file, series)
        group = file[f"acquisition/{name}"]
        data = _check_data(file, name)
        n_frames, width, height = data.shape
        if n_frames < MIN_FRAMES:
            raise NwbContentError(
                f"{name} in {path.name} has {n_frames} frames; at least {MIN_FRAMES} are needed to "
                "tell cells from noise: take a longer recording (`convert --join` makes one file "
                "of its parts)."
            )
        plane = group.get("imaging_plane")
        sizes = pixel_sizes(plane)
        device = _device(group)
        clock = make_clock(file, group, device)
        _check_rate(clock, name, path)
        return RecordingInfo(
            path=path,
            series=name,
            n_frames=int(n_frames),
            height=int(height),
            width=int(width),
            dtype=movie_dtype(data.dtype),
            clock=clock,
            pixel_size_um=float(np.mean(sizes)),
            pixel_sizes_um=sizes,
            indicator=_indicator(plane),
            device=device,
            plane=linked_name(group, "imaging_plane") if plane is not None else "",
            rate_hz=clock.rate_hz,
            n_lost=int(clock.steps.sum() - clock.n_frames),
            identifier=_text(file.get("identifier")),
        )


def _check_rate(clock: FrameClock, name: str, path: Path) -> None:
    """Refuse times that cannot be seconds: windows of time would hold no or all frames."""
    low, high = _PLAUSIBLE_HZ
    if not low <= clock.rate_hz <= high:
        told = (
            f"{clock.rate_hz:.3g} frames a second" if np.isfinite(clock.rate_hz) else "no duration"
        )
        raise NwbContentError(
            f"{name} in {path.name} has {told} by its times, and only movies of {low:g} to "
            f"{high:g} can be processed: write its timestamps, or its rate, in seconds."
        )


def read_clock(path: Source, series: str) -> FrameClock:
    """Read when the frames of a series were taken; raises as `read_recording` does."""
    with open_nwb(path) as file:
        group = file[f"acquisition/{choose_series(file, series)}"]
        return make_clock(file, group, _device(group))


def check_series(path: Source, series: str) -> None:
    """Raise as `read_recording` does where a series is no movie; a short one is a movie."""
    with open_nwb(path) as file:
        _check_data(file, choose_series(file, series))


def choose_series(file: h5py.File, wanted: str | None, *, option: str = "--series {}") -> str:
    """Return the name of the movie's series in `acquisition`.

    Parameters
    ----------
    option
        How whoever asks names a series; the sentence of the error says it so.
    """
    where = Path(file.filename).name
    kinds = {str(name): _kind(node) for name, node in file.get("acquisition", {}).items()}
    movies = [name for name, kind in kinds.items() if kind == SERIES_TYPE]
    if wanted is not None:
        name = wanted.removeprefix("/").removeprefix("acquisition/")
        if name in movies:
            return name
        there = f"it holds {', '.join(movies)}" if movies else "it holds none"
        raise NwbContentError(f"{where} has no {SERIES_TYPE} named {wanted}: {there}.")
    if not movies:
        others = sorted({kind for kind in kinds.values() if kind.endswith("Series")})
        found = f" (found: {', '.join(others)})" if others else ""
        if f"{GROUP}/{RUNS}" in file:
            raise NwbContentError(
                f"{where} holds runs, but not the movie that they were made of: bring it together "
                f"with the raw half by `miniscope-nwb join RAW.nwb {file.filename} -o FILE.nwb`."
            )
        raise NwbContentError(
            f"{where} holds no {SERIES_TYPE} in acquisition{found}: name an NWB file of a one-"
            "photon recording, such as `miniscope-nwb convert` writes."
        )
    if len(movies) > 1:
        raise NwbContentError(
            f"{where} holds {len(movies)} movies: choose one with "
            f"{option.format(' or '.join(movies))}."
        )
    return movies[0]


def has_movie(file: h5py.File) -> bool:
    """Say whether a file holds a movie of a miniscope, or several."""
    return SERIES_TYPE in map(_kind, file.get("acquisition", {}).values())


def movie_dtype(stored: np.dtype[Any]) -> np.dtype[Any]:
    """Type of the frames in memory: as stored, or float32 where no stage takes the stored one."""
    for dtype in (np.dtype(np.uint8), np.dtype(np.uint16)):
        if stored.kind == "u" and stored.itemsize == dtype.itemsize:
            return dtype
    return np.dtype(np.float32)


def input_hash(path: Path, series: str) -> str:
    """Return the checksum of a series: its data and times as they are stored.

    The bytes of the chunks are hashed packed, so the recording is read once and unpacked never;
    nothing else of the file takes part, because the file grows with every run.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.
    """
    with open_nwb(Path(path)) as file:
        group = file[f"acquisition/{choose_series(file, series)}"]
        digest = hashlib.sha256()
        _hash_dataset(digest, group["data"])
        times = group.get("timestamps", group.get("starting_time"))
        if times is not None:
            digest.update(repr(times.attrs.get("rate")).encode())
            digest.update(np.asarray(times[()], "<f8").tobytes())
        return str(digest.hexdigest())


def _hash_dataset(digest: Any, data: h5py.Dataset) -> None:
    digest.update(f"{data.shape} {data.dtype.str} {data.chunks}".encode())
    if data.chunks is None:
        length = max(1, _HASH_BYTES // max(1, data.dtype.itemsize * int(np.prod(data.shape[1:]))))
        for start in range(0, len(data), length):
            digest.update(np.ascontiguousarray(data[start : start + length]))
        return
    places: list[tuple[int, ...]] = []
    data.id.chunk_iter(lambda info: places.append(info.chunk_offset))
    for place in sorted(places):
        mask, packed = data.id.read_direct_chunk(place)
        digest.update(f"{place} {mask}".encode())
        digest.update(packed)


def _check_data(file: h5py.File, name: str) -> h5py.Dataset:
    """Return the frames of a series, if they are a movie inside the file."""
    where, group = Path(file.filename).name, file[f"acquisition/{name}"]
    if "external_file" in group:
        raise NwbContentError(
            f"the frames of {name} in {where} lie in external files: convert the recording so that "
            "they stand inside the NWB file."
        )
    data = group.get("data")
    if not isinstance(data, h5py.Dataset) or 0 in (data.shape or (0,)):
        raise NwbContentError(
            f"{name} in {where} holds no frames: convert the recording again, or name another "
            "series with --series."
        )
    if data.ndim != 3:
        raise NwbContentError(
            f"{name} in {where} has data of shape {data.shape}, not (time, width, height): only "
            "movies of a single plane without colour can be processed."
        )
    if data.dtype.kind not in "uif":
        raise NwbContentError(f"{name} in {where} holds {data.dtype}, which is no grey level.")
    return data


def pixel_sizes(plane: h5py.Group | None) -> tuple[float, float]:
    """Side of a pixel in micrometers, x and y; NaN where the file does not tell in a unit."""
    spacing = plane.get("grid_spacing") if plane is not None else None
    if not isinstance(spacing, h5py.Dataset):
        return (np.nan, np.nan)
    unit = _decode(spacing.attrs.get("unit", "meters")).strip().lower()
    values = np.atleast_1d(spacing[()]).astype(np.float64)
    sizes = np.resize(values[:2], 2) * _MICROMETERS.get(unit, np.nan)
    low, high = _PLAUSIBLE_UM
    if not bool(((sizes >= low) & (sizes <= high)).all()):
        return (np.nan, np.nan)  # a unit that was never set: NWB's default is meters
    return (float(sizes[0]), float(sizes[1]))


def _indicator(plane: h5py.Group | None) -> str:
    name = _text(plane.get("indicator")) if plane is not None else ""
    return "" if name.lower() in ("unknown", "n/a", "na", "none") else name


def _device(group: h5py.Group) -> str:
    """Name of the device that a series was taken with."""
    for holder in (group.get("imaging_plane"), group):
        if isinstance(holder, h5py.Group) and isinstance(holder.get("device"), h5py.Group):
            return linked_name(holder, "device")
    return ""


def linked_name(group: h5py.Group, key: str) -> str:
    """Name of an object at its own place, also where a link leads to it."""
    link = group.get(key, getlink=True)
    path = link.path if isinstance(link, h5py.SoftLink | h5py.ExternalLink) else f"/{key}"
    return str(path.rpartition("/")[2])


def _kind(node: Any) -> str:
    return _decode(node.attrs.get("neurodata_type", "")) if isinstance(node, h5py.Group) else ""


def _text(node: Any) -> str:
    return _decode(node[()]) if isinstance(node, h5py.Dataset) and node.shape == () else ""


def _decode(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
