"""The settings of the Open Ephys Miniscope V4 GUI: a YAML file, every key of which is kept."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import date, datetime
from itertools import count
from pathlib import Path

from miniscope_nwb.convert.readers.text import read_text
from miniscope_nwb.convert.readers.v4_metadata import Metadata, flatten, number
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import Json, Setting

MOST_BYTES = 1 << 20
MOST_VALUES = 10_000  # a short file can name the same values again and again
_LONGEST_INTEGER = 18  # digits; HDF5 tables hold 64 bits
_FPS = re.compile(r"fps[ _]?", re.IGNORECASE)


def read_settings(
    path: Path, *, relative_path: str, device: str
) -> tuple[tuple[Setting, ...], tuple[str, ...]]:
    """Read a settings file; nested keys are joined with dots.

    Returns
    -------
    settings
        Every key and its value.
    remarks
        What was mended.

    Raises
    ------
    RecordingError
        Where it is no YAML, or no mapping of keys to values.
    """
    import yaml

    if path.stat().st_size > MOST_BYTES:
        raise _damaged(relative_path, f"more than {MOST_BYTES} bytes")
    file = read_text(path, display=relative_path)
    try:
        values = _to_json(yaml.safe_load(file.text.removeprefix("\ufeff")), count())
        if not isinstance(values, dict) or not values:
            raise _damaged(relative_path, "no keys with values")
        settings = flatten(Metadata(path, relative_path, values), device=device)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise _damaged(relative_path, f"no valid YAML: {error.problem}{where}") from error
    except (yaml.YAMLError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise _damaged(relative_path, "no valid YAML") from error
    return settings, file.remarks


def find_rate(settings: tuple[Setting, ...]) -> float | None:
    """Return the frame rate in Hz, written as ``Fps30`` or as a number, or None."""
    for setting in settings:
        if setting.key.rsplit(".", 1)[-1].casefold() == "framerate":
            value = setting.value
            return number(_FPS.sub("", value, count=1) if isinstance(value, str) else value)
    return None


def _to_json(value: object, counter: Iterator[int]) -> Json:
    if next(counter) > MOST_VALUES:
        raise ValueError("too many values")
    if isinstance(value, dict):
        found: dict[str, Json] = {}
        for key, child in value.items():
            name = _clean(str(key))
            while name in found:  # 1 and "1"
                name += " (duplicate)"
            found[name] = _to_json(child, counter)
        return found
    if isinstance(value, list | tuple | set):
        return [_to_json(child, counter) for child in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 10**_LONGEST_INTEGER:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return value
    return _clean(str(value))


def _clean(text: str) -> str:
    """Replace what no file can hold: NUL characters and halves of surrogate pairs."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", "\ufffd")


def _damaged(relative_path: str, why: str) -> RecordingError:
    return RecordingError(
        f"{relative_path} is damaged ({why}): its settings are not converted, time stamps and "
        "video are."
    )
