"""`convert`, `verify` and `process` one after the other, against how long the recording lasted.

    miniscope-nwb simulate FOLDER --width 600 --height 600 --frames 72000 --cameras 0   # an hour
    python -m benchmarks.hour --raw FOLDER [--minutes 10 30 60] [--work DIR] [--delete-raw]

Each length is one V4 recording: the first files of FOLDER. With ``--delete-raw`` FOLDER goes as
soon as the last of them is verified: an hour takes 17 GB as files, as much again as an NWB file,
and up to 25 GB of scratch. Every row is one run of each command, as a user would type it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import Run, measure
from benchmarks.process import LOOK_S

FRAMES_PER_FILE = 1000  # of `simulate`
RATE_HZ = 20.0
HEADER = (
    "| minutes | frames | convert s | verify s | process s | share of the time it lasted "
    "| CPU s | memory MB, convert, process | scratch / raw | cells |\n|" + "---|" * 10
)


@dataclass(frozen=True)
class Row:
    """What one recording took."""

    n_frames: int
    n_pixels: int
    convert: Run
    verify: Run
    process: Run
    stages: str  # seconds and memory of each stage
    n_accepted: int

    def text(self) -> str:
        """Return a row of the table."""
        runs = self.convert, self.verify, self.process
        lasted = self.n_frames / RATE_HZ
        walls = " | ".join(f"{run.wall_s:.0f}" for run in runs)
        return (
            f"| {lasted / 60:.0f} | {self.n_frames} | {walls} "
            f"| {sum(run.wall_s for run in runs) / lasted:.2f} "
            f"| {sum(run.cpu_s for run in runs):.0f} "
            f"| {self.convert.peak_held / 1e6:.0f}, {self.process.peak_held / 1e6:.0f} "
            f"| {self.process.peak_scratch / (self.n_frames * self.n_pixels):.2f} "
            f"| {self.n_accepted} |"
        )


def first_files(raw: Path, target: Path, n_files: int) -> Path:
    """Make a recording of the first files of another, with hard links to its videos."""
    for parent, _, names in os.walk(raw):
        folder = target / Path(parent).relative_to(raw)
        folder.mkdir(parents=True)
        for name in names:
            source = Path(parent, name)
            if source.suffix == ".avi":
                if int(source.stem) < n_files:
                    os.link(source, folder / name)
            elif source.parent.name == "Miniscope" and source.suffix == ".csv":
                lines = source.read_text().splitlines(keepends=True)
                (folder / name).write_text("".join(lines[: 1 + n_files * FRAMES_PER_FILE]))
            elif name != "ground_truth.nwb":
                shutil.copyfile(source, folder / name)
    return target


def run(raw: Path, work: Path, n_frames: int, *, no_more_needed: list[Path]) -> Row:
    """Convert, verify and process; these folders are removed once all is verified."""
    import miniscope_nwb

    nwb, scratch = work / "recording.nwb", work / "scratch"
    scratch.mkdir()
    convert = command("convert", raw, "-o", nwb)
    verify = command("verify", nwb, "--raw", raw)
    for folder in no_more_needed:
        shutil.rmtree(folder)
    process = command("process", nwb, "--scratch", scratch, scratch=scratch)
    with miniscope_nwb.open(nwb) as session:
        found = session.run()
        _, height, width = session.frames.shape
        row = Row(
            n_frames, width * height, convert, verify, process,
            found.timings.to_string(index=False), int(found.cells["accepted"].sum()),
        )  # fmt: skip
    nwb.unlink()
    shutil.rmtree(scratch, ignore_errors=True)
    return row


def command(*words: object, scratch: Path | None = None) -> Run:
    """Run one of our commands and measure it."""
    line = [sys.executable, "-m", "miniscope_nwb", *map(str, words), "--quiet"]
    return measure(line, scratch=scratch, every_s=LOOK_S, with_mapped=False)


def main() -> None:
    """Print a row for each length, and its stages."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--minutes", type=int, nargs="+", default=[10, 30, 60])
    parser.add_argument("--work", type=Path)
    parser.add_argument("--delete-raw", action="store_true")
    given = parser.parse_args()
    # Hard links: on the drive of the files.
    with tempfile.TemporaryDirectory(dir=given.work or given.raw.parent) as folder:
        work = Path(folder)
        print(HEADER)
        for minutes in sorted(given.minutes):
            n_files = round(minutes * 60 * RATE_HZ / FRAMES_PER_FILE)
            part = first_files(given.raw, work / f"raw_{minutes}", n_files)
            is_last = minutes == max(given.minutes)
            others = [given.raw] if is_last and given.delete_raw else []
            row = run(part, work, n_files * FRAMES_PER_FILE, no_more_needed=[part, *others])
            print(row.text(), flush=True)
            print(row.stages, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
