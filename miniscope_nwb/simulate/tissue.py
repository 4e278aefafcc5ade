"""What of the picture does not change: tissue with vessels, and what stays with the optics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from miniscope_nwb.simulate import chance
from miniscope_nwb.simulate.options import PIXEL_SIZE_UM

FloatImage = npt.NDArray[np.float32]

N_NEUROPIL = 4  # components; the first is the same everywhere
BRIGHTNESS = 105.0  # of the tissue, grey levels, before the vignette
_TEXTURE = 0.07  # standard deviation of the tissue's brightness, of its mean
_FINE_TEXTURE = 0.03
_NEUROPIL_UM = 60.0  # how far neuropil goes together
_VESSEL_UM = (8.0, 30.0)  # widths
_VESSEL_DARKNESS = 0.35
_GLOW = 8.0  # light of the LED that no tissue sent back, grey levels
_FIXED_PATTERN = 0.6  # standard deviation of the pixels' offsets, grey levels


@dataclass(frozen=True, slots=True)
class Tissue:
    """What moves with the brain. Images are (height, width) float32 with a margin all round."""

    base: FloatImage  # grey levels
    widening: FloatImage  # grey levels that are lost where the vessels grow by a pixel all round
    neuropil: tuple[FloatImage, ...]  # relative; each is multiplied by its time course
    margin: int  # pixels of each side that are outside the field while nothing moves


@dataclass(frozen=True, slots=True)
class Optics:
    """What stays with the camera. Images are (height, width) float32."""

    vignette: FloatImage  # factor, 1 where it is brightest
    offset: FloatImage  # glow and fixed pattern, grey levels


def make_tissue(*, width: int, height: int, margin: int, seed: int, device: int) -> Tissue:
    """Make the tissue of one field."""
    shape = (height + 2 * margin, width + 2 * margin)
    rng = chance.generator(seed, device, chance.NEUROPIL)
    coarse = _smooth_noise(rng, shape, 40.0)
    fine = _smooth_noise(rng, shape, 3.0)
    light, wide = _vessels(chance.generator(seed, device, chance.VESSELS), shape)
    bare = BRIGHTNESS * (1 + _TEXTURE * coarse + _FINE_TEXTURE * fine)
    uniform = np.ones(shape, np.float32)
    local = [1 + 0.8 * _smooth_noise(rng, shape, _NEUROPIL_UM) for _ in range(N_NEUROPIL - 1)]
    neuropil = tuple((np.maximum(item, 0) * light).astype(np.float32) for item in [uniform, *local])
    base, widening = (bare * item for item in (light, light - wide))
    return Tissue(base.astype(np.float32), widening.astype(np.float32), neuropil, margin)


def make_optics(*, width: int, height: int, seed: int, device: int) -> Optics:
    """Make vignette, glow and fixed pattern of one miniscope."""
    rng = chance.generator(seed, device, chance.SENSOR)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    shift = rng.uniform(-0.15, 0.15, 2)
    vignette = 1 - 0.3 * np.clip((x - shift[0]) ** 2 + (y - shift[1]) ** 2, 0, 2)
    glow = _GLOW * (1 + 0.3 * x - 0.2 * y)
    columns = rng.normal(0, 0.5 * _FIXED_PATTERN, width)
    pattern = rng.normal(0, _FIXED_PATTERN, (height, width)) + columns
    return Optics(vignette.astype(np.float32), (glow + pattern).astype(np.float32))


def _smooth_noise(rng: np.random.Generator, shape: tuple[int, int], sigma_um: float) -> FloatImage:
    """Gaussian field of mean 0 and standard deviation 1, drawn coarsely where it is smooth."""
    import cv2

    sigma = sigma_um / PIXEL_SIZE_UM
    step = max(1.0, sigma / 4)
    coarse = [int(np.ceil(size / step)) + 8 for size in shape]
    noise = rng.standard_normal(coarse).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), sigma / step)[4:-4, 4:-4]
    field = cv2.resize(smooth, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    spread = float(field.std())
    result: FloatImage = ((field - field.mean()) / spread).astype(np.float32)
    return result


def _vessels(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[FloatImage, FloatImage]:
    """Transmission of branching vessels, 1 where there is none, as it is and a pixel wider."""
    import cv2

    dark = np.zeros(shape, np.float32)
    diagonal = float(np.hypot(*shape))
    for _ in range(2 + int(diagonal // 250)):
        side = rng.integers(4)
        start = rng.uniform((0, 0), (shape[1], shape[0]))
        start[side % 2] = 0 if side < 2 else shape[1 - side % 2]
        heading = np.arctan2(shape[0] / 2 - start[1], shape[1] / 2 - start[0])
        width = rng.uniform(0.5, 1.0) * _VESSEL_UM[1] / PIXEL_SIZE_UM
        _grow(rng, dark, (float(start[0]), float(start[1])), float(heading), width, diagonal)
    disc = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    return _transmission(dark), _transmission(cv2.dilate(dark, disc))


def _transmission(dark: FloatImage) -> FloatImage:
    """Light that gets through, out of the focal plane and so blurred."""
    import cv2

    soft = cv2.GaussianBlur(dark, (0, 0), 2.0)
    light: FloatImage = (1 - _VESSEL_DARKNESS * np.minimum(soft, 1)).astype(np.float32)
    return light


def _grow(
    rng: np.random.Generator,
    dark: FloatImage,
    start: tuple[float, float],
    heading: float,
    width: float,
    length: float,
) -> None:
    """Draw one vessel and its branches."""
    import cv2

    step = 6.0
    x, y = start
    for _ in range(int(length / step)):
        heading += rng.normal(0, 0.12)
        end = (x + step * np.cos(heading), y + step * np.sin(heading))
        ends = [(round(x), round(y)), (round(end[0]), round(end[1]))]
        cv2.line(dark, ends[0], ends[1], 1.0, max(1, round(width)), cv2.LINE_AA)
        x, y = end
        if width > _VESSEL_UM[0] / PIXEL_SIZE_UM and rng.random() < 0.02:
            turn = rng.choice([-1, 1]) * rng.uniform(0.4, 0.9)
            _grow(rng, dark, (x, y), heading + turn, 0.6 * width, 0.5 * length)
