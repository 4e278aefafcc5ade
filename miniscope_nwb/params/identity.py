"""What identifies a set of parameters, and how it is told in a table."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from miniscope_nwb.params import names
from miniscope_nwb.params.load import Given
from miniscope_nwb.params.models import Parameters
from miniscope_nwb.results import Derived, RunParameter

HASH_LENGTH = 64  # of a SHA-256 in hexadecimal


def parameter_hash(parameters: Parameters, *, extra: Mapping[str, Any] | None = None) -> str:
    """Return the SHA-256 of parameters as they were given, defaults included.

    Nothing that was derived, no path and no number of threads is in it: equal hashes stand for
    equal requests, whoever gave the values and in which way.

    Parameters
    ----------
    extra
        What else the result depends on and is no parameter of a stage: the seed, given masks.
    """
    content = {"parameters": parameters.model_dump(mode="json"), "extra": dict(extra or {})}
    return digest(content)


def digest(content: Any) -> str:
    """Return the SHA-256 of JSON values in their canonical form."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def as_table(given: Given, derived: Iterable[Derived]) -> tuple[RunParameter, ...]:
    """Return every parameter as it was used: what nobody gave and was derived is told so."""
    found = {(item.stage, item.parameter): item for item in derived}
    rows = []
    for stage, model in names.stages().items():
        section = getattr(given.values, stage).model_dump(mode="json")
        for key in model.model_fields:
            known = found.pop((stage, key), None)
            if section[key] is None and known is not None:
                rows.append(RunParameter(stage, key, known.value, "derived", known.basis))
            else:
                rows.append(RunParameter(stage, key, section[key], given.source(stage, key)))
    for key, value in sorted(given.values.caiman.items()):
        rows.append(RunParameter(names.PASSED_THROUGH, key, value, "user"))
    for item in found.values():  # derived values that are no parameter: thresholds of the rules
        rows.append(RunParameter(item.stage, item.parameter, item.value, "derived", item.basis))
    return tuple(rows)
