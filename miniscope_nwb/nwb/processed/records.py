"""The tables that say what was run: a run's rows of each."""

from __future__ import annotations

import json
from datetime import datetime

import numpy as np

from miniscope_nwb.nwb.processed.names import (
    DECISIONS,
    FIGURES,
    PARAMETERS,
    ROUNDS,
    RUNS,
    TIMINGS,
)
from miniscope_nwb.nwb.tables import Column
from miniscope_nwb.recording import BoolArray
from miniscope_nwb.results import Decisions, RunRecord

TABLES = {
    RUNS: "The runs of the processing, one row each.",
    PARAMETERS: "Every parameter of every run, as it was used.",
    TIMINGS: "What the stages of each run took; a stage that was taken over from an earlier start "
    "keeps the time that it took then.",
    FIGURES: "Figures of the whole recording, one row a figure of a run.",
    ROUNDS: "Rounds of curation: who held the components of a run to be what; the last one of a "
    "run is current.",
    DECISIONS: "What each round of curation holds each component to be.",
}


_FIRST = (
    "run",
    "engine",
    "engine_version",
    "parameter_hash",
    "input_hash",
    "started",
    "seconds",
)
_Texts = dict[str, tuple[str, str]]  # name -> (description, value)
_Numbers = dict[str, tuple[str, float]]


def run_rows(run: RunRecord, *, segmentation: str, motion: str) -> list[Column]:
    """Row of `ProcessingRuns`; `segmentation` and `motion` are names of objects in the module."""
    texts = {**_origin(run), **_places(run, segmentation=segmentation, motion=motion)}
    numbers = {**_counts(run), **_motion_figures(run), **_field(run)}
    columns = [Column(name, text, [value]) for name, (text, value) in texts.items()]
    columns += [Column(name, text, np.array([value])) for name, (text, value) in numbers.items()]
    places = {name: place for place, name in enumerate(_FIRST)}
    return sorted(columns, key=lambda column: places.get(column.name, len(places)))


def _origin(run: RunRecord) -> _Texts:
    """Say what computed, from what, when and where."""
    versions = "; ".join(f"{name} {text}" for name, text in sorted(run.versions.items()))
    return {
        "run": ("Name of the run.", run.name),
        "engine": ("What computed motion and cells.", run.engine),
        "engine_version": ("Its version.", run.engine_version),
        "engine_reason": ("Why this engine was taken.", run.engine_reason),
        "parameter_hash": ("Identifies the parameters as given, with defaults.",
                           run.parameter_hash),
        "motion_hash": ("Identifies all that shifts and outliers depend on; runs of equal ones "
                        "share the motion result.", run.motion_hash),
        "input_hash": ("SHA-256 of the raw series' stored data and time stamps.", run.input_hash),
        "started": ("When the run began, ISO 8601.", run.started.isoformat()),
        "ended": ("When it ended.", run.ended.isoformat()),
        "series": ("Raw series, in acquisition.", run.series),
        "host": ("Computer.", run.host),
        "versions": ("Packages that computed.", versions),
    }  # fmt: skip


def _places(run: RunRecord, *, segmentation: str, motion: str) -> _Texts:
    """Where the run's objects stand, and why there may be none."""
    return {
        "segmentation": ("The run's table of cells, in ImageSegmentation; the run's other objects "
                         "end as its name does.", segmentation),
        "motion": ("The run's shifts, in this module; other objects of the motion end as its name "
                   "does.", motion),
        "emptied_by": ("Where nothing was found: what emptied the result.",
                       run.extraction.emptied_by),
    }  # fmt: skip


def _counts(run: RunRecord) -> _Numbers:
    n_frames = len(run.motion.shifts_px)
    accepted = int(np.count_nonzero(run.quality.decisions.accepted))
    return {
        "seconds": ("Time that the run took until it was written, s.", float(run.seconds)),
        "n_components": ("Components found.", run.extraction.n_cells),
        "n_accepted": ("Components accepted, by the current round of curation.", accepted),
        "n_frames": ("Frames of the raw series.", n_frames),
        "n_left_out": ("Frames left out.", n_frames - int(_is_usable(run).sum())),
    }


def _motion_figures(run: RunRecord) -> _Numbers:
    """Figures of motion, px of the raw movie."""
    factor, quality = run.prepared.spatial_factor, run.motion_quality
    usable = np.asarray(run.motion.shifts_px, np.float64)[_is_usable(run)] * factor
    std_x, std_y = usable.std(axis=0) if len(usable) else (np.nan, np.nan)
    return {
        "shift_std_x": ("Standard deviation of the shifts along x, px.", float(std_x)),
        "shift_std_y": ("Standard deviation of the shifts along y, px.", float(std_y)),
        "residual_motion_px": ("Rigid motion left after correction, RMS, px.",
                               quality.residual_px * factor),
        "block_residual_px": ("What a rigid correction leaves in blocks of the field, RMS, px.",
                              run.motion.block_residual_px * factor),
        "share_moved": ("Share of the frames moved more than half a cell.",
                        float(quality.share_moved)),
        "blur": ("Sharpness lost in the mean image.", float(quality.blur)),
    }  # fmt: skip


def _averaged_frames(run: RunRecord) -> int:
    """Return how many frames the extraction averaged, which may be fewer than it was allowed."""
    told = {(item.stage, item.parameter): item.value for item in run.extraction.derived}
    value = told.get(("preprocess", "temporal_factor"))
    return value if isinstance(value, int) else run.prepared.temporal_factor


