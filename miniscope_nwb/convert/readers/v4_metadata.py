"""The metadata files of Miniscope-DAQ-QT-Software: JSON of any age and in any state.

Nothing in them is lost: `flatten` turns every key into a `Setting`, also those that have a home
of their own. Values are taken as they come ("20FPS" or 20, "High" or 3.5).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import cast

from miniscope_nwb.convert.readers.text import read_text
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import Json, Problem, Setting

EMPTY_OBJECT = "(empty object)"
_NUMBER_AND_UNIT = re.compile(r"\s*([0-9]+(?:[.,][0-9]+)?)\s*(?:fps|hz)?\s*", re.IGNORECASE)
# The first is the software's own; forks write the others.
SUBJECT_KEYS = ("animalName", "animalID", "animalId", "animal", "subjectID", "subject")
EXPERIMENTER_KEYS = ("researcherName", "researcher", "experimenterName", "experimenter")
EXPERIMENT_KEYS = ("experimentName", "experiment")


@dataclass(frozen=True, slots=True)
class Metadata:
    """One metaData.json. ``values`` is empty where the file is damaged."""

    path: Path
    relative_path: str
    values: dict[str, Json]
    damage: str = ""  # why nothing could be read
    is_withheld: bool = False  # it may be whole: the system did not let it be read
    remarks: tuple[str, ...] = ()

    def text(self, *keys: str) -> str:
        """Return the first of `keys` that says something, on one line; "" where none does.

        The software writes ``<key>Missing`` where a value was asked for and not given.
        """
        for key in keys:
            value = self.values.get(key)
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                continue
            text = "".join(c if c.isprintable() else " " for c in str(value)).strip()
            if text and text != f"{key}Missing":
                return text
        return ""

    def problems(self, device: str = "") -> list[Problem]:
        """Say what was wrong with the file."""
        if self.is_withheld:
            message = f"{self.relative_path}: {self.damage}"
            return [Problem("error", "withheld_metadata", message, self.relative_path, device)]
        messages = [f"{self.relative_path}: {remark}." for remark in self.remarks]
        if self.damage:
            messages = [
                f"{self.relative_path} is damaged ({self.damage}): what it says is not used, time "
                "stamps and videos are."
            ]
        code = "damaged_metadata" if self.damage else "mended_text"
        return [
            Problem("warning", code, message, file=self.relative_path, device=device)
            for message in messages
        ]


def read_metadata(path: Path, *, relative_path: str) -> Metadata:
    """Read a metaData.json. Never fails: `Metadata.damage` says why there are no values."""
    try:
        file = read_text(path, display=relative_path)
    except RecordingError as error:
        damage = str(error).removeprefix(relative_path + ": ")
        withheld = isinstance(error.__cause__, OSError)
        return Metadata(path, relative_path, {}, damage, is_withheld=withheld)
    remarks = list(file.remarks)
    if file.encoding == "utf-8-sig":
        remarks.append("has a byte order mark, so it was re-saved by an editor")
    try:
        values = _parse(file.text.removeprefix("\ufeff"), remarks)
    except json.JSONDecodeError as error:
        damage = f"no valid JSON: {error.msg}, line {error.lineno}"
        return Metadata(path, relative_path, {}, damage=damage)
    except (RecursionError, ValueError):  # nested or long beyond all sense
        return Metadata(path, relative_path, {}, damage="no valid JSON")
    if not isinstance(values, dict):
        return Metadata(path, relative_path, {}, damage="no JSON object")
    return Metadata(path, relative_path, values, remarks=tuple(remarks))


def _parse(text: str, remarks: list[str]) -> Json:
    def to_float(token: str) -> Json:
        value = float(token)
        return value if math.isfinite(value) else token

    def to_int(token: str) -> Json:
        # HDF5 tables and other readers' JSON hold 64 bits; longer numbers stay text.
        return int(token) if len(token) < 19 else token

    def to_object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for key, value in pairs:
            name = _clean(key)
            if name in found:
                remarks.append(f"has the key {name!r} more than once, the last one counts")
                found[_free_name(name, found)] = found.pop(name)
            found[name] = _clean_value(value)
        return found

    def to_constant(token: str) -> Json:
        remarks.append(f"holds {token}, which JSON does not know; kept as text")
        return token

    parsed = json.loads(
        text,
        object_pairs_hook=to_object,
        parse_float=to_float,
        parse_int=to_int,
        parse_constant=to_constant,
    )
    return cast("Json", parsed)


def _free_name(name: str, taken: Container[str]) -> str:
    return next(n for i in count(1) if (n := f"{name} (duplicate {i})") not in taken)


def _clean_value(value: Json) -> Json:
    if isinstance(value, str):
        return _clean(value)
    return [_clean_value(item) for item in value] if isinstance(value, list) else value


def _clean(text: str) -> str:
    """Replace what no file can hold: NUL characters and halves of surrogate pairs."""
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        text = text.replace("\0", "\ufffd")
    return text


def flatten(metadata: Metadata, *, device: str, prefix: str = "") -> tuple[Setting, ...]:
    """Return every key of a metadata file with its value.

    Objects become dotted keys (``ROI.width``); lists without objects stay lists, others are
    numbered (``stages.0.name``).
    """
    items = _flatten(metadata.values, prefix)
    return tuple(Setting(device, key, value, metadata.relative_path) for key, value in items)


def _flatten(value: Json, key: str) -> Iterator[tuple[str, Json]]:
    children: Iterable[tuple[object, Json]]
    if isinstance(value, dict) and value:
        children = value.items()
    elif isinstance(value, list) and _has_object(value):
        children = enumerate(value)
    else:
        if key:
            yield key, EMPTY_OBJECT if value == {} else value
        return
    for name, child in children:
        yield from _flatten(child, f"{key}.{name}" if key else str(name))


def _has_object(values: list[Json]) -> bool:
    return any(
        isinstance(item, dict) or (isinstance(item, list) and _has_object(item)) for item in values
    )


def device_names(metadata: Metadata, key: str) -> list[str]:
    """Return the names of the devices listed under `key` ("miniscopes" or "cameras").

    The software writes an array of names; arrays of objects with a ``deviceName`` and objects
    keyed by name, as in its configuration files, are understood as well.
    """
    listed = metadata.values.get(key)
    items: Iterable[Json] = list(listed) if isinstance(listed, list | dict) else []
    named = [item.get("deviceName") if isinstance(item, dict) else item for item in items]
    return [name for name in named if isinstance(name, str) and name.strip()]


def number(value: Json) -> float | None:
    """Return a positive number written as such or as text ("20FPS", "20 FPS", 20), else None."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, str):
        match = _NUMBER_AND_UNIT.fullmatch(value)
        if match is None:
            return None
        value = float(match[1].replace(",", "."))
    return float(value) if value > 0 and math.isfinite(value) else None


def whole_number(value: Json) -> int | None:
    """Return a positive whole number written as such or as text, else None."""
    found = number(value)
    return int(found) if found is not None and found.is_integer() else None
