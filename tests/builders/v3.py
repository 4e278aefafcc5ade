"""Session folders of the V3 software, small and with a known answer.

Written from the specification, independently of the reader. Frames are 48 rows by 64 columns, 10
frames a file (the software's 1000 would be slow).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from miniscope_nwb.video.write import AviWriter

HEADER_RATE = 20  # what the software's AVI headers claim, whatever the rate
STAMP_HEADER = "camNum\tframeNum\tsysClock\tbuffer"
SETTINGS_HEADER = "animal\texcitation\tmsCamExposure\trecordLength"


@dataclass(frozen=True)
class V3Options:
    """What to write. Defaults: a miniscope (camNum 1, 25 frames) and a camera (camNum 0, 37)."""

    n_scope: int = 25
    n_camera: int = 37
    scope_camnum: int = 1
    camera_camnum: int = 0
    frames_per_file: int = 10
    width: int = 64
    height: int = 48
    fourcc: str = "DIB "
    scope_rate_hz: float = 20.0
    camera_rate_hz: float = 30.0
    first_stamp_ms: int | None = None  # garbage in the first row of the miniscope
    animal: str = "mouse 7"
    notes: tuple[tuple[int, str], ...] = ((2, "LED Changed to: 15"), (83, "licks\tat the wall"))
    seed: int = 3


@dataclass(frozen=True)
class V3Truth:
    """What the folder holds; frames have shape (n_frames, height, width[, 3]), uint8."""

    folder: Path
    frames: dict[str, np.ndarray] = field(default_factory=dict)
    stamps_ms: dict[str, np.ndarray] = field(default_factory=dict)


def make_v3(folder: Path, **options: Any) -> V3Truth:
    """Write a session into `folder` and return what is in it."""
    chosen = V3Options(**options)
    folder.mkdir(parents=True, exist_ok=True)
    truth = V3Truth(folder)
    rows: list[tuple[int, int, int, int]] = []
    for name, prefix, n_frames, camnum, rate in (
        ("Miniscope", "msCam", chosen.n_scope, chosen.scope_camnum, chosen.scope_rate_hz),
        ("BehavCam", "behavCam", chosen.n_camera, chosen.camera_camnum, chosen.camera_rate_hz),
    ):
        if not n_frames:
            continue
        rng = np.random.default_rng([chosen.seed, camnum])
        is_colour = name == "BehavCam"
        shape = (n_frames, chosen.height, chosen.width, *((3,) if is_colour else ()))
        truth.frames[name] = rng.integers(0, 255, shape, dtype=np.uint8)
        stamps = np.rint(np.arange(n_frames) * 1000 / rate + rng.uniform(5, 8, n_frames))
        truth.stamps_ms[name] = stamps.astype(np.int64)
        if name == "Miniscope" and chosen.first_stamp_ms is not None:
            truth.stamps_ms[name][0] = chosen.first_stamp_ms
        write_parts(folder, prefix, truth.frames[name], chosen)
        order = np.rint(np.arange(n_frames) * 1000 / rate)
        rows += [
            (at, camnum, number, stamp, number % 3)
            for at, number, stamp in zip(
                order, range(1, n_frames + 1), truth.stamps_ms[name], strict=True
            )
        ]
    lines = [STAMP_HEADER, *("\t".join(str(int(v)) for v in row[1:]) for row in sorted(rows))]
    write_lines(folder / "timestamp.dat", lines)
    write_settings(folder / "settings_and_notes.dat", chosen)
    return truth


def write_parts(folder: Path, prefix: str, frames: np.ndarray, options: V3Options) -> None:
    """Write frames into numbered files; a full last file is followed by one without frames."""
    is_colour = frames.ndim == 4
    per_file = options.frames_per_file
    for number, first in enumerate(range(0, len(frames) + 1, per_file), 1):
        with AviWriter(
            folder / f"{prefix}{number}.avi",
            width=options.width,
            height=options.height,
            fourcc=options.fourcc,
            header_rate=HEADER_RATE,
            colour=is_colour,
        ) as writer:
            for frame in frames[first : first + per_file]:
                writer.write(frame)


def write_settings(path: Path, options: V3Options) -> None:
    lines = [SETTINGS_HEADER, f"{options.animal}\t12\t255\t0", "", "elapsedTime\tNote"]
    write_lines(path, [*lines, *(f"{time_s}\t{text}" for time_s, text in options.notes)])


def write_lines(path: Path, lines: list[str]) -> None:
    """Write as the software does: CRLF, code page of Western Windows."""
    path.write_bytes("".join(line + "\r\n" for line in lines).encode("cp1252"))
