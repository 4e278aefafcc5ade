"""How well the rules of acceptance tell cells from the rest: the ablation of `docs/acceptance.md`.

    python -m benchmarks.acceptance --work /tmp/acceptance            # all kinds, seeds 10 11
    python -m benchmarks.acceptance --work /tmp/acceptance --levels hard --seeds 1

Simulates movies, runs every stage with its defaults, and judges the components under other
parameters, with the decisions compared with the planted cells. What a movie gave is kept in the
folder, so that a second call with other rules takes seconds.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import pickle
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from miniscope_nwb.correct.movie import CorrectedMovie
from miniscope_nwb.correct.stage import estimate_motion
from miniscope_nwb.engines.base import ExtractInput, MotionInput, Resources, Scale
from miniscope_nwb.extract.cnmfe import extract
from miniscope_nwb.images.stage import summary_images
from miniscope_nwb.metrics.accept import decide, with_relative_area
from miniscope_nwb.metrics.measures import Measures
from miniscope_nwb.metrics.neighbours import Neighbours, find_neighbours
from miniscope_nwb.metrics.stage import NEAR, judge
from miniscope_nwb.params.models import (
    Parameters,
    PreprocessParams,
    QualityParams,
)
from miniscope_nwb.prepare.movie import PreparedMovie
from miniscope_nwb.prepare.stage import prepare
from miniscope_nwb.simulate.levels import LEVELS
from miniscope_nwb.simulate.options import PIXEL_SIZE_UM
from miniscope_nwb.testing.jobs import simulated_movie
from miniscope_nwb.testing.score import Truth, score
from miniscope_nwb.traces.stage import make_traces

WIDTH, HEIGHT, FRAMES = 240, 200, 700
SOFT_UM = 18.0  # asked for, so that `blurred` is judged: nothing in focus cannot be seen otherwise
SEEDS = (10, 11)  # 1 to 9 served for setting the thresholds
# Beside the simulator's levels: five cells in all, and nothing in focus.
MOVIES: dict[str, dict[str, Any]] = {
    **{name: {"level": name} for name in ("easy", "moderate", "hard", "nonrigid", "sparse")},
    "few": {"level": "hard", "cells": 5},
    "blurred": {"level": "moderate"},
    "noise": {"level": "noise"},
}
OFF = {
    "min_snr": None, "min_r_value": None, "min_event_correlation": None,
    "least_r_value": None,
    "max_relative_area": None, "min_relative_area": None, "max_event_area": None,
    "soft_edge": None,
    "piece_edge": None, "max_motion_correlation": None, "max_inverted_share": None,
    "twin_overlap": 1.0,
}  # fmt: skip
VARIANTS: dict[str, dict[str, Any]] = {
    "everything that has an event": OFF,
    "SNR 3 and r 0.85": {**OFF, "min_snr": 3.0, "min_r_value": 0.85},
    "footprint area alone": {**OFF, "max_relative_area": 1.9, "min_relative_area": 0.5},
    "event image alone": {**OFF, "min_event_correlation": 0.5},
    "area of events alone": {**OFF, "max_event_area": 2.2},
    "all rules (the default)": {},
    "without SNR": {"min_snr": None},
    "without the event image": {"min_event_correlation": None},
    "without the least r-value": {"least_r_value": None},
    "without the footprint's largest area": {"max_relative_area": None},
    "without the least area": {"min_relative_area": None},
    "without the area of events": {"max_event_area": None},
    "without all three of size": {
        "max_relative_area": None, "max_event_area": None, "soft_edge": None,
    },
    "without the soft edge": {"soft_edge": None},
    "without motion": {"max_motion_correlation": None},
    "without twins": {"twin_overlap": 1.0},
    "without pieces": {"piece_edge": None},
    "and r 0.85": {"min_r_value": 0.85},
    "and at most as many events inverted": {"max_inverted_share": 1.0},
}  # fmt: skip
SWEEPS: dict[str, tuple[float, ...]] = {
    "min_snr": (2, 3, 4, 6), "least_r_value": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
    "min_event_correlation": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
    "max_relative_area": (1.5, 1.7, 1.9, 2.1, 2.4), "min_relative_area": (0.3, 0.4, 0.5, 0.6, 0.7),
    "max_event_area": (1.6, 1.9, 2.2, 2.5, 3.0), "soft_edge": (0.15, 0.2, 0.25, 0.3, 0.4),
    "soft_event_correlation": (0.5, 0.7, 0.8, 0.9),
    "soft_relative_area": (1.0, 1.1, 1.2, 1.3, 1.5), "soft_event_area": (1.3, 1.5, 1.7, 2.0),
    "soft_diameter_um": (15, 16.5, 18, 20), "max_motion_correlation": (0.4, 0.5, 0.6, 0.7, 0.8),
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """What one movie gave."""

    measures: Measures
    neighbours: Neighbours
    diameter_px: float
    footprints: Any
    region: Any
    offset_px: tuple[float, float]
    truth: Truth


@contextlib.contextmanager
def nothing_in_focus(*, asked: bool) -> Iterator[None]:
    """Let the moderate level hold out-of-focus cells only."""
    kept = LEVELS["moderate"]
    if asked:
        LEVELS["moderate"] = dataclasses.replace(kept, out_of_focus_share=1.0)
    try:
        yield
    finally:
        LEVELS["moderate"] = kept


def run(name: str, seed: int, folder: Path) -> Case:
    """Process one movie with the defaults."""
    with nothing_in_focus(asked=name == "blurred"):
        made = simulated_movie(**MOVIES[name], seed=seed, width=WIDTH, height=HEIGHT, frames=FRAMES)
    scale = Scale(PIXEL_SIZE_UM, made.clock.rate_hz, "GCaMP6f")
    # Blurred cells look large enough to be binned; the truth has the pixels of the raw movie.
    params = Parameters(preprocess=PreprocessParams(spatial_factor=1))

    def resources() -> Resources:
        return Resources(Path(tempfile.mkdtemp(dir=folder)))

    prepared = prepare(made.movie, params.preprocess, scale, resources())
    movie = PreparedMovie(made.movie, prepared)
    left_out = prepared.is_left_out
    motion = estimate_motion(MotionInput(movie, params.motion, prepared, scale), resources())
    corrected = CorrectedMovie(movie, motion)
    common: dict[str, Any] = {"is_left_out": left_out}
    images = summary_images(
        corrected, motion=motion, prepared=prepared, params=params.images, scale=scale,
        resources=resources(), **common,
    )  # fmt: skip
    job = ExtractInput(corrected, params.extract, prepared, motion, images, left_out, scale)
    found = extract(job, resources())
    traces = make_traces(
        corrected, corrected, extraction=found, params=params.traces, resources=resources(),
        **common,
    )  # fmt: skip
    quality = judge(
        corrected, extraction=found, traces=traces, images=images, motion=motion,
        params=params.quality, scale=scale, resources=resources(), **common,
    )  # fmt: skip
    values = {key: column.values for key, column in quality.metrics.items()}
    missing = np.full(found.n_cells, np.nan)
    measures = Measures(
        **{f.name: values.get(f.name, missing) for f in dataclasses.fields(Measures)}
    )
    centers = np.stack([measures.center_x, measures.center_y], axis=1)
    reach = NEAR * images.cell_diameter_px
    pairs = find_neighbours(found.footprints, centers, traces.noise_normalized, reach_px=reach)
    offset = np.median(motion.shifts_px + made.rigid_px, axis=0)
    return Case(
        measures, pairs, images.cell_diameter_px, found.footprints, images.region,
        (float(offset[0]), float(offset[1])), made.truth,
    )  # fmt: skip


def load(name: str, seed: int, work: Path) -> Case:
    """Read what a movie gave, or process it."""
    path = work / f"{name}_{seed}.pickle"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=work) as folder:
            path.write_bytes(pickle.dumps(run(name, seed, Path(folder))))
    case: Case = pickle.loads(path.read_bytes())
    return case


def counts(case: Case, changes: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Count true cells, right ones, accepted ones that count, and accepted ones in all."""
    params = QualityParams(**{"soft_diameter_um": SOFT_UM, **changes})
    measures, size = with_relative_area(case.measures, prior_px=case.diameter_px)
    scale = Scale(PIXEL_SIZE_UM, 20.0)
    decided = decide(measures, case.neighbours, size=size, params=params, scale=scale)
    found = score(
        case.footprints, case.truth, accepted=decided.accepted, region=case.region,
        offset_px=case.offset_px,
    )  # fmt: skip
    return np.array([found.n_true, found.n_right, found.n_found, decided.accepted.sum()])


