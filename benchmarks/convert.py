"""`convert` against NeuroConv's standard path and against decoding alone, in one run.

    python -m benchmarks.convert [--work DIR] [--parts N] [--quick] [--neuroconv-python PYTHON]

Prints one row a case: wall seconds, frames/s, peak memory of all processes together, and the ratio
to the reference. Both sides start a new Python, so start-up is included on both. NeuroConv's
interface needs `pip install "neuroconv[miniscope]"` in the Python that is named for it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.common import Run, measure
from benchmarks.recordings import FRAMES_PER_FILE, make_recording

NEUROCONV = """
import sys
from datetime import datetime, timezone
from neuroconv.datainterfaces import MiniscopeImagingInterface
interface = MiniscopeImagingInterface(folder_path=sys.argv[1])
metadata = interface.get_metadata()
metadata["NWBFile"]["session_start_time"] = datetime(2026, 3, 2, tzinfo=timezone.utc)
interface.run_conversion(nwbfile_path=sys.argv[2], metadata=metadata, overwrite=True)
"""

DECODE = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import av
def decode(path):
    with av.open(str(path)) as container:
        container.streams.video[0].thread_count = 1
        return sum(1 for _ in container.decode(video=0))
with ThreadPoolExecutor(os.cpu_count()) as pool:
    print(sum(pool.map(decode, sorted(Path(sys.argv[1]).glob("*.avi")))))
"""


def device_folder(session: Path) -> Path:
    return next(session.glob("*/timeStamps.csv")).parent


def ours(session: Path, output: Path) -> Run:
    return measure(
        [sys.executable, "-m", "miniscope_nwb", "convert", str(session), "-o", str(output),
         "--overwrite", "--quiet"]
    )  # fmt: skip


def row(name: str, run: Run, frames: int, ratio: str = "") -> None:
    print(
        f"| {name} | {run.wall_s:.1f} | {frames / run.wall_s:.0f} | {run.cpu_s:.1f} | "
        f"{run.peak_pss / 1e6:.0f} | {ratio} |",
        flush=True,
    )


def compare(work: Path, *, codec: str, n_parts: int, neuroconv_python: str) -> None:
    """One codec at 608x608: NeuroConv, decoding alone, ours."""
    session = make_recording(work, width=608, height=608, codec=codec, n_parts=n_parts)
    frames = n_parts * FRAMES_PER_FILE
    folder = str(device_folder(session))
    neuroconv = measure([neuroconv_python, "-c", NEUROCONV, folder, str(work / "neuroconv.nwb")])
    row(f"NeuroConv {codec} 608x608, {frames} frames", neuroconv, frames)
    (work / "neuroconv.nwb").unlink()
    decode = measure([sys.executable, "-c", DECODE, folder])
    row(f"decoding alone, all cores, {codec}", decode, frames)
    convert = ours(session, work / "ours.nwb")
    row(
        f"**miniscope-nwb {codec}**", convert, frames,
        f"{neuroconv.wall_s / convert.wall_s:.1f}x NeuroConv; "
        f"{convert.wall_s / decode.wall_s:.2f} of decoding",
    )  # fmt: skip
    (work / "ours.nwb").unlink()


def lengths(work: Path, *, width: int, height: int, parts: tuple[int, ...]) -> None:
    """Peak memory against length."""
    for n_parts in parts:
        session = make_recording(work, width=width, height=height, codec="FFV1", n_parts=n_parts)
        run = ours(session, work / "ours.nwb")
        frames = n_parts * FRAMES_PER_FILE
        row(f"miniscope-nwb FFV1 {width}x{height}, {frames} frames", run, frames)
        (work / "ours.nwb").unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="folder for recordings and output")
    parser.add_argument("--parts", type=int, default=5, help="AVI files of 1000 frames each")
    parser.add_argument("--neuroconv-python", default=sys.executable, help="Python with NeuroConv")
    parser.add_argument("--quick", action="store_true", help="one part, no lengths")
    parser.add_argument("--no-lengths", action="store_true", help="leave the long recordings out")
    arguments = parser.parse_args()
    work = arguments.work or Path(tempfile.mkdtemp(prefix="miniscope-nwb-bench-"))
    work.mkdir(parents=True, exist_ok=True)
    print("| case | wall s | frames/s | CPU s | peak MB (PSS) | ratio |\n|---|---|---|---|---|---|")
    n_parts = 1 if arguments.quick else arguments.parts
    for codec in ("FFV1", "GREY"):
        compare(work, codec=codec, n_parts=n_parts, neuroconv_python=arguments.neuroconv_python)
    if not arguments.quick and not arguments.no_lengths:
        lengths(work, width=752, height=480, parts=(2, 8))
        lengths(work, width=608, height=608, parts=(2, 8))


if __name__ == "__main__":
    main()
