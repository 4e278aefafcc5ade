"""What the NWB file is told of a run: what the stages made, and how it came about."""

from __future__ import annotations

import platform
import time
from datetime import UTC, datetime

from miniscope_nwb.params.identity import as_table
from miniscope_nwb.pipeline.job import Job
from miniscope_nwb.pipeline.stages import Records
from miniscope_nwb.pipeline.steps import Steps
from miniscope_nwb.results import RunRecord


def make_record(
    job: Job, records: Records, steps: Steps, *, started: datetime, clock: float
) -> RunRecord:
    """Put all that the file tells of a run together."""
    from miniscope_nwb import __version__

    derived = (
        *job.derived,
        *records.prepared.derived,
        *records.motion.derived,
        *records.images.derived,
        *records.extraction.derived,
    )
    engine = job.choice.engine
    versions = {
        "miniscope-nwb": __version__,
        "python": platform.python_version(),
        **{name: text for name, text in job.versions.items() if name != "engine"},
        **records.extraction.versions,
    }
    return RunRecord(
        name=job.decision.name,
        engine=engine.name,
        engine_version=job.identity.engine_version,
        engine_reason=job.choice.reason,
        versions=versions,
        parameter_hash=job.identity.parameter_hash,
        motion_hash=job.keys["motion quality"],  # which depends on the motion's own key
        input_hash=job.input_hash,
        series=job.series,
        started=started,
        ended=datetime.now(UTC),
        seconds=time.perf_counter() - clock,
        host=platform.node(),
        parameters=as_table(job.given, derived) + job.run_parameters,
        timings=tuple(steps.timings),
        prepared=records.prepared,
        motion=records.motion,
        motion_quality=records.motion_quality,
        images=records.images,
        extraction=records.extraction,
        traces=records.traces,
        quality=records.quality,
    )
