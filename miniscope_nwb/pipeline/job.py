"""A request and a file put together: all that is known before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from miniscope_nwb.engines.base import Scale, TakesExtra, Task
from miniscope_nwb.engines.choose import Choice, Limits, choose_engine
from miniscope_nwb.errors import OutputError
from miniscope_nwb.params.identity import parameter_hash
from miniscope_nwb.params.load import Given
from miniscope_nwb.pipeline.crop import field_size
from miniscope_nwb.pipeline.first_run import COMPILING_BYTES, is_first_run
from miniscope_nwb.pipeline.identity import Decision, Identity, StoredRun, check_name, decide
from miniscope_nwb.pipeline.keys import Ingredients, stage_keys
from miniscope_nwb.pipeline.masks import GivenMasks, read_masks
from miniscope_nwb.pipeline.options import ProcessOptions
from miniscope_nwb.pipeline.remarks import remarks_on_sizes
from miniscope_nwb.pipeline.resources import default_threads, memory_limit
from miniscope_nwb.pipeline.scratch import scratch_folder
from miniscope_nwb.pipeline.stamps import say_backward
from miniscope_nwb.results import Derived, RunParameter

_PX_A_CELL = 1000  # a component in so many pixels, for predictions


@dataclass(frozen=True)
class Job:
    """What is to be done with a file."""

    path: Path
    options: ProcessOptions
    recording: Any  # nwb.recording_file.RecordingInfo
    input_hash: str
    runs: Sequence[StoredRun]  # those that the file holds
    masks: GivenMasks | None
    task: Task
    choice: Choice
    fingerprint: tuple[int, ...]  # of the file on the disk, when it was read
    without_effect: tuple[str, ...] = ()  # parameters that were given and that nobody reads

    @property
    def given(self) -> Given:
        """The parameters as given."""
        return self.options.parameters

    @property
    def series(self) -> str:
        """Name of the movie in the file."""
        return str(self.recording.series)

    @property
    def source_hash(self) -> str:
        """Checksum of the file that an engine reads its results from; else nothing."""
        return str(getattr(self.choice.engine, "source_hash", ""))

    @cached_property
    def versions(self) -> dict[str, str]:
        """Versions of the engine and of what it computes with."""
        return self.choice.engine.versions()

    @cached_property
    def identity(self) -> Identity:
        """What makes two runs the same."""
        masks_hash = self.masks.digest if self.masks else ""
        extra = {"seed": self.options.seed, "masks": masks_hash, "source": self.source_hash}
        hashed = parameter_hash(self.given.values, extra=extra)
        name = self.choice.engine.name
        version = self.versions.get("engine", "")
        return Identity(self.input_hash, hashed, name, version, self.series)

    @cached_property
    def decision(self) -> Decision:
        """Whether the run is done, new, or replaces another."""
        return decide(self.identity, self.runs, name=self.options.run, force=self.options.force)

    @cached_property
    def keys(self) -> dict[str, str]:
        """What each stage depends on, as a hash."""
        return stage_keys(
            Ingredients(
                input_hash=self.input_hash,
                series=self.series,
                scale=(self.scale.pixel_size_um, self.scale.rate_hz, self.scale.indicator),
                parameters=self.given.values,
                engine=self.identity.engine,
                engine_version=self.identity.engine_version,
                uses_quality=bool(getattr(self.choice.engine, "uses_quality", True)),
                seed=self.options.seed,
                masks_hash=self.masks.digest if self.masks else "",
                source_hash=self.source_hash,
            )
        )

    @cached_property
    def scratch(self) -> Path:
        """The scratch folder of this file."""
        return scratch_folder(self.path, self.options.scratch)

    @cached_property
    def scale(self) -> Scale:
        """Physical scale of the raw movie."""
        given = self.given.values
        size = given.preprocess.pixel_size_um or self.recording.pixel_size_um
        indicator = given.extract.indicator or self.recording.indicator
        return Scale(float(size), float(self.recording.rate_hz), str(indicator))

    @cached_property
    def memory_bytes(self) -> int:
        """What a run may take: as asked for, else what was free when the job was opened."""
        return memory_limit(self.options.max_memory_bytes)

    @property
    def stage_memory_bytes(self) -> int:
        """What a stage may take: less what compiling takes, where that is to come."""
        return self.memory_bytes - (COMPILING_BYTES if self.is_first_run else 0)

    @property
    def is_first_run(self) -> bool:
        """Whether inner loops must be compiled still: after the probe of a plan they are not."""
        return is_first_run(self.choice.engine)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user may not expect of the request, a sentence each."""
        found = []
        if self.without_effect:
            verb = "has" if len(self.without_effect) == 1 else "have"
            why = f"the engine is {self.choice.engine.name}"
            if self.source_hash:
                why = f"{self.choice.reason} are taken as they are"
            found.append(f"Warning: {', '.join(self.without_effect)} {verb} no effect: {why}.")
        if self.masks is not None and self.masks.n_runs > 1:
            found.append(
                f"Warning: {self.options.masks} holds {self.masks.n_runs} runs, and the masks of "
                f"the first are taken: write {self.options.masks}:RUN for another."
            )
        if backward := say_backward(self.recording.clock, self.recording.series):
            found.append(backward)
        raw = self.recording
        sizes = {"height": raw.height, "width": raw.width}
        return (*found, *remarks_on_sizes(self.given.values, self.scale, **sizes))

    @property
    def run_parameters(self) -> tuple[RunParameter, ...]:
        """What was asked for beside the parameters of the stages."""
        options = self.options
        rows = [
            RunParameter("run", "seed", options.seed, "user" if options.seed else "default"),
            RunParameter(
                "run",
                "corrected",
                options.corrected,
                "default" if options.corrected == "preview" else "user",
            ),
        ]
        if options.masks:
            rows.append(RunParameter("run", "masks", Path(options.masks).name, "user"))
        if self.given.preset:
            rows.append(RunParameter("run", "preset", self.given.preset, "user"))
        return tuple(rows)

    @property
    def derived(self) -> tuple[Derived, ...]:
        """What the file told and nobody gave."""
        found = []
        given = self.given.values
        if given.preprocess.pixel_size_um is None and math.isfinite(self.scale.pixel_size_um):
            value = self.scale.pixel_size_um
            found.append(Derived("preprocess", "pixel_size_um", value, "grid spacing of the file"))
        if given.extract.indicator is None and self.scale.indicator:
            found.append(
                Derived("extract", "indicator", self.scale.indicator, "imaging plane of the file")
            )
        return tuple(found)


