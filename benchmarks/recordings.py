"""Recordings for benchmarks: one simulated part of 1000 frames, copied as often as needed.

Speed and size of the codecs depend on the noise, so the frames come from our simulator at its
moderate level; copying the first part keeps a long recording cheap to make.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

FRAMES_PER_FILE = 1000


def make_recording(
    folder: Path, *, width: int, height: int, codec: str, n_parts: int, last: int = FRAMES_PER_FILE
) -> Path:
    """Return a V4 session folder of `n_parts` AVI files; made once, then found again.

    Parameters
    ----------
    folder
        Where benchmark recordings are kept.
    width, height
        Frame size in pixels.
    codec
        ``FFV1`` or ``GREY``.
    n_parts, last
        Number of files, all of 1000 frames but the last, which holds `last`.
    """
    seed_folder = folder / f"seed_{codec}_{width}x{height}"
    if not (seed_folder / "done").exists():
        shutil.rmtree(seed_folder, ignore_errors=True)
        subprocess.run(
            [
                sys.executable, "-m", "miniscope_nwb", "simulate", str(seed_folder),
                "--format", "v4", "--level", "moderate", "--width", str(width),
                "--height", str(height), "--frames", str(FRAMES_PER_FILE), "--codec", codec,
                "--cameras", "0", "--seed", "1", "--quiet",
            ],
            check=True,
        )  # fmt: skip
        (seed_folder / "done").touch()
    target = folder / f"v4_{codec}_{width}x{height}_{n_parts}x{FRAMES_PER_FILE}"
    if not target.exists():
        source = next(seed_folder.rglob("0.avi")).parent
        _repeat(source, target.with_suffix(".making"), n_parts)
        target.with_suffix(".making").rename(target)
    return target


def _repeat(source: Path, session: Path, n_parts: int) -> None:
    shutil.rmtree(session, ignore_errors=True)
    device = session / source.name
    device.mkdir(parents=True)
    shutil.copy2(source.parent / "metaData.json", session / "metaData.json")
    shutil.copy2(source / "metaData.json", device / "metaData.json")
    for part in range(n_parts):
        shutil.copyfile(source / "0.avi", device / f"{part}.avi")
    header, *rows = (source / "timeStamps.csv").read_text().splitlines()
    first, last = (int(rows[place].split(",")[1]) for place in (0, -1))
    span = last - first + 50
    lines = [header]
    for part in range(n_parts):
        for place, row in enumerate(rows):
            fields = row.split(",")
            fields[0] = str(part * len(rows) + place)
            fields[1] = str(int(fields[1]) + part * span)
            if len(fields) > 3:
                fields[3] = str((part * len(rows) + place + 2) % 65536)
            lines.append(",".join(fields))
    (device / "timeStamps.csv").write_text("\n".join(lines) + "\n", newline="\n")
