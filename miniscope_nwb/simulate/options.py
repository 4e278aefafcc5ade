"""What can be asked of the simulator, checked and filled in."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal, get_args

from miniscope_nwb.errors import OutputError
from miniscope_nwb.simulate.levels import LEVELS, Level

Format = Literal["v3", "v4", "onix"]
Software = Literal["1.11", "2.0.0"]
Codec = Literal["FFV1", "GREY", "MJPG", "DIB"]
LevelName = Literal["easy", "moderate", "hard", "nonrigid", "sparse", "noise"]
Corruption = Literal[
    "truncated-last", "truncated-middle", "unfinalised", "empty-last", "empty-middle",
    "missing-middle", "short-stamps", "long-stamps", "backward-stamp", "duplicate-stamp",
    "half-row", "first-stamp",
]  # fmt: skip

DEFAULT_START = datetime(2026, 3, 2, 14, 5, 7, 250000, tzinfo=timezone(timedelta(hours=1)))
PIXEL_SIZE_UM = 1.64  # nominal for the Miniscope V4 with lens 1: 1.0 mm over 608 pixels
_DEFAULT_CODECS: dict[str, Codec] = {"v4": "FFV1", "v3": "DIB", "onix": "DIB"}
_MOST = {"v4": (8, 8), "v3": (1, 1), "onix": (1, 0)}  # scopes, cameras
_SMALLEST_PX = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateOptions:
    """What to simulate. None stands for what the level or the format has by itself."""

    level: LevelName = "moderate"
    width: int = 240  # pixels
    height: int = 200  # pixels
    frames: int = 600  # frames recorded by each miniscope
    rate: float = 20.0  # frames per second of the miniscopes
    cells: int | None = None  # None: by the level's density
    motion: float | None = None  # standard deviation of the rigid drift, pixels
    noise: float | None = None  # standard deviation of the noise, grey levels
    lost_frames: int = 0  # frames that the hardware drops, in each miniscope
    corrupt: Corruption | None = None  # damage to the files of the first miniscope
    frames_per_file: int = 1000
    codec: Codec | None = None  # of the miniscopes
    scopes: int = 1
    cameras: int | None = None  # None: one, and none for ONIX
    orientation: bool = True
    software: Software = "2.0.0"  # of the format v4
    seed: int = 0
    threads: int = 2
    start_time: datetime = DEFAULT_START  # with time zone
    subject: str = "m06"


def resolve(options: SimulateOptions, *, format: str) -> SimulateOptions:
    """Check the options and fill in what the format has by itself.

    Raises
    ------
    OutputError
        An option has no meaning, alone or in this format.
    """
    if format not in get_args(Format):
        raise OutputError(f"No format {format!r}; choose one of {', '.join(get_args(Format))}.")
    if options.level not in LEVELS:
        raise OutputError(f"No level {options.level!r}; choose one of {', '.join(LEVELS)}.")
    _check_sizes(options)
    most_scopes, most_cameras = _MOST[format]
    cameras = min(1, most_cameras) if options.cameras is None else options.cameras
    if not 1 <= options.scopes <= most_scopes or not 0 <= cameras <= most_cameras:
        raise OutputError(
            f"A {format} recording holds {_span(1, most_scopes, 'scope')} and "
            f"{_span(0, most_cameras, 'camera')}, not {options.scopes} and {cameras}."
        )
    if options.start_time.tzinfo is None:
        raise OutputError("The start time needs a zone, such as 2026-03-02T14:05:07+01:00.")
    _check_subject(options.subject)
    codec = options.codec or _DEFAULT_CODECS[format]
    return dataclasses.replace(options, cameras=cameras, codec=codec)


def _check_sizes(options: SimulateOptions) -> None:
    least = {
        "width": _SMALLEST_PX, "height": _SMALLEST_PX, "frames": 1, "frames_per_file": 1,
        "threads": 1, "lost_frames": 0, "cells": 0, "motion": 0, "noise": 0, "seed": 0,
    }  # fmt: skip
    for key, smallest in least.items():
        value = getattr(options, key)
        if value is not None and not value >= smallest:
            raise OutputError(
                f"{key.replace('_', '-')} is {value}, but must be at least {smallest}."
            )
    if not 0 < options.rate <= 1000:
        raise OutputError(f"The rate is {options.rate} Hz, but must lie above 0 and up to 1000.")
    if options.lost_frames and options.frames < 4:
        raise OutputError("Frames are lost between others: ask for at least 4 frames.")


def _check_subject(subject: str) -> None:
    if not subject.strip() or set(subject) & set('/\\:*?"<>|') or subject.strip(".") == "":
        raise OutputError(f"The subject {subject!r} cannot name a folder; use letters and digits.")


def level_of(options: SimulateOptions) -> Level:
    """Return the level of the options, with motion and noise replaced where they were given."""
    level = LEVELS[options.level]
    if options.motion is not None:
        level = dataclasses.replace(level, motion_rms_px=options.motion)
        if options.motion == 0:
            level = dataclasses.replace(level, nonrigid_rms_px=0.0, jerk_rate_hz=0.0)
    if options.noise is not None:
        level = dataclasses.replace(level, noise_grey=options.noise)
    return level


def n_cells(options: SimulateOptions) -> int:
    """Return how many cells a field of this size has."""
    if options.cells is not None:
        return options.cells
    area_mm2 = options.width * options.height * (PIXEL_SIZE_UM / 1000) ** 2
    return round(LEVELS[options.level].cells_per_mm2 * area_mm2)


def _span(low: int, high: int, thing: str) -> str:
    """Say "1 scope", "0 or 1 camera", "1 to 8 scopes"."""
    plural = thing if high == 1 else f"{thing}s"
    if low == high:
        return f"{low or 'no'} {thing if low == 0 else plural}"
    return f"{low} {'or' if high == low + 1 else 'to'} {high} {plural}"
