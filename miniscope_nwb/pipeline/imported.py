"""Results that CaImAn computed elsewhere go through the same stages as our own.

The saved file stands in for an engine: its shifts are the motion, its components the extraction.
Summary images, traces, quality and writing are those of every run, as far as the movie allows.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from miniscope_nwb.correct.movie import CorrectedMovie
from miniscope_nwb.engines.base import (
    Availability,
    ExtractInput,
    MotionInput,
    Prediction,
    Resources,
    Task,
)
from miniscope_nwb.engines.caiman.saved import SavedResults, read_saved
from miniscope_nwb.engines.choose import Choice
from miniscope_nwb.errors import ParameterError
from miniscope_nwb.movie import Movie, spread_frames
from miniscope_nwb.params.load import Given
from miniscope_nwb.pipeline.crop import field_size
from miniscope_nwb.pipeline.job import open_job
from miniscope_nwb.pipeline.options import ProcessOptions, ProcessResult, Watch
from miniscope_nwb.pipeline.process import run_job
from miniscope_nwb.pipeline.resources import one_thread_each
from miniscope_nwb.pipeline.scratch import check_scratch, locked, scratch_folder
from miniscope_nwb.pipeline.store import fresh_folder
from miniscope_nwb.results import ExtractionResult, MotionResult

_N_TEMPLATE_FRAMES = 200  # of the mean that stands for a template where none is stored
_HASH_BYTES = 1 << 24


class SavedEngine:
    """Gives what stands in a results file, by the protocol of engines."""

    name = "caiman"
    summary = "results that CaImAn saved"
    uses_quality = False

    def __init__(self, saved: SavedResults, path: Path) -> None:
        self._saved, self._path = saved, path
        self.source_hash = _checksum(path)

    def availability(self) -> Availability:
        """Say that it can be used: nothing is computed."""
        return Availability(True, version=self._saved.version)

    def versions(self) -> dict[str, str]:
        """Return the version of the CaImAn that computed the results."""
        return dict(self._saved.extraction.versions)

    def predict(self, task: Task) -> Prediction:
        """Say that reading takes little beside the shared stages; the traces lie in scratch."""
        traces = 4 * 6 * self._saved.extraction.n_cells * task.n_frames
        return Prediction(0, traces, {"motion": 0.0, "extract": 0.0})

    def motion(self, job: MotionInput, resources: Resources) -> MotionResult:
        """Return the stored shifts; where there are none, the movie is taken as it stands."""
        found = self._saved.motion
        if found is None:
            resources.say(
                f"Warning: {self._path.name} holds no shifts: the footprints are laid over the "
                "movie as it was recorded."
            )
            found = _unmoved(job.movie, self.versions())
        if np.isfinite(found.template).any():
            return found
        return replace(found, template=_mean_image(CorrectedMovie(job.movie, found)))

    def extract(self, job: ExtractInput, resources: Resources) -> ExtractionResult:
        """Return the stored components."""
        for note in self._saved.notes:
            resources.say(f"Warning: {self._path.name}: {note[:1].lower()}{note[1:]}")
        return self._saved.extraction


def import_results(
    path: Path, results: Path, options: ProcessOptions, *, watch: Watch | None = None
) -> ProcessResult:
    """Write results that CaImAn saved into the NWB file of their recording.

    Parameters
    ----------
    path
        The NWB file.
    results
        What CaImAn's ``cnm.save`` wrote.
    options
        Of the shared stages; a crop is the part of the field that the results belong to.

    Raises
    ------
    MiniscopeError
        If the results belong to another field or number of frames, or one of both files cannot be
        read; the NWB file is whole.
    """
    watch = watch or Watch()
    options = replace(options, parameters=_as_it_was(options.parameters), engine=SavedEngine.name)
    work = scratch_folder(path, options.scratch).with_suffix(".import")
    check_scratch(work)
    with locked(path), one_thread_each(), fresh_folder(work) as folder:
        engine = SavedEngine(_read(path, results, options, folder), results)
        reason = f"results imported from {results.name}"
        job = open_job(path, options, choose=lambda task: _choice(engine, reason, task))
        return run_job(job, watch)


def _choice(engine: SavedEngine, reason: str, task: Task) -> Choice:
    return Choice(engine, reason, engine.predict(task))


def _as_it_was(given: Given) -> Given:
    """Keep the field as the results have it: nothing is binned."""
    values = given.values
    if (values.preprocess.spatial_factor or 1) != 1:
        raise ParameterError("results are imported on the field they have: leave spatial_factor 1.")
    if values.preprocess.spatial_factor is not None:
        return given
    return given.with_value("preprocess", "spatial_factor", 1, where="import", source="derived")


def _read(path: Path, results: Path, options: ProcessOptions, folder: Path) -> SavedResults:
    from miniscope_nwb.nwb.recording_file import read_recording

    recording = read_recording(path, options.series)
    crop = options.parameters.values.preprocess.crop
    height, width = field_size(recording.height, recording.width, crop)
    return read_saved(
        results,
        height=height,
        width=width,
        n_frames=recording.n_frames,
        resources=Resources(scratch=folder),
    )


def _unmoved(movie: Movie, versions: dict[str, str]) -> MotionResult:
    return MotionResult(
        template=_mean_image(movie),
        shifts_px=np.zeros((movie.n_frames, 2), np.float32),
        blocks=None,
        block_shifts_px=None,
        is_registered=np.ones(movie.n_frames, np.bool_),
        block_residual_px=float("nan"),
        versions=versions,
    )


def _mean_image(movie: Movie) -> Any:
    """Return the mean of frames over the whole recording, NaN where none was seen."""
    frames = spread_frames(np.ones(movie.n_frames, np.bool_), _N_TEMPLATE_FRAMES)
    total = np.zeros((movie.height, movie.width))
    count = np.zeros((movie.height, movie.width))
    for frame in frames.tolist():
        image = movie.read(frame, frame + 1)[0].astype(np.float64)
        is_seen = np.isfinite(image)
        total += np.where(is_seen, image, 0)
        count += is_seen
    with np.errstate(invalid="ignore"):
        return (total / count).astype(np.float32)


def _checksum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BYTES):
            digest.update(block)
    return digest.hexdigest()
