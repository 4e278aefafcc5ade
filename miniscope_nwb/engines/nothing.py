"""The result of an extraction for which there is no frame: no component, and why."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from miniscope_nwb.engines.base import ExtractInput
from miniscope_nwb.results import ExtractionResult

NO_FRAME = "no frame could be placed on the template of the motion correction"


def nothing_extracted(job: ExtractInput, *, versions: Mapping[str, str]) -> ExtractionResult:
    """Return the result of a job whose frames are all left out; no engine can work on it."""
    from scipy.sparse import csc_array

    height, width = job.movie.height, job.movie.width
    traces = np.zeros((0, job.movie.n_frames), np.float32)
    return ExtractionResult(
        height=height,
        width=width,
        footprints=csc_array((height * width, 0), dtype=np.float32),
        denoised=traces,
        deconvolved=traces,
        raw=traces,
        baseline=np.zeros(0, np.float32),
        noise=np.zeros(0, np.float32),
        kernel=np.zeros((0, 1), np.float32),
        background=None,
        pixel_noise=None,
        emptied_by=NO_FRAME,
        versions=dict(versions),
    )
