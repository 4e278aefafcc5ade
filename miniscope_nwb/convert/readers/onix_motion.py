"""bno055_<n>.csv of ONIX: the motion sensor of the headstage, polled on its own times.

No header; 16 fields: the clock's ticks, Euler angles (yaw, pitch, roll), a quaternion (in .NET's
order X, Y, Z, W), whether that is the identity, acceleration, gravity (x, y, z each), temperature.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from miniscope_nwb.convert.readers.head_orientation import orientation_samples
from miniscope_nwb.convert.readers.text import read_rows
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import FloatArray, Problem, Samples

N_FIELDS = 16
_AXES = ("x", "y", "z")
_QUATERNION = slice(4, 8)


@dataclass(frozen=True, slots=True)
class _Signal:
    kind: str
    description: str
    unit: str
    columns: tuple[str, ...]
    first: int  # field


_SIGNALS = (
    _Signal(
        "EulerAngles", "Orientation of the head as Euler angles.", "degrees",
        ("yaw", "pitch", "roll"), 1,
    ),
    _Signal("Acceleration", "Linear acceleration of the head, without gravity.", "m/s^2", _AXES, 9),
    _Signal("Gravity", "Direction and size of gravity, as seen by the head.", "m/s^2", _AXES, 12),
    _Signal("Temperature", "Temperature of the motion sensor.", "degrees Celsius", (), 15),
)  # fmt: skip


def read_motion(
    path: Path, *, relative_path: str, device: str, clock_hz: float
) -> tuple[tuple[Samples, ...], tuple[Problem, ...]]:
    """Read a bno055 file.

    Returns
    -------
    samples
        Head orientation, shape (n_samples, 4); Euler angles, acceleration and gravity,
        (n_samples, 3); temperature, (n_samples,). None of them where the file has no rows.
    problems
        Warnings.

    Raises
    ------
    RecordingError
        Where the rows have another number of fields, or a field is no number.
    """
    table = read_rows(path, display=relative_path, newlines=("\n", "\r\n"), drop_short_rows=True)
    problems = [
        Problem("warning", "mended_text", f"{relative_path}: {remark}.", relative_path, device)
        for remark in table.remarks
    ]
    if not table.n_rows:
        return (), tuple(problems)
    if table.n_columns != N_FIELDS:
        raise RecordingError(
            f"{relative_path}: expected {N_FIELDS} fields in a row (clock, 3 Euler angles, "
            "quaternion, whether it is the identity, acceleration, gravity, temperature), found "
            f"{table.n_columns}; restore the original file."
        )
    time_s = table.integers(0).astype(np.float64) / clock_hz
    if np.any(time_s[1:] < time_s[:-1]):
        message = f"{relative_path}: the clock goes backward; its samples are kept as recorded."
        problems.append(Problem("warning", "backward_samples", message, relative_path, device))

    def fields(first: int, stop: int) -> FloatArray:
        return np.stack([table.floats(place) for place in range(first, stop)], axis=1)

    orientation, found = orientation_samples(
        fields(_QUATERNION.start, _QUATERNION.stop), time_s, device=device, source=relative_path
    )
    samples = [orientation]
    for signal in _SIGNALS:
        n_columns = len(signal.columns)
        data = (
            fields(signal.first, signal.first + n_columns)
            if n_columns
            else table.floats(signal.first)
        )
        samples.append(
            Samples(
                signal.kind, device, signal.description, signal.unit, signal.columns,
                time_s, data, relative_path,
            )
        )  # fmt: skip
    return tuple(samples), (*problems, *found)
