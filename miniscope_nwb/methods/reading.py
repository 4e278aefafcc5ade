"""Finds what a methods paragraph tells, in a converted or processed file or one of its parts."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.methods.facts import Parameter, RecordingFacts, Round, RunFacts
from miniscope_nwb.recording import Json

UNKNOWN = ("", "unknown", "n/a", "none")
_SUBJECT = ("species", "sex", "age", "strain", "genotype")
_LOSSY = re.compile(r"codec ([^:;]+?): \S+.* is lossy")
_NOMINAL = re.compile(r"Pixel size( in the tissue, x and y:)? nominal,")  # as `convert` writes it
_LOSSLESS = re.compile(r"codec (.+?) \(lossless\)")


def read_facts(path: Path, run: str | None) -> tuple[tuple[RecordingFacts, ...], RunFacts | None]:
    """Read what a file tells.

    Parameters
    ----------
    path
        The NWB file.
    run
        Name of the run; None: the last one, if there is one.

    Returns
    -------
    tuple
        The movie that the run was made of, or all movies without a run; and the run.

    Raises
    ------
    NwbContentError
        If there is no such run, or the file holds neither a movie nor a run.
    """
    from miniscope_nwb.nwb.processed.read import find_run
    from miniscope_nwb.nwb.processed.runs import read_runs
    from miniscope_nwb.nwb.read import open_nwb

    with open_nwb(path) as file:
        row = find_run(file, run) if run is not None or read_runs(file) else None
        if row is not None:
            plane = file.get(f"processing/ophys/ImageSegmentation/{row.names.segmentation}")
            series = str(row.values["series"])
            return (_recording(file, series, plane, row.values),), _run(file, row)
        movies = [
            str(name)
            for name, node in file.get("acquisition", {}).items()
            if _say(node.attrs.get("neurodata_type")) == "OnePhotonSeries"
        ]
        if not movies:
            raise NwbContentError(
                f"{path} holds neither a one-photon movie nor a run of the processing: name a file "
                "that `miniscope-nwb convert` wrote."
            )
        return tuple(_recording(file, name, None, {}) for name in movies), None


def _recording(file: Any, series: str, cells: Any, run: dict[str, Any]) -> RecordingFacts:
    from miniscope_nwb.nwb.read import read_options, read_repairs, read_table
    from miniscope_nwb.nwb.recording_file import linked_name, pixel_sizes

    node = file.get(f"acquisition/{series}")
    holders = [group for group in (node, cells) if group is not None and "imaging_plane" in group]
    plane: Any = holders[0]["imaging_plane"] if holders else {}
    device = linked_name(plane, "device") if "device" in plane else ""
    model = plane["device"].get("model") if device else None
    timing = _timing(read_table(file, "TimingReport"), device)
    shape = node["data"].shape if node is not None and "data" in node else None
    n_frames = timing.get("n_frames", shape[0] if shape else run.get("n_frames"))
    times = node["timestamps"] if node is not None and "timestamps" in node else None
    duration = timing.get("duration_s", _duration(times))
    rate, is_measured = _rate(timing, plane, node, n_frames, duration)
    options = read_options(file)
    rules = Counter(row.rule for row in read_repairs(file) if _is_device(row.device, device))
    codec, is_lossy = _codec(_say(node.attrs.get("comments")) if node is not None else "")
    image = next(iter(_images(file, run)), None)
    width, height = shape[1:3] if shape else image or (None, None)
    return RecordingFacts(
        series=series,
        subject=_subject(file),
        device=device,
        model=linked_name(plane["device"], "model") if model is not None else "",
        manufacturer=_known(model.attrs.get("manufacturer") if model is not None else ""),
        software=_software(options),
        indicator=_known(plane.get("indicator")),
        location=_known(plane.get("location")),
        excitation_nm=_number(plane.get("excitation_lambda")),
        emission_nm=_emission(plane),
        height=None if height is None else int(height),
        width=None if width is None else int(width),
        pixel_um=pixel_sizes(plane or None),
        is_pixel_nominal=_NOMINAL.search(_plane_text(plane)) is not None,
        rate_hz=rate,
        is_rate_measured=is_measured,
        n_frames=None if n_frames is None else int(n_frames),
        duration_s=float(duration),
        n_lost=int(timing["n_lost"]) if "n_lost" in timing else None,
        loss_evidence=_evidence(read_table(file, "LostFrames", group="intervals"), device),
        n_repaired=int(timing["n_repaired"]) if "n_repaired" in timing else None,
        n_without_frame=rules["trimmed_stamp"],
        n_without_stamp=rules["trimmed_frame"],
        codec=codec,
        is_lossy=is_lossy,
        n_recordings=sum(bool(re.fullmatch(r"segments\.\d+\.folder", key)) for key in options),
        converter=_converter(file),
    )  # fmt: skip


def _software(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what recorded, each program once."""
    found = (
        str(value)
        for key, value in options.items()
        if re.fullmatch(r"segments\.\d+\.software", key) and value
    )
    return tuple(dict.fromkeys(found))


def _is_device(name: object, device: str) -> bool:
    """Whether a table names a device, whose own name may stand in the file with other signs."""
    return re.sub("[/:]", "-", str(name)) == device


def _timing(table: dict[str, Any] | None, device: str) -> dict[str, Any]:
    """Row of a device in the time report."""
    if table is None:
        return {}
    for row, name in enumerate(table["device"]):
        if _is_device(name, device):
            return {key: values[row] for key, values in table.items()}
    return {}


def _rate(
    timing: dict[str, Any], plane: Any, node: Any, n: Any, duration: float
) -> tuple[float, bool]:
    if "measured_rate_hz" in timing:
        return float(timing["measured_rate_hz"]), True
    if n and duration > 0:
        return (int(n) - 1) / duration, True
    start = node.get("starting_time") if node is not None else None
    stated = start.attrs.get("rate") if start is not None else plane.get("imaging_rate")
    return _number(stated), False


