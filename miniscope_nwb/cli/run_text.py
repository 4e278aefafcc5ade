"""How runs and plans look, for people and for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from miniscope_nwb.cli.amounts import duration
from miniscope_nwb.cli.text import count, table
from miniscope_nwb.sizes import size

if TYPE_CHECKING:
    from miniscope_nwb.pipeline.options import ProcessResult
    from miniscope_nwb.pipeline.plan import Plan


_CORRECTED = {
    "none": "no corrected movie",
    "preview": "a preview of the corrected movie",
    "full": "the corrected movie",
}


def result_text(done: ProcessResult) -> str:
    """Say what a run found."""
    if done.was_done:
        return (
            f"{done.path}\nholds this run already: {done.run} ({done.engine}), "
            f"{count(done.n_components, 'component')}, {done.n_accepted} accepted, with "
            f"{_CORRECTED[done.corrected]}. Nothing was done; --force computes it again."
        )
    return (
        f"{done.path}\nrun {done.run} ({done.engine}): {count(done.n_components, 'component')}, "
        f"{done.n_accepted} accepted, in {duration(done.seconds)}."
    )


def result_json(done: ProcessResult) -> dict[str, Any]:
    """Return a run's answer for programs."""
    return {
        "path": str(done.path),
        "run": done.run,
        "engine": done.engine,
        "engine_reason": done.engine_reason,
        "was_done": done.was_done,
        "n_components": done.n_components,
        "n_accepted": done.n_accepted,
        "corrected": done.corrected,
        "seconds": done.seconds,
        "stages": [
            {**asdict(timing), "was_done": timing.stage in done.reused} for timing in done.timings
        ],
        "warnings": list(done.warnings),
    }


def plan_text(planned: Plan, *, quiet: bool = False) -> str:
    """Render a plan: a line a stage and the totals."""
    lines = [
        f"memory  {size(planned.peak_memory_bytes)}, scratch {size(planned.scratch_bytes)}, file "
        f"+{size(planned.file_bytes)} ({size(planned.copy_bytes)} beside it while it is written), "
        f"time {_time(planned.seconds)}"
    ]
    if quiet and not planned.is_done:
        return lines[0]
    head = [
        f"{planned.path}",
        f"movie   {planned.series}, {planned.n_frames} frames of {planned.width}x{planned.height}",
        f"engine  {planned.engine}: {planned.engine_reason}",
    ]
    if planned.is_done:
        return "\n".join([*head, f"run     {planned.run} is in the file: nothing to do"])
    head.append(f"run     {planned.run}{', replaced' if planned.replaces else ''}")
    rows = [
        (
            stage.name,
            "done" if stage.is_done else "to do",
            "-" if stage.is_done else _time(stage.seconds),
        )
        for stage in planned.stages
    ]
    return "\n".join([*head, table(("stage", "", "time"), rows), *lines])


def plan_json(planned: Plan) -> str:
    """Return a plan for programs."""
    content = {**asdict(planned), "path": str(planned.path), "scratch": str(planned.scratch)}
    return json.dumps(content, indent=2, ensure_ascii=False)


def _time(seconds: float | None) -> str:
    return "not known" if seconds is None else duration(seconds)
