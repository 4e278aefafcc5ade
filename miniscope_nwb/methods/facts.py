"""What a methods paragraph tells; None, NaN and ``""`` stand for what the file does not say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from miniscope_nwb.recording import Json


@dataclass(frozen=True, slots=True)
class RecordingFacts:
    """One raw movie and what it was taken with."""

    series: str
    subject: Mapping[str, str]  # species, sex, age, strain, genotype
    device: str
    model: str
    manufacturer: str
    software: tuple[str, ...]
    indicator: str
    location: str
    excitation_nm: float
    emission_nm: float
    height: int | None  # pixels
    width: int | None
    pixel_um: tuple[float, float]  # x, y
    is_pixel_nominal: bool  # by the documented optics of the model, not measured
    rate_hz: float
    is_rate_measured: bool
    n_frames: int | None
    duration_s: float
    n_lost: int | None
    loss_evidence: tuple[str, ...]
    n_repaired: int | None
    n_without_frame: int  # time stamps that were left out, because no video holds their frames
    n_without_stamp: int  # frames that were left out, because they have no time stamp
    codec: str
    is_lossy: bool | None
    n_recordings: int  # that were joined; 0: not told
    converter: str  # name and version of what wrote the file


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a run as it was used."""

    stage: str
    name: str
    value: Json
    source: str  # default, preset, user, derived
    basis: str


@dataclass(frozen=True, slots=True)
class Round:
    """One round of curation."""

    number: int
    made_by: str
    made_at: str
    note: str
    is_manual: bool
    n_accepted: int
    n_changed: int  # components held otherwise than in the round before
    is_current: bool


@dataclass(frozen=True)
class RunFacts:
    """One run of the processing."""

    values: Mapping[str, Any]  # the row of `ProcessingRuns`
    parameters: tuple[Parameter, ...]
    figures: Mapping[str, float]
    rounds: tuple[Round, ...]
    n_blocks: int  # of piecewise motion; 0: rigid
    mask_types: Mapping[str, int]  # of accepted components
    has_dff: bool
    defaults: Mapping[tuple[str, str], Json]  # of this version; empty: the run's are not known

    @property
    def engine(self) -> str:
        """Name of the engine."""
        return str(self.values["engine"])

    @property
    def imported_from(self) -> str:
        """File that the results were imported from; ``""``: they were computed."""
        start = "results imported from "
        reason = str(self.values.get("engine_reason", ""))
        return reason.removeprefix(start) if reason.startswith(start) else ""

    @cached_property
    def versions(self) -> dict[str, str]:
        """Versions of what computed, by name."""
        pairs = (part.partition(" ") for part in str(self.values.get("versions", "")).split("; "))
        return {name: version for name, _, version in pairs if version}

    @property
    def engine_version(self) -> str:
        """Version of the engine; ``""`` where it is not known."""
        name = "caiman" if self.engine == "caiman" else "engine"
        said = [self.versions.get(name, ""), str(self.values.get("engine_version", ""))]
        plain = [text.removeprefix("caiman ").strip() for text in said]
        return next((text for text in plain if text and "unknown" not in text), "")

    def number(self, name: str) -> float:
        """Return a number of the row of the run; NaN where there is none."""
        value = self.values.get(name)
        return float("nan") if value is None else float(value)

    def find(self, stage: str, name: str) -> Parameter | None:
        """Return a parameter, the last of its name."""
        found = [p for p in self.parameters if (p.stage, p.name) == (stage, name)]
        return found[-1] if found else None

    def value(self, stage: str, name: str) -> Json:
        """Return the value of a parameter; None where it is not told."""
        found = self.find(stage, name)
        return None if found is None else found.value

    def of_caiman(self, name: str) -> Json:
        """Return one of CaImAn's own parameters, by its record or as it was passed; None: no."""
        for row in reversed(self.parameters):
            if row.stage != "caiman":
                continue
            if row.name.rpartition(".")[2] == name:
                return row.value
            for key, value in _leaves(row.value):
                if key == name:
                    return value
        return None

    @property
    def given(self) -> tuple[Parameter, ...]:
        """Parameters that somebody set to something else than the default."""
        return tuple(
            p
            for p in self.parameters
            if p.source in ("user", "preset") and p.stage != "run" and not self._is_default(p)
        )

    def _is_default(self, row: Parameter) -> bool:
        key = (row.stage, row.name)
        return key in self.defaults and _canonical(self.defaults[key]) == _canonical(row.value)


def _leaves(value: Json) -> Iterator[tuple[str, Json]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key, item
            yield from _leaves(item)


def _canonical(value: Json) -> str:
    """Write a value so that 3 and 3.0 are the same."""
    return json.dumps(float(value) if isinstance(value, int) and value is not True else value)
