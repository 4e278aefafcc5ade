"""Whether quaternions of a head orientation sensor are rotations at all."""

from __future__ import annotations

import numpy as np

from miniscope_nwb.recording import Problem, Samples

NORM_TOLERANCE = 0.05  # the acquisition software's own limit for a bad sample


def check_norm(samples: Samples) -> tuple[Problem, ...]:
    """Warn of quaternions, shape (n_samples, 4), whose norm is not 1; they stay as recorded."""
    with np.errstate(over="ignore"):  # garbage may be as large as it likes
        norm = np.sqrt(np.sum(np.square(samples.data), axis=1))
    n_bad = int(np.count_nonzero(~(np.abs(norm - 1) < NORM_TOLERANCE)))
    if not n_bad:
        return ()
    n_zero = int(np.count_nonzero(norm == 0))
    zeros = f" ({n_zero} of them all zero, a sign of a bad link)" if n_zero else ""
    message = (
        f"{samples.source}: {n_bad} of {len(norm)} quaternions{zeros} are no rotations (their norm "
        f"is off by {NORM_TOLERANCE} or more); they are kept as recorded."
    )
    return (Problem("warning", "bad_quaternions", message, samples.source, samples.device),)
