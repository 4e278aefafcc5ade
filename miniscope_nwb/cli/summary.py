"""What `convert` says at the end: what was written, what was lost, mended, and is still missing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from miniscope_nwb.cli import text
from miniscope_nwb.cli.machine import problem_json, timing_json
from miniscope_nwb.recording import SourceFile
from miniscope_nwb.session import ConversionPlan
from miniscope_nwb.sizes import size

if TYPE_CHECKING:
    from miniscope_nwb.nwb.io import WriteResult

MISSING_HEADER = "Still missing for DANDI (fill in the session YAML, see `init`):"


def as_text(plan: ConversionPlan, result: WriteResult, *, quiet: bool) -> str:
    """Render the summary; when quiet, only warnings."""
    warnings = text.problem_list(p for p in result.problems if p.severity != "note")
    if quiet:
        return f"{warnings}\n" if warnings else ""
    n_frames = sum(item.n_frames for item in plan.timing)
    stub = plan.options.stub
    lines = [
        f"Wrote {result.path}",
        f"  {size(result.n_bytes)} in {result.seconds:.1f} s, "
        f"{result.n_frames / max(result.seconds, 1e-9):.0f} frames/s; {n_frames} frames in all",
        f"  start {plan.session.start.isoformat(sep=' ')} ({plan.session.start_source}"
        + (", assumed)" if plan.session.start_is_assumed else ")"),
        *([f"  STUB: only the first {stub} frames of every device"] if stub else []),
        *_won(plan),
        "",
        text.timing_table(plan.timing),
        "",
        f"  lost frames: {_lost(plan)}",
        f"  repairs: {_repairs(plan)}",
    ]
    if result.n_videos:
        lines.append(f"  behaviour videos beside the file: {result.n_videos}, {result.videos}")
    left = [file for file in _files(plan) if not file.converted]
    if left:
        lines.append("  not converted: " + "; ".join(_named(file) for file in left))
    if warnings:
        lines += ["", warnings]
    notes = text.problem_list(p for p in result.problems if p.severity == "note")
    if notes:
        lines += ["", notes]
    if plan.session.missing:
        lines += ["", MISSING_HEADER, *(f"  {key}" for key in plan.session.missing)]
    else:
        lines += ["", "Nothing is missing for DANDI; check with: miniscope-nwb validate FILE.nwb"]
    return "\n".join(lines)


def as_json(plan: ConversionPlan, result: WriteResult) -> dict[str, Any]:
    """Give the same facts to a program."""
    return {
        "path": str(result.path),
        "bytes": result.n_bytes,
        "seconds": result.seconds,
        "frames": {item.device: item.n_frames for item in plan.timing},
        "start": plan.session.start.isoformat(),
        "start_source": plan.session.start_source,
        "start_is_assumed": plan.session.start_is_assumed,
        "subject_id": plan.session.subject.subject_id or None,
        "session_id": plan.session.session_id,
        "timing": [timing_json(item) for item in plan.timing],
        "lost_frames": sum(item.n_lost for item in plan.timing),
        "repairs": dict(_count_rules(plan)),
        "videos": result.n_videos,
        "videos_placed": result.videos or None,
        "not_converted": [file.relative_path for file in _files(plan) if not file.converted],
        "winners": plan.session.winners,
        "missing_for_dandi": list(plan.session.missing),
        "problems": [problem_json(problem) for problem in result.problems],
    }


def _won(plan: ConversionPlan) -> list[str]:
    """Say which file each metadata value came from, a line a file."""
    by_file: dict[str, list[str]] = {}
    for key, file in plan.session.winners.items():
        by_file.setdefault(file, []).append(key)
    return [f"  from {file}: {', '.join(keys)}" for file, keys in by_file.items()]


def _count_rules(plan: ConversionPlan) -> Counter[str]:
    return Counter(
        repair.rule
        for segment in plan.segments
        for timeline in segment.timelines.values()
        for repair in timeline.repairs
    )


def _repairs(plan: ConversionPlan) -> str:
    counts = _count_rules(plan)
    return ", ".join(f"{rule} {number}" for rule, number in counts.items()) or "none"


def _lost(plan: ConversionPlan) -> str:
    counts: Counter[str] = Counter()
    for segment in plan.segments:
        for timeline in segment.timelines.values():
            for span in timeline.lost:
                counts[f"{span.device}, by {span.evidence}"] += span.n_lost
            for repair in timeline.repairs:
                if repair.rule == "trimmed_stamp":  # its frame is in no file, or cannot be decoded
                    counts[f"{repair.device}, stamps without a frame"] += 1
    return "; ".join(f"{number} ({what})" for what, number in counts.items()) or "none"


def _files(plan: ConversionPlan) -> list[SourceFile]:
    return [file for segment in plan.segments for file in segment.recording.source_files]


def _named(file: SourceFile) -> str:
    return f"{file.relative_path} ({file.note})" if file.note else file.relative_path
