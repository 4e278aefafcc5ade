"""CaImAn as an engine: what it offers, and how a job of motion or extraction goes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from miniscope_nwb.engines.base import (
    Availability,
    ExtractInput,
    MotionInput,
    Prediction,
    Resources,
    Task,
)
from miniscope_nwb.engines.caiman.find import Place, find_caiman
from miniscope_nwb.engines.caiman.handover import (
    buffer_bytes,
    map_path,
    write_frames,
    write_map,
    write_moves,
)
from miniscope_nwb.engines.caiman.motion import to_motion_result, unmoved
from miniscope_nwb.engines.caiman.names import check_names
from miniscope_nwb.engines.caiman.parameters import (
    STAGE,
    CaimanValues,
    decay_s,
    extract_values,
    motion_values,
)
from miniscope_nwb.engines.caiman.prediction import predict
from miniscope_nwb.engines.caiman.process import job_folder, run_job
from miniscope_nwb.engines.caiman.residual import field_bends, with_template
from miniscope_nwb.engines.caiman.result import to_extraction_result
from miniscope_nwb.engines.caiman.timeline import Timeline, even_timeline, same_timeline
from miniscope_nwb.errors import EngineError
from miniscope_nwb.movie import spread_frames
from miniscope_nwb.results import Derived, ExtractionResult, MotionResult

# CaImAn's parameters with which it moves pixels in another way than the worker does it.
OTHER_WAYS_TO_SHIFT = {"shifts_opencv", "border_nan", "shifts_interpolate"}
N_TEMPLATE_FRAMES = 200  # of the mean that stands for a template where nothing is corrected


class CaimanEngine:
    """CaImAn 1.12 and later, in a process of its own.

    Parameters
    ----------
    python
        Interpreter in which CaImAn is installed; by default the one that
        ``MINISCOPE_NWB_CAIMAN_PYTHON`` names, else the one that runs us.
    """

    name = "caiman"
    summary = "CaImAn: NoRMCorre and CNMF-E, the reference (conda-forge)"
    # Whether `extract` reads the parameters of the quality stage: CaImAn decides by them there.
    uses_quality = True

    def __init__(self, python: Path | None = None) -> None:
        self._python = python

    def availability(self) -> Availability:
        """Say whether CaImAn can be used, and if not, how to install it."""
        place = find_caiman(self._python)
        return Availability(not place.reason, place.version, place.reason, place.clause)

    def versions(self) -> dict[str, str]:
        """Return CaImAn's version; results also hold those of its libraries."""
        return {"engine": f"caiman {self._place().version}"}

    def check_extra(self, extra: Mapping[str, Any]) -> None:
        """Refuse, before any work, parameters under names that this CaImAn does not have."""
        if extra:
            check_names(self._place(), extra)

    def predict(self, task: Task) -> Prediction:
        """Say what a job takes, by what was measured with CaImAn 1.12.1."""
        return predict(task)

    def motion(self, job: MotionInput, resources: Resources) -> MotionResult:
        """Estimate the motion: rigid, and piecewise where it is asked for or needed."""
        place = self._place()
        if job.params.method == "none":
            sample = job.movie.take(spread_frames(~job.prepared.is_left_out, N_TEMPLATE_FRAMES))
            return unmoved(job.movie.n_frames, sample.mean(axis=0), self.versions())
        with job_folder(resources) as folder:
            path = folder / "frames.npy"
            timeline = same_timeline(job.prepared.is_left_out)
            write_frames(job.movie, timeline, path, resources)
            if job.params.method == "piecewise":
                return self._motion_pass(place, job, folder, resources, is_piecewise=True)
            rigid = self._motion_pass(place, job, folder, resources, is_piecewise=False)
            if job.params.method == "rigid":
                return rigid
            if not field_bends(rigid, job):
                return rigid
            resources.say(
                f"After rigid correction the field still bends by {rigid.bending_px:.2f} px: "
                "the correction is repeated piecewise."
            )
            return self._motion_pass(place, job, folder, resources, is_piecewise=True)

    def extract(self, job: ExtractInput, resources: Resources) -> ExtractionResult:
        """Find the components, their traces and their activity."""
        place = self._place()
        seconds, _ = decay_s(job.params, job.scale)
        timeline = even_timeline(job.movie.clock, job.is_left_out, decay_s=seconds)
        if timeline.n_made:
            resources.say(
                f"{timeline.n_made} frames that were lost or are left out are interpolated in the "
                "copy that CaImAn gets, and are missing samples in the results."
            )
        values = extract_values(job)
        with job_folder(resources) as folder:
            path = map_path(job.movie, timeline, folder)
            work = _common(job, values, path, resources)
            work |= {"task": "extract", "has_masks": job.seeds is not None}
            work |= _hand_over(job, timeline, path, resources)
            done = run_job(place, work, folder, resources)
            return to_extraction_result(
                job,
                folder,
                timeline,
                resources,
                parameters=done["parameters"],
                derived=(*values.derived(job.extra), _all_of(done)),
                versions=_versions(done),
            )

    def _motion_pass(
        self,
        place: Place,
        job: MotionInput,
        folder: Path,
        resources: Resources,
        *,
        is_piecewise: bool,
    ) -> MotionResult:
        path = folder / "frames.npy"
        values = motion_values(job, is_piecewise=is_piecewise)
        work = {"task": "motion"} | _common(job, values, path, resources)
        done = run_job(place, work, folder, resources)
        with np.load(folder / "motion.npz") as arrays:
            found = to_motion_result(
                arrays,
                is_left_out=job.prepared.is_left_out,
                max_shift_px=max(done["parameters"]["motion"]["max_shifts"]),
                derived=(*values.derived(job.extra), _all_of(done)),
                versions=_versions(done),
            )
        if not found.is_registered.any():
            resources.say(
                "CaImAn placed no frame: every shift stands at the farthest allowed one; give a "
                "larger motion.max_shift_px."
            )
            return found
        return with_template(found, job, n_threads=resources.n_threads)

    def _place(self) -> Place:
        place = find_caiman(self._python)
        if place.reason:
            raise EngineError(place.reason)
        return place


