"""Simulate a recording: the raw folder as the acquisition program writes it, and the truth."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from miniscope_nwb.errors import OutputError
from miniscope_nwb.recording import LostSpan
from miniscope_nwb.simulate import corrupt
from miniscope_nwb.simulate.behaviour import FIRST_CAMERA, arena_frames, camera_rate
from miniscope_nwb.simulate.clock import FrameClock, make_clock
from miniscope_nwb.simulate.field import Field
from miniscope_nwb.simulate.onix_folder import OnixFolder
from miniscope_nwb.simulate.options import (
    PIXEL_SIZE_UM,
    SimulateOptions,
    level_of,
    resolve,
)
from miniscope_nwb.simulate.parts import PartWriter
from miniscope_nwb.simulate.raw import RawWriter, Scene
from miniscope_nwb.simulate.space import needed_bytes
from miniscope_nwb.simulate.v3_folder import V3Folder
from miniscope_nwb.simulate.v4_folder import V4Folder

if TYPE_CHECKING:
    from miniscope_nwb.nwb.truth import TrueCells, TrueField, TruthFile

_OTHERWISE = "name a folder on another drive, or ask for fewer frames"
TRUTH_NAME = "ground_truth.nwb"
Progress = Callable[[int, int], None]

_WRITERS: dict[str, Callable[[Scene], RawWriter]] = {
    "v3": V3Folder,
    "v4": V4Folder,
    "onix": OnixFolder,
}
_ONIX_FIRST_S = 1.2  # the clock of ONIX begins before its first frame


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """What was written."""

    raw: Path  # the session folder
    truth: Path  # the NWB file of the ground truth
    n_frames: int  # recorded frames of each miniscope, before any damage
    n_lost: int  # frames that the hardware dropped, all miniscopes together
    n_cells: int  # planted cells, all miniscopes together
    duration_s: float  # from the first frame to the last


def simulate(
    folder: Path,
    *,
    format: str = "v4",
    options: SimulateOptions | None = None,
    progress: Progress | None = None,
) -> SimulationResult:
    """Write a simulated recording below `folder`, and its truth as ``ground_truth.nwb``.

    Parameters
    ----------
    folder
        Absent or empty; made with its parents.
    format
        ``"v4"`` (Miniscope-DAQ-QT-Software), ``"v3"`` (the older software) or ``"onix"``.
    options
        What to simulate.
    progress
        Called with the frames that are done and those in all, cameras included.

    Returns
    -------
    SimulationResult
        The same options give the same bytes in the raw folder, and the same content of the truth.

    Raises
    ------
    OutputError
        The folder is not empty, the disk has not enough room, or the options make no sense
        together. Nothing is left behind.
    """
    chosen = resolve(options or SimulateOptions(), format=format)
    clocks = _make_clocks(chosen, format)
    scene = Scene(folder, chosen, *clocks)
    if chosen.corrupt is not None:
        corrupt.check_possible(chosen, format=format)
    is_new = _claim(folder)
    try:
        return _write_if_it_fits(scene, format, progress)
    except BaseException:
        for item in folder.iterdir():  # it was empty: all that is in it is ours
            shutil.rmtree(item) if item.is_dir() else item.unlink()
        if is_new:
            folder.rmdir()
        raise


def _claim(folder: Path) -> bool:
    """Make the folder; return whether it is new."""
    is_new = not folder.exists()
    if not is_new and not (folder.is_dir() and not any(folder.iterdir())):
        raise OutputError(
            f"{folder} exists and is not an empty folder; name a new one, nothing is overwritten."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be made ({error.strerror}); name another folder."
        ) from error
    return is_new


def _make_clocks(
    options: SimulateOptions, format: str
) -> tuple[tuple[FrameClock, ...], tuple[FrameClock, ...]]:
    first_s = _ONIX_FIRST_S if format == "onix" else None
    scopes = tuple(
        make_clock(
            options.frames, rate_hz=options.rate, n_lost=options.lost_frames, seed=options.seed,
            device=place, first_s=first_s,
        )
        for place in range(options.scopes)
    )  # fmt: skip
    rate = camera_rate(options.rate)
    n_frames = max(1, round((scopes[0].time_s[-1] - scopes[0].time_s[0]) * rate))
    cameras = tuple(
        make_clock(n_frames, rate_hz=rate, n_lost=0, seed=options.seed, device=FIRST_CAMERA + place)
        for place in range(options.cameras or 0)
    )
    return scopes, cameras


def _write_if_it_fits(scene: Scene, format: str, progress: Progress | None) -> SimulationResult:
    from miniscope_nwb.nwb.target import check_space, output_errors

    with output_errors(scene.folder, otherwise=_OTHERWISE):
        check_space(scene.folder, needed_bytes(scene, format), otherwise=_OTHERWISE)
        return _write(scene, format, progress)


def _write(scene: Scene, format: str, progress: Progress | None) -> SimulationResult:
    from miniscope_nwb.nwb.truth import TruthFile

    options = scene.options
    raw = _WRITERS[format](scene)
    raw.make_folders()
    fields = [Field(options, device=place) for place in range(options.scopes)]
    truths = [_true_field(scene, raw, place, field) for place, field in enumerate(fields)]
    total = sum(len(clock.time_s) for clock in (*scene.scopes, *scene.cameras))
    count = _Count(progress, total)
    path = scene.folder / TRUTH_NAME
    with (
        ThreadPoolExecutor(options.threads) as workers,
        TruthFile(path, _true_session(options, format), truths) as truth,
    ):
        for place, field in enumerate(fields):
            _write_scope(scene, raw, place, field, truth, workers, count)
    for place, clock in enumerate(scene.cameras):
        with PartWriter(raw.camera_video(place)) as parts:
            frames = arena_frames(clock.time_s, seed=options.seed, camera=place)
            parts.write(count.watch(frames))
    raw.write_texts()
    if options.corrupt is not None:
        corrupt.damage(raw.root, options, format=format, device=raw.device_name(0))
    times = scene.scopes[0].time_s
    return SimulationResult(
        raw=raw.root,
        truth=path,
        n_frames=options.frames,
        n_lost=options.scopes * options.lost_frames,
        n_cells=sum(len(field.cells) for field in fields),
        duration_s=float(times[-1] - times[0]),
    )


def _write_scope(
    scene: Scene,
    raw: RawWriter,
    place: int,
    field: Field,
    truth: TruthFile,
    workers: ThreadPoolExecutor,
    count: _Count,
) -> None:
    with PartWriter(raw.scope_video(place)) as parts:
        for block in field.stream(scene.scopes[place].hardware, workers):
            parts.write(count.watch(block.frames))
            truth.append(
                place, spikes=block.spikes, fluorescence=block.fluorescence, rigid=block.rigid,
                bend=block.bend,
            )  # fmt: skip


class _Count:
    """Counts frames and tells."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def watch(self, frames: Iterator[Any]) -> Iterator[Any]:
        for frame in frames:
            yield frame
            self._done += 1
            if self._progress is not None:
                self._progress(self._done, self._total)


