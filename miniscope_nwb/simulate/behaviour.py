"""What the behaviour camera and the head orientation sensor see: an animal in an arena."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.simulate import chance

Frame = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]

CAMERA_SIZE = (160, 120)  # width, height in pixels
FIRST_CAMERA = 100  # number of the first camera among the devices of `chance`
QUATERNION_STEP = 1 / 16384  # of the sensor
_PERIODS_S = (7.3, 12.1, 19.7, 31.3)  # of the movements that add up
_NOISE_GREY = 3.0


def camera_rate(scope_rate_hz: float) -> float:
    """Return the camera's frame rate, never the miniscopes': so their counts of frames differ."""
    return 25.0 if scope_rate_hz == 30.0 else 30.0


def arena_frames(times_s: FloatArray, *, seed: int, camera: int) -> Iterator[Frame]:
    """Draw what a camera above the arena sees, one (height, width, 3) uint8 RGB frame a time."""
    import cv2

    width, height = CAMERA_SIZE
    device = FIRST_CAMERA + camera
    floor = np.full((height, width, 3), (176, 170, 160), np.uint8)
    cv2.rectangle(floor, (6, 6), (width - 7, height - 7), (90, 88, 84), 2)
    path = _wander(chance.generator(seed, FIRST_CAMERA, chance.ARENA), 3)
    for number, time_s in enumerate(times_s.tolist()):
        across, along, turn = (float(value) for value in path(np.array([time_s]))[0])
        x, y = width * (0.5 + 0.35 * across), height * (0.5 + 0.35 * along)
        heading = 180 * turn
        frame = floor.copy()
        place = (round(x), round(y))
        cv2.ellipse(frame, place, (12, 6), heading, 0, 360, (38, 34, 32), -1, cv2.LINE_AA)
        nose = (
            round(x + 12 * np.cos(np.radians(heading))),
            round(y + 12 * np.sin(np.radians(heading))),
        )
        cv2.circle(frame, nose, 4, (66, 60, 58), -1, cv2.LINE_AA)
        rng = chance.generator(seed, device, chance.ARENA_NOISE, number)
        noise = rng.normal(0, _NOISE_GREY, (height, width, 1)).astype(np.float32)
        yield np.clip(frame + noise, 0, 255).astype(np.uint8)


def head_orientation(times_s: FloatArray, *, seed: int, device: int) -> FloatArray:
    """Return unit quaternions w, x, y, z, (n, 4), in the steps of the sensor."""
    swing = _wander(chance.generator(seed, device, chance.ORIENTATION), 3)(times_s)
    yaw, pitch, roll = (swing * np.array([np.pi, 0.5, 0.3]) / 2).T
    quaternion = np.stack(
        [
            np.cos(roll) * np.cos(pitch) * np.cos(yaw) + np.sin(roll) * np.sin(pitch) * np.sin(yaw),
            np.sin(roll) * np.cos(pitch) * np.cos(yaw) - np.cos(roll) * np.sin(pitch) * np.sin(yaw),
            np.cos(roll) * np.sin(pitch) * np.cos(yaw) + np.sin(roll) * np.cos(pitch) * np.sin(yaw),
            np.cos(roll) * np.cos(pitch) * np.sin(yaw) - np.sin(roll) * np.sin(pitch) * np.cos(yaw),
        ],
        axis=1,
    )
    rounded: FloatArray = np.round(quaternion / QUATERNION_STEP) * QUATERNION_STEP
    return rounded


def _wander(rng: np.random.Generator, n: int) -> Any:
    """Return a smooth random function of time: seconds (k,) to values (k, n) from -1 to 1."""
    phases = rng.uniform(0, 2 * np.pi, (n, len(_PERIODS_S)))
    weights = rng.dirichlet(np.full(len(_PERIODS_S), 3.0), n)
    speeds = 2 * np.pi / np.array(_PERIODS_S)

    def at(times_s: FloatArray) -> FloatArray:
        waves = np.sin(times_s[:, None, None] * speeds + phases)
        total: FloatArray = (waves * weights).sum(axis=2)
        return total

    return at
