"""What each stage depends on, as one hash: equal hashes, equal results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from miniscope_nwb import __version__
from miniscope_nwb.params.identity import digest
from miniscope_nwb.params.models import Parameters
from miniscope_nwb.pipeline.journal import FORMAT

STAGES = ("prepare", "motion", "motion quality", "images", "extract", "traces", "quality")
_JUDGING = frozenset({"outlier_deviation"})  # of the motion's parameters: read by its quality alone
_SECTIONS = {  # of the parameters, that a stage reads
    "prepare": ("preprocess",),
    "motion": (),
    "motion quality": (),
    "images": ("images",),
    "extract": ("extract",),
    "traces": ("traces",),
    "quality": ("quality",),
}


@dataclass(frozen=True, slots=True)
class Ingredients:
    """All that the results of a run depend on."""

    input_hash: str
    series: str
    scale: tuple[float, float, str]  # of the file: pixel size in um, rate in Hz, indicator
    parameters: Parameters
    engine: str
    engine_version: str
    uses_quality: bool  # the engine's extraction reads the parameters of the quality stage
    seed: int
    masks_hash: str  # of given masks; "" where none are given
    source_hash: str = ""  # of a file that the engine reads its results from


def stage_keys(given: Ingredients) -> dict[str, str]:
    """Return the hash of each stage: its own ingredients and those of all stages before it."""
    key = digest([FORMAT, __version__, given.input_hash, given.series, *map(str, given.scale)])
    keys = {}
    for stage in STAGES:
        key = digest([key, stage, _own(stage, given)])
        keys[stage] = key
    return keys


def _own(stage: str, given: Ingredients) -> Mapping[str, Any]:
    values = given.parameters.model_dump(mode="json")
    own: dict[str, Any] = {name: values[name] for name in _SECTIONS[stage]}
    if stage == "motion":
        own["motion"] = {k: v for k, v in values["motion"].items() if k not in _JUDGING}
    if stage == "motion quality":
        own["motion"] = {k: v for k, v in values["motion"].items() if k in _JUDGING}
    if stage == "prepare":
        own["seed"] = given.seed
    if stage in ("motion", "extract"):
        own["engine"] = [given.engine, given.engine_version, given.source_hash]
    if stage in ("motion", "extract") and values["caiman"]:  # only engines that take them see any
        own["caiman"] = values["caiman"]
    if stage == "extract":
        own["masks"] = given.masks_hash
        own["quality"] = values["quality"] if given.uses_quality else None
    return own