def _true_field(scene: Scene, raw: RawWriter, place: int, field: Field) -> TrueField:
    from miniscope_nwb.nwb.truth import TrueField

    name, clock = raw.device_name(place), scene.scopes[place]
    edges = (field.blocks.x_edges, field.blocks.y_edges) if field.is_bending else ((), ())
    return TrueField(
        device=name,
        suffix=name.replace(" ", "_") if scene.options.scopes > 1 else "",
        time_s=clock.time_s,
        rate_hz=scene.options.rate,
        pixel_size_um=PIXEL_SIZE_UM,
        template=field.template(),
        cells=_true_cells(field, scene.options),
        x_edges=edges[0],
        y_edges=edges[1],
        losses=tuple(
            LostSpan(name, loss.start_s, loss.stop_s, loss.n_lost, "counter")
            for loss in clock.losses
        ),
    )


def _true_cells(field: Field, options: SimulateOptions) -> TrueCells:
    from miniscope_nwb.nwb.truth import TrueCells

    cells = field.cells
    return TrueCells(
        mask=lambda number: cells.footprints[number].whole(options.height, options.width),
        npix=np.array([np.count_nonzero(item.mask) for item in cells.footprints], np.int64),
        in_focus=cells.in_focus,
        overlaps=cells.overlaps,
        center_x=cells.center_x,
        center_y=cells.center_y,
        amplitude=cells.amplitude,
    )


def _true_session(options: SimulateOptions, format: str) -> Any:
    from miniscope_nwb.nwb.truth import TrueSession

    given = asdict(options) | {"format": format, "start_time": options.start_time.isoformat()}
    del given["threads"]  # changes nothing
    parameters = given | asdict(level_of(options)) | {"pixel_size_um": PIXEL_SIZE_UM}
    text = "miniscope-nwb simulate " + json.dumps(given, sort_keys=True)
    return TrueSession(
        identifier=str(uuid.uuid5(uuid.NAMESPACE_URL, text)),
        start=options.start_time,
        session_id=f"{options.start_time:%Y%m%dT%H%M%S}",
        subject_id=options.subject,
        parameters=parameters,
    )