def open_job(
    path: Path, options: ProcessOptions, *, choose: Callable[[Task], Choice] | None = None
) -> Job:
    """Read the file and choose the engine; compute nothing.

    Parameters
    ----------
    choose
        Takes the place of the choice among the installed engines.

    Raises
    ------
    MiniscopeError
        If the file, the engine or the request is not as it should be; one sentence.
    """
    from miniscope_nwb.nwb.recording_file import input_hash, read_recording

    check_name(options.run)
    before = fingerprint(path)
    recording = read_recording(path, options.series)
    task = _task(recording, options)
    masks = _masks(options, recording)
    choice = choose(task) if choose is not None else _choose(path, options, task)
    effective, without_effect = _for_engine(options, choice)
    job = Job(
        path=path,
        options=effective,
        recording=recording,
        input_hash=input_hash(path, recording.series),
        runs=stored_runs(path),
        masks=masks,
        task=task,
        choice=choice,
        fingerprint=before,
        without_effect=without_effect,
    )
    if isinstance(choice.engine, TakesExtra) and not job.decision.is_done:
        choice.engine.check_extra(job.given.values.caiman)
    return job


def _for_engine(options: ProcessOptions, choice: Choice) -> tuple[ProcessOptions, tuple[str, ...]]:
    """Leave out what the engine does not read, so that the run is the same as without; name it.

    One file of parameters serves where CaImAn is and where it is not.
    """
    given = options.parameters
    if isinstance(choice.engine, TakesExtra) or not given.values.caiman:
        return options, ()
    names = tuple(f"caiman.{name}" for name in sorted(given.values.caiman))
    return replace(options, parameters=given.without_passed_through()), names


def fingerprint(path: Path) -> tuple[int, ...]:
    """Return what changes whenever a file is written or another takes its place; empty: no file."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _choose(path: Path, options: ProcessOptions, task: Task) -> Choice:
    limits = Limits(memory_limit(options.max_memory_bytes), _free_bytes(path, options))
    return choose_engine(options.engine, task, limits, caiman_python=options.caiman_python)


def stored_runs(path: Path) -> list[StoredRun]:
    """Return the runs that a file holds, the oldest first."""
    from miniscope_nwb.nwb.processed.read import read_rounds
    from miniscope_nwb.nwb.processed.runs import read_runs, stored_corrected
    from miniscope_nwb.nwb.read import open_nwb

    columns = StoredRun.__dataclass_fields__.keys() - {"name", "corrected", "n_manual_rounds"}
    with open_nwb(path) as file:
        return [
            StoredRun(
                name=row.run,
                corrected=stored_corrected(file, row),
                n_manual_rounds=sum(map(bool, read_rounds(file, row).get("is_manual", ()))),
                **{name: row.values[name] for name in columns},
            )
            for row in read_runs(file)
        ]


def _task(recording: Any, options: ProcessOptions) -> Task:
    preprocess = options.parameters.values.preprocess
    height, width = field_size(recording.height, recording.width, preprocess.crop)
    factor = preprocess.spatial_factor or 1
    height, width = max(1, height // factor), max(1, width // factor)
    n_threads = options.n_threads or default_threads()
    if n_threads < 1:
        raise OutputError(f"{n_threads} threads can do nothing: give --threads 1 or more.")
    return Task(
        n_frames=recording.n_frames,
        height=height,
        width=width,
        itemsize=recording.dtype.itemsize,
        n_cells=options.parameters.values.extract.max_cells
        or max(20, height * width // _PX_A_CELL),
        n_threads=n_threads,
        is_piecewise=options.parameters.values.motion.method == "piecewise",
        memory_bytes=memory_limit(options.max_memory_bytes),
    )


def _masks(options: ProcessOptions, recording: Any) -> GivenMasks | None:
    if options.masks is None:
        return None
    return read_masks(options.masks, height=recording.height, width=recording.width)


def _free_bytes(path: Path, options: ProcessOptions) -> int:
    import shutil

    folder = scratch_folder(path, options.scratch).parent
    there = next(item for item in (folder, *folder.parents) if item.exists())
    return shutil.disk_usage(there).free