def _duration(times: Any) -> float:
    return float(times[-1] - times[0]) if times is not None and len(times) > 1 else math.nan


def _images(file: Any, run: dict[str, Any]) -> list[tuple[int, int]]:
    """Width and height of the run's summary images, which cover the whole field."""
    suffix = str(run.get("segmentation", "")).removeprefix("PlaneSegmentation")
    images = file.get(f"processing/ophys/SummaryImages{suffix}", {})
    return [node.shape for node in images.values() if getattr(node, "ndim", 0) == 2]


def _evidence(table: dict[str, Any] | None, device: str) -> tuple[str, ...]:
    if table is None or "evidence" not in table:
        return ()
    pairs = zip(table["device"], table["evidence"], strict=True)
    names = [str(how) for who, how in pairs if _is_device(who, device)]
    return tuple(dict.fromkeys(names))


def _codec(comments: str) -> tuple[str, bool | None]:
    for pattern, is_lossy in ((_LOSSLESS, False), (_LOSSY, True)):
        if found := pattern.search(comments):
            return found[1], is_lossy
    return "", None


def _subject(file: Any) -> dict[str, str]:
    group = file.get("general/subject", {})
    found = {name: _known(group.get(name)) for name in _SUBJECT}
    birth, start = _say(group.get("date_of_birth")), _say(file.get("session_start_time"))
    if not found["age"] and birth and start:
        days = (datetime.fromisoformat(start) - datetime.fromisoformat(birth)).days
        found["age"] = f"P{days}D"
    return {name: text for name, text in found.items() if text}


def _plane_text(plane: Any) -> str:
    """Return the description of an imaging plane, which says where the pixel size is from."""
    return _say(plane.get("description")) or _say(getattr(plane, "attrs", {}).get("description"))


def _emission(plane: Any) -> float:
    for node in plane.values():
        if _say(getattr(node, "attrs", {}).get("neurodata_type")) == "OpticalChannel":
            return _number(node.get("emission_lambda"))
    return math.nan


def _converter(file: Any) -> str:
    made = file.get("general/was_generated_by")
    if made is None:
        return ""
    pairs = [[_say(text) for text in row] for row in np.atleast_2d(made[()])]
    return next((" ".join(pair) for pair in pairs if pair[0] == "miniscope-nwb"), "")


def _run(file: Any, row: Any) -> RunFacts:
    from miniscope_nwb import __version__
    from miniscope_nwb.nwb.processed.names import FIGURES, GROUP
    from miniscope_nwb.nwb.processed.read import read_decisions, read_parameters
    from miniscope_nwb.nwb.read import read_table

    table = read_parameters(file, row)
    texts = [table.get(key, ()) for key in ("stage", "parameter", "value_json", "source", "basis")]
    parameters = tuple(
        Parameter(stage, name, json.loads(value), source, basis)
        for stage, name, value, source, basis in zip(*texts, strict=True)
    )
    figures = read_table(file, FIGURES, group=GROUP) or {"run": [], "figure": [], "value": []}
    blocks = read_table(file, row.names.blocks, group=GROUP)
    decisions = read_decisions(file, row)
    accepted = np.asarray(decisions.get("accepted", ()), bool)
    kinds = [kind for kind, ok in zip(decisions.get("mask_type", ()), accepted, strict=True) if ok]
    versions = str(row.values.get("versions", ""))
    is_ours = f"miniscope-nwb {__version__}" in versions.split("; ")
    return RunFacts(
        values=row.values,
        parameters=parameters,
        figures={
            name: float(value)
            for run, name, value in zip(*figures.values(), strict=True)
            if run == row.run
        },
        rounds=_rounds(file, row),
        n_blocks=0 if blocks is None else len(blocks["x_start"]),
        mask_types=dict(Counter(kinds).most_common()),
        has_dff=f"{GROUP}/{row.names.dff}" in file,
        defaults=_defaults() if is_ours else {},
    )


def _rounds(file: Any, row: Any) -> tuple[Round, ...]:
    from miniscope_nwb.nwb.processed.read import read_decisions, read_rounds

    table, found, before = read_rounds(file, row), [], None
    for place, number in enumerate(table.get("round", ())):
        accepted = np.asarray(read_decisions(file, row, int(number)).get("accepted", ()), bool)
        changed = 0 if before is None else int((accepted != before).sum())
        found.append(
            Round(
                number=int(number),
                made_by=str(table["made_by"][place]),
                made_at=str(table["made_at"][place]),
                note=str(table["note"][place]),
                is_manual=bool(table["is_manual"][place]),
                n_accepted=int(accepted.sum()),
                n_changed=changed,
                is_current=int(number) == int(row.values["curation_round"]),
            )
        )
        before = accepted
    return tuple(found)


def _defaults() -> dict[tuple[str, str], Json]:
    from miniscope_nwb.params.models import Parameters

    sections = Parameters().model_dump(mode="json")
    return {
        (stage, name): value
        for stage, section in sections.items()
        for name, value in section.items()
    }


def _known(value: Any) -> str:
    text = _say(value)
    return "" if text.lower() in UNKNOWN else text


def _number(value: Any) -> float:
    found = value[()] if hasattr(value, "shape") else value
    return math.nan if found is None else float(found)


def _say(value: Any) -> str:
    """Text of an attribute, or of a dataset of one text; ``""`` where there is none."""
    found = value[()] if hasattr(value, "shape") else value
    if isinstance(found, bytes):
        return found.decode("utf-8", "replace")
    return "" if found is None else str(found)