def row(title: str, cases: dict[str, list[Case]], changes: dict[str, Any]) -> str:
    """One line of the table: precision / recall of each kind of movie, and F1 of all together."""
    cells, everything = [], np.zeros(4, int)
    for of_kind in cases.values():
        total = sum((counts(case, changes) for case in of_kind), np.zeros(4, int))
        everything += total
        n_true, right, found, _ = total.tolist()
        if n_true:
            cells.append(f"{right / max(found, 1):.2f} / {right / n_true:.2f}")
        else:
            cells.append(f"{found} false")
    n_true, right, found, _ = everything.tolist()
    f1 = 2 * right / max(n_true + found, 1)
    return f"| {title} | {' | '.join(cells)} | {f1:.3f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="results of movies are kept here")
    parser.add_argument("--levels", nargs="+", choices=list(MOVIES), default=list(MOVIES))
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    parser.add_argument("--no-sweeps", action="store_true", help="only the rules, no thresholds")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    cases = {name: [load(name, s, options.work) for s in options.seeds] for name in options.levels}
    head = f"| {' | '.join(cases)} | F1 |"
    print(f"precision / recall of {len(options.seeds)} movies of each kind\n")
    print(f"| rules {head}\n|---{'|---' * (len(cases) + 1)}|")
    for title, changes in VARIANTS.items():
        print(row(title, cases, changes))
    for key, values in ({} if options.no_sweeps else SWEEPS).items():
        print(f"\n| {key} {head}\n|---{'|---' * (len(cases) + 1)}|")
        for value in values:
            print(row(f"{value:g}", cases, {key: value}))


if __name__ == "__main__":
    main()