def _field(run: RunRecord) -> _Numbers:
    """Which part of the raw movie was processed, and how finely."""
    x0, y0, x1, y1 = run.prepared.crop
    factor = run.prepared.spatial_factor
    return {
        "crop_x0": ("First raw column that was processed.", x0),
        "crop_y0": ("First raw row that was processed.", y0),
        "crop_x1": ("Raw column after the last.", x1),
        "crop_y1": ("Raw row after the last.", y1),
        "spatial_factor": ("Raw pixels a processed pixel, on each axis.", factor),
        "temporal_factor": (
            "Consecutive frames of a mean while cells are searched and updated; traces are at the "
            "full rate.",
            _averaged_frames(run),
        ),
        "cell_diameter_px": ("Median diameter of the somata, px.",
                             run.images.cell_diameter_px * factor),
        "curation_round": ("Current round of curation.", n_rounds(run)),
    }  # fmt: skip


def _is_usable(run: RunRecord) -> BoolArray:
    usable: BoolArray = ~np.asarray(run.motion_quality.is_outlier, np.bool_)
    return usable


def n_rounds(run: RunRecord) -> int:
    """Count the rounds that a run brings: the engine's own, where there is one, and ours."""
    return 1 if run.quality.engine_decisions is None else 2


def parameter_rows(run: RunRecord) -> list[Column]:
    """Rows of `ProcessingParameters`."""
    found = run.parameters
    return [
        Column("run", "Name of the run.", [run.name] * len(found)),
        Column("stage", "Stage of the processing.", [p.stage for p in found]),
        Column("parameter", "Name of the parameter.", [p.parameter for p in found]),
        Column(
            "value_json",
            "Value as it was used, as JSON; lengths in the unit that the name ends in.",
            [json.dumps(p.value, ensure_ascii=False) for p in found],
        ),
        Column(
            "source",
            "default, preset, user, or derived: computed from the movie or from another parameter.",
            [p.source for p in found],
        ),
        Column("basis", "What a derived value was derived from.", [p.basis for p in found]),
    ]


def timing_rows(run: RunRecord) -> list[Column]:
    """Rows of `StageTimings`."""
    found = run.timings
    return [
        Column("run", "Name of the run.", [run.name] * len(found)),
        Column("stage", "Stage of the processing.", [t.stage for t in found]),
        Column("seconds", "Time, s.", np.array([t.seconds for t in found], np.float64)),
        Column(
            "peak_memory_bytes",
            "Largest memory of all processes together, bytes.",
            np.array([t.peak_memory_bytes for t in found], np.int64),
        ),
    ]


def figure_rows(run: RunRecord) -> list[Column]:
    """Rows of `RunFigures`."""
    figures = {
        **run.prepared.figures,
        "n_defective_pixels": float(len(run.prepared.defective_pixels)),
        "n_brightness_steps": float(len(run.prepared.brightness_steps)),
        "n_seeds": float(run.extraction.n_seeds),
    }
    return [
        Column("run", "Name of the run.", [run.name] * len(figures)),
        Column("figure", "What it is.", list(figures)),
        Column("value", "Its value.", np.array(list(figures.values()), np.float64)),
    ]


def new_rounds(run: RunRecord) -> list[tuple[list[Column], list[Column]]]:
    """Make the rounds of a new run: rows of `CurationRounds` and of `CurationDecisions`."""
    found = []
    own = run.quality.engine_decisions
    if own is not None:
        found.append((own, run.engine, f"What {run.engine} itself accepts."))
    found.append((run.quality.decisions, "miniscope-nwb", "Rules on the metrics."))
    return [
        (
            round_rows(number, run.name, made_at=run.ended, made_by=by, note=note, is_manual=False),
            decision_rows(number, run.name, decisions),
        )
        for number, (decisions, by, note) in enumerate(found, start=1)
    ]


def round_rows(
    number: int, run: str, *, made_at: datetime, made_by: str, note: str, is_manual: bool
) -> list[Column]:
    """Row of `CurationRounds`."""
    return [
        Column("round", "Number of the round, from 1 in each run.", np.array([number])),
        Column("run", "Name of the run.", [run]),
        Column("made_at", "When, ISO 8601.", [made_at.isoformat()]),
        Column("made_by", "Who or what decided.", [made_by]),
        Column("note", "Remark.", [note]),
        Column("is_manual", "Whether a person decided.", np.array([is_manual])),
    ]


def decision_rows(
    number: int, run: str, decisions: Decisions, *, methods: list[str] | None = None
) -> list[Column]:
    """Rows of `CurationDecisions`; `methods` where they differ between components."""
    n_cells = len(decisions.accepted)
    return [
        Column("round", "Number of the round.", np.full(n_cells, number)),
        Column("run", "Name of the run.", [run] * n_cells),
        Column("roi", "Component, a row of the run's table of cells.", np.arange(n_cells)),
        Column("accepted", "Whether it is held to be a cell.",
               np.asarray(decisions.accepted, np.bool_)),
        Column("mask_type", "soma, axon, dendrite, neuropil, artefact or unknown.",
               list(decisions.mask_type)),
        Column("confidence", "Of the mask type, 0 to 1; NaN: not stated.",
               np.asarray(decisions.confidence, np.float64)),
        Column("method", "How it was decided.", methods or [decisions.method] * n_cells),
        Column("reason", "Why.", list(decisions.reason)),
    ]  # fmt: skip