def _common(
    job: MotionInput | ExtractInput, values: CaimanValues, path: Path, resources: Resources
) -> dict[str, Any]:
    """Return what every job tells the worker."""
    n_processes = max(1, resources.n_threads)
    parameters = {group: dict(names) for group, names in values.values.items()}
    parameters.setdefault("data", {})["fnames"] = [str(path)]
    parameters.setdefault("patch", {})["n_processes"] = n_processes
    return {
        "movie": str(path),
        "height": job.movie.height,
        "width": job.movie.width,
        "parameters": parameters,
        "extra": dict(job.extra),
        "seed": resources.seed,
        "n_processes": n_processes,
    }


def _hand_over(
    job: ExtractInput, timeline: Timeline, path: Path, resources: Resources
) -> dict[str, Any]:
    """Write the movie and the masks; return what the worker must know of them.

    Shifts that CaImAn estimated are applied by CaImAn, too, so that its components are those of
    its own pipeline to the last digit that matters.
    """
    if job.seeds is not None:
        _write_masks(job, path.parent / "masks.npz")
    frames = getattr(job.movie, "uncorrected", None)
    is_own = job.motion.versions.get("engine", "").startswith("caiman ")
    asked = set(job.extra) | set(job.extra.get("motion", {}))
    if frames is None or not is_own or asked & OTHER_WAYS_TO_SHIFT:
        write_map(job.movie, timeline, path, resources)
        return {}
    nothing_left_out = np.zeros(frames.n_frames, np.bool_)
    write_frames(frames, same_timeline(nothing_left_out), path.parent / "frames.npy", resources)
    write_moves(job.motion, timeline, path.parent / "moves.npz")
    return {"is_uncorrected": True, "buffer_bytes": buffer_bytes(resources)}


def _write_masks(job: ExtractInput, path: Path) -> None:
    from scipy.sparse import csc_matrix, csr_matrix, save_npz

    from miniscope_nwb.engines.caiman.components import c_order

    masks = csr_matrix(job.seeds)
    save_npz(path, csc_matrix(masks[c_order(job.movie.height, job.movie.width)]))


def _all_of(done: Mapping[str, Any]) -> Derived:
    """Record what CaImAn itself holds its parameters to be, without the paths of scratch files."""
    groups: dict[str, Any] = {group: dict(names) for group, names in done["parameters"].items()}
    for name in ("fnames", "last_commit"):
        groups.get("data", {}).pop(name, None)
    groups.get("online", {}).pop("movie_name_online", None)
    return Derived(STAGE, "parameters", groups, "CaImAn's own record of all of them")


def _versions(done: Mapping[str, Any]) -> dict[str, str]:
    found = dict(done["versions"])
    return {"engine": f"caiman {found.get('caiman', 'of unknown version')}", **found}
