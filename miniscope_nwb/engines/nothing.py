"""The result of an extraction for which there is no frame: no component, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from miniscope_nwb.engines.base import ExtractInput
from miniscope_nwb.extract.result import no_components
from miniscope_nwb.results import ExtractionResult

NO_FRAME = "no frame could be placed on the template of the motion correction"


def nothing_extracted(job: ExtractInput, *, versions: Mapping[str, str]) -> ExtractionResult:
    """Return the result of a job whose frames are all left out; no engine can work on it."""
    nothing = no_components(job.movie, ar_order=1, emptied_by=NO_FRAME)
    return replace(nothing, versions=dict(versions))
