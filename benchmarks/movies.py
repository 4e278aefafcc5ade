"""The movies of the table, made once and found again.

    python -m benchmarks.movies --movies DIR --level moderate --seed 101 [--width --height --frames]
    python -m benchmarks.movies --movies DIR --minisim v4 --seed 1 --minisim-python PYTHON
    python -m benchmarks.movies --movies DIR --clip FILE.avi

Each is a folder of `DIR`: ``movie.h5`` (see `movie_files`), ``movie.json`` (what all may know)
and ``truth.npz``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmarks.movie_files import DATASET, MovieTruth, create_frames, read_truth, write_truth
from benchmarks.scoring import Blocks
from miniscope_nwb.testing.score import Truth

WIDTH, HEIGHT, FRAMES = 300, 270, 3000  # of the levels
LARGE = {"width": 600, "height": 600, "frames": 1000}
_WORKER = Path(__file__).parent / "opponents" / "minisim_worker.py"
_DECAY_S = 0.5  # of the simulators' calcium: GCaMP6f
_BURST = 2  # spikes in one frame
_CLIP_RATE_HZ, _CLIP_CELL_PX = 20.0, 10.0  # of the real clip: assumed; its header tells no rate


@dataclass(frozen=True)
class BenchMovie:
    """A movie of the table and what everybody is told of it."""

    name: str
    folder: Path
    n_frames: int
    height: int
    width: int
    rate_hz: float
    cell_diameter_px: float
    pixel_size_um: float
    decay_s: float
    is_bending: bool  # its frames bend: who asks for piecewise motion correction is told so
    about: dict[str, Any] = field(default_factory=dict)  # how it was made

    @property
    def path(self) -> Path:
        """The HDF5 file of the frames."""
        return self.folder / "movie.h5"

    def frames(self) -> np.ndarray:
        """Return the frames (n_frames, height, width), mapped."""
        shape = (self.n_frames, self.height, self.width)
        return np.memmap(self.path, np.uint8, "r", self._offset(), shape)

    def _offset(self) -> int:
        with h5py.File(self.path) as file:
            return int(file[DATASET].id.get_offset())

    def as_job(self) -> dict[str, Any]:
        """Return what a worker is told: it may know cell size and rate, not the truth."""
        return {
            "path": str(self.path), "dataset": DATASET, "offset": self._offset(),
            "shape": [self.n_frames, self.height, self.width], "dtype": "uint8",
            "rate_hz": self.rate_hz, "cell_diameter_px": self.cell_diameter_px,
        }  # fmt: skip

    def truth(self) -> MovieTruth | None:
        """Read the truth; None for a real movie."""
        path = self.folder / "truth.npz"
        return read_truth(path) if path.exists() else None


def simulated(movies: Path, **choices: Any) -> BenchMovie:
    """Return a movie of our own simulator; `choices` are of `SimulateOptions`, level and seed."""
    choices = {"width": WIDTH, "height": HEIGHT, "frames": FRAMES, **choices}
    size = "{width}x{height}x{frames}".format(**choices)
    name = f"{choices['level']}-{size}-seed{choices['seed']}"
    return _found(movies, name) or _made(movies, name, lambda folder: _simulate(folder, choices))


def minisim(movies: Path, kind: str, *, python: str, seed: int, **size: int) -> BenchMovie:
    """Return a movie of the independent simulator, made in an interpreter that has it.

    Parameters
    ----------
    kind
        ``moderate`` or ``v4``, see the worker.
    size
        width, height, frames.
    """
    size = {"width": WIDTH, "height": HEIGHT, "frames": FRAMES, **size}
    name = f"minisim-{kind}-{size['width']}x{size['height']}x{size['frames']}-seed{seed}"
    job = {"kind": kind, "seed": seed, **size}
    return _found(movies, name) or _made(movies, name, lambda folder: _ask(folder, job, python))


def clip(movies: Path, source: Path) -> BenchMovie:
    """Return a real clip, without truth; the empty frames that its header counts are left out.

    Its name is made of its content: files of other clips may be called alike.
    """
    if not source.is_file():
        raise SystemExit(f"{source} is not there: give the AVI file of a real recording.")
    name = f"clip-{hashlib.sha256(source.read_bytes()).hexdigest()[:8]}"
    return _found(movies, name) or _made(movies, name, lambda folder: _decode(folder, source))


def _found(movies: Path, name: str) -> BenchMovie | None:
    path = movies / name / "movie.json"
    if not path.exists():
        return None
    return BenchMovie(folder=movies / name, **json.loads(path.read_text(encoding="utf-8")))


def _made(movies: Path, name: str, make: Any) -> BenchMovie:
    """Make a movie in a folder beside its place, so that half a movie is never found."""
    folder = movies / f"{name}.making"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    known = {"name": name, **make(folder)}
    (folder / "movie.json").write_text(json.dumps(known, indent=1), encoding="utf-8")
    folder.rename(movies / name)
    movie = _found(movies, name)
    assert movie is not None
    return movie


def _simulate(folder: Path, choices: dict[str, Any]) -> dict[str, Any]:
    from miniscope_nwb.simulate.field import Field
    from miniscope_nwb.simulate.options import PIXEL_SIZE_UM, SimulateOptions, resolve
    from miniscope_nwb.testing.score import simulated_truth

    options = resolve(SimulateOptions(cameras=0, **choices), format="v4")
    scene = Field(options, device=0)
    frames = create_frames(folder / "movie.h5", (options.frames, options.height, options.width))
    rigid, bends = [], []
    with ThreadPoolExecutor(options.threads) as workers:
        for block in scene.stream(np.arange(options.frames), workers):
            for place, frame in enumerate(block.frames, block.start):
                frames[place] = frame
            rigid.append(block.rigid)
            bends.append(block.bend)
    # a correction is the opposite of the displacement; a bend belongs to places of the tissue
    shifts = -np.concatenate(rigid).astype(float)
    blocks = None
    if scene.is_bending:
        x, y = (np.add(edges[1:], edges[:-1]) / 2 - 0.5 for edges in
                (scene.blocks.x_edges, scene.blocks.y_edges))  # fmt: skip
        grid = np.stack([item.ravel() for item in np.meshgrid(x, y)], axis=1)
        blocks = Blocks(grid, shifts[:, None] - np.concatenate(bends))
    cells = simulated_truth(options)
    write_truth(folder / "truth.npz", MovieTruth(cells, shifts, blocks))
    return {
        **_size(frames), "rate_hz": options.rate, "cell_diameter_px": cells.cell_diameter_px,
        "pixel_size_um": PIXEL_SIZE_UM, "decay_s": _DECAY_S,
        "is_bending": scene.is_bending,
        "about": {"simulator": "miniscope-nwb", **choices},
    }  # fmt: skip


def _ask(folder: Path, job: dict[str, Any], python: str) -> dict[str, Any]:
    """Let the other interpreter simulate; turn what it left into our forms."""
    left = folder / "left.npz"
    (folder / "job.json").write_text(json.dumps({**job, "result": str(left)}), encoding="utf-8")
    subprocess.run([python, str(_WORKER), str(folder / "job.json")], check=True)
    with np.load(left) as saved:
        observed = saved["frames"]
        frames = create_frames(folder / "movie.h5", observed.shape)
        frames[:] = observed
        known = json.loads(str(saved["known"]))
        cells = _cells_of(saved, known, observed.shape)
        shifts = -np.asarray(saved["displacements"], float)
    write_truth(folder / "truth.npz", MovieTruth(cells, shifts, None))
    left.unlink()
    return {
        **_size(frames), "rate_hz": known["rate_hz"], "cell_diameter_px": cells.cell_diameter_px,
        "pixel_size_um": known["pixel_size_um"], "decay_s": known["decay_s"], "is_bending": False,
        "about": {"simulator": f"minisim {known['version']}", **job},
    }  # fmt: skip


def _cells_of(saved: Any, known: dict[str, Any], shape: tuple[int, ...]) -> Truth:
    from scipy.sparse import csc_array

    masks = saved["footprints"].reshape(len(saved["footprints"]), -1)
    peaks = np.maximum(masks.max(axis=1, initial=0), 1e-12)
    scaled = np.where(masks > 0.02 * peaks[:, None], masks, 0) / peaks[:, None]
    return Truth(
        height=shape[1],
        width=shape[2],
        footprints=csc_array(scaled.T.astype(np.float32)),
        in_focus=np.ones(len(masks), bool),
        fluorescence=(saved["calcium"] * peaks[:, None] * known["grey_per_unit"]).astype(
            np.float32
        ),
        # Bursts are events; single spikes, 0.6 a second in every cell, drown in the noise. A cell
        # without events is neutral: finding a blurred one is neither right nor false.
        spikes=_bursts(saved["spikes"]) * saved["is_sharp"][:, None],
        noise_grey=known["noise_grey"],
        rate_hz=known["rate_hz"],
        cell_diameter_px=known["cell_diameter_px"],
    )


def _bursts(spikes: np.ndarray) -> np.ndarray:
    return np.where(spikes >= _BURST, spikes, 0).astype(np.float32)


def _decode(folder: Path, source: Path) -> dict[str, Any]:
    import cv2

    video, read = cv2.VideoCapture(str(source)), []
    while True:
        is_there, frame = video.read()
        if not is_there:
            break
        read.append(frame[:, :, 0])
    if not read:
        raise SystemExit(f"{source} holds no frame that can be read.")
    frames = create_frames(folder / "movie.h5", (len(read), *read[0].shape))
    frames[:] = read
    return {
        **_size(frames), "rate_hz": _CLIP_RATE_HZ, "cell_diameter_px": _CLIP_CELL_PX,
        "pixel_size_um": 1.0, "decay_s": _DECAY_S, "is_bending": False,
        "about": {"clip": source.name},
    }  # fmt: skip


def _size(frames: np.ndarray) -> dict[str, int]:
    return dict(zip(("n_frames", "height", "width"), frames.shape, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--movies", type=Path, required=True, help="folder of the movies")
    parser.add_argument("--level", action="append", default=[], help="levels of our simulator")
    parser.add_argument("--minisim", action="append", default=[], choices=["moderate", "v4"])
    parser.add_argument("--minisim-python", default="", help="interpreter that has minisim")
    parser.add_argument("--clip", type=Path, help="a real AVI file")
    parser.add_argument("--seed", type=int, action="append", help="seeds; 1")
    parser.add_argument("--width", type=int, default=WIDTH)
    parser.add_argument("--height", type=int, default=HEIGHT)
    parser.add_argument("--frames", type=int, default=FRAMES)
    given = parser.parse_args()
    size = {"width": given.width, "height": given.height, "frames": given.frames}
    for seed in given.seed or [1]:
        for level in given.level:
            print(simulated(given.movies, level=level, seed=seed, **size).folder)
        for kind in given.minisim:
            python = given.minisim_python
            print(minisim(given.movies, kind, python=python, seed=seed, **size).folder)
    if given.clip:
        print(clip(given.movies, given.clip).folder)


if __name__ == "__main__":
    main()
