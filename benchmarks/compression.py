"""How fast one core compresses and hashes frames of a benchmark recording, and to what size.

python -m benchmarks.compression --work DIR     (the folder of `python -m benchmarks.convert`)
"""

from __future__ import annotations

import argparse
import hashlib
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from isal import isal_zlib

from benchmarks.recordings import make_recording
from miniscope_nwb.video.decode import read_frames
from miniscope_nwb.video.probe import probe_part

REPEATS = 5


def best_seconds(work: Callable[[], bytes]) -> tuple[float, int]:
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        n_bytes = len(work())
        times.append(time.perf_counter() - started)
    return min(times), n_bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for recordings")
    work = parser.parse_args().work
    session = make_recording(work, width=608, height=608, codec="GREY", n_parts=5)
    path = next(session.glob("*/0.avi"))
    part = probe_part(path, relative_path=path.name, index=0)
    data = np.stack(list(read_frames(part, 100, 110))).swapaxes(1, 2).tobytes()
    cases: dict[str, Callable[[], bytes]] = {
        "isal level 1": lambda: isal_zlib.compress(data, 1),
        "zlib level 1": lambda: zlib.compress(data, 1),
        "zlib level 4": lambda: zlib.compress(data, 4),
        "SHA-256": lambda: hashlib.sha256(data).digest(),
    }
    print("| one core | MB/s | ratio |\n|---|---|---|")
    for name, case in cases.items():
        seconds, n_bytes = best_seconds(case)
        ratio = "" if name.startswith("SHA") else f"{len(data) / n_bytes:.2f}"
        print(f"| {name} | {len(data) / seconds / 1e6:.0f} | {ratio} |")


if __name__ == "__main__":
    main()
