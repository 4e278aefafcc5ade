"""Head orientation as quaternions, for readers whose files store the scalar last."""

from __future__ import annotations

from miniscope_nwb.convert.readers.quaternions import check_norm
from miniscope_nwb.recording import FloatArray, Problem, Samples

COLUMNS = ("qw", "qx", "qy", "qz")
_FROM_XYZW = [3, 0, 1, 2]


def orientation_samples(
    xyzw: FloatArray, time_s: FloatArray, *, device: str, source: str
) -> tuple[Samples, tuple[Problem, ...]]:
    """Return quaternions with the scalar first, and a warning where some are no rotations.

    Parameters
    ----------
    xyzw : (n_samples, 4) of float64
        In the order of .NET's ``Quaternion``: X, Y, Z, W (the scalar).
    time_s : (n_samples,)
        Seconds on the session clock.
    device, source
        Name of the device; relative path of the file.
    """
    samples = Samples(
        kind="HeadOrientation",
        device=device,
        description=(
            "Orientation of the head from the sensor on the miniscope, as recorded but for the "
            "order of the columns: a unit quaternion, scalar first (the file has it last); q and "
            "-q are the same rotation."
        ),
        unit="n.a.",
        columns=COLUMNS,
        time_s=time_s,
        data=xyzw[:, _FROM_XYZW],
        source=source,
    )
    return samples, check_norm(samples)
