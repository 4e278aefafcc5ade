"""A movie of the independent simulator minisim, with its truth. Runs in minisim's own Python.

    PYTHON minisim_worker.py JOB.json

``moderate`` is a Miniscope V4 over a thin layer (CA1), ``v4`` its noisy default: neocortex, with
strong haze, thick vessels and most cells out of the focal plane. Both move and bleach, and have
minisim's own defaults otherwise. Needs nothing of miniscope-nwb.
"""

import json
import sys
from importlib.metadata import version

import numpy as np
from minisim import presets, simulate
from minisim.spec import Bleaching, BrainMotion

RATE_HZ = 20.0
BLURRED = 1.25  # times the width of the cells in focus: wider ones are no cells that must be found


def main():
    with open(sys.argv[1]) as file:
        job = json.load(file)
    spec = specify(job)
    recording = simulate(spec)
    truth = recording.ground_truth
    width = truth.observed_sigma_px
    is_sharp = width <= BLURRED * np.median(width[truth.in_focus])
    masks = truth.A_observed * (1 if truth.illumination is None else truth.illumination)
    masks = masks * (1 if truth.vignette is None else truth.vignette)
    calcium = truth.C - truth.C.min(axis=1, keepdims=True)
    if truth.bleaching is not None:
        calcium = calcium * truth.bleaching
    frames = np.asarray(recording.observed).astype(np.uint8)  # whole numbers up to 255
    np.savez(
        job["result"], frames=frames, footprints=masks.astype(np.float32), calcium=calcium,
        is_sharp=is_sharp, spikes=truth.S, displacements=truth.shifts[:, ::-1],
        known=json.dumps(describe(spec, frames, masks[truth.in_focus])),
    )  # fmt: skip


def specify(job):
    """Return the specification of a recording."""
    scope = presets.miniscope_v4()
    size = {"n_px_height": job["height"], "n_px_width": job["width"]}
    sensor = scope.image_sensor.model_copy(update=size)
    scope = scope.model_copy(update={"image_sensor": sensor})
    region = {"moderate": presets.ca1, "v4": presets.cortex_l23}[job["kind"]]()
    return presets.build_spec(
        scope, region, duration_s=job["frames"] / RATE_HZ, fps=RATE_HZ, seed=job["seed"],
        extra_steps=[BrainMotion(), Bleaching()],
    )  # fmt: skip


def describe(spec, frames, sharp_masks):
    """Return the scales of the movie; the size of a cell is that of its image."""
    sensor = spec.acquisition.image_sensor
    exposure = next(step.photons_per_unit for step in spec.steps if step.kind == "sensor")
    activity = next(step for step in spec.steps if step.kind == "cell_activity")
    electrons = frames.mean() / sensor.gain_adu_per_e
    noise = sensor.gain_adu_per_e * np.sqrt(electrons + sensor.read_noise_e**2)
    areas = (sharp_masks > 0.5 * sharp_masks.max((1, 2), keepdims=True)).sum((1, 2))
    return {
        "version": version("minisim"), "rate_hz": RATE_HZ, "noise_grey": float(noise),
        "grey_per_unit": exposure * sensor.quantum_efficiency * sensor.gain_adu_per_e,
        "pixel_size_um": spec.acquisition.pixel_size_um, "decay_s": activity.tau_decay_s,
        "cell_diameter_px": float(2 * np.sqrt(np.median(areas) / np.pi)),
    }  # fmt: skip


if __name__ == "__main__":
    main()
