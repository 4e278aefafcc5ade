"""A small scene with everything known: cells, one out of focus, noise, a second component."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array

from miniscope_nwb.movie import ArrayMovie, FrameClock, regular_clock
from miniscope_nwb.results import ExtractionResult, MotionResult, SummaryImages, Traces

HEIGHT, WIDTH, N, RATE = 72, 100, 900, 20.0
DIAMETER = 8.0
KINDS = ("cell", "cell", "cell", "cell", "cell", "blur", "noise", "second", "fragment")
_PLACES = ((14, 14), (34, 12), (60, 15), (85, 20), (20, 55), (50, 45), (82, 52), (34, 12), (60, 15))


@dataclass(frozen=True)
class Scene:
    movie: ArrayMovie
    extraction: ExtractionResult
    traces: Traces
    images: SummaryImages
    motion: MotionResult
    is_left_out: np.ndarray


def disc(x: float, y: float, diameter: float) -> np.ndarray:
    rows, columns = np.indices((HEIGHT, WIDTH))
    away = np.hypot(rows - y, columns - x) / (diameter / 2)
    image = 1 / (1 + np.exp(np.minimum((away - 1) / 0.12, 50)))
    return np.where(image > 0.02, image, 0)


def gauss(x: float, y: float, diameter: float) -> np.ndarray:
    rows, columns = np.indices((HEIGHT, WIDTH))
    image = np.exp(-0.5 * ((rows - y) ** 2 + (columns - x) ** 2) / (diameter / 2.355) ** 2)
    return np.where(image > 0.1, image, 0)


def transients(rng: np.random.Generator, height: float) -> np.ndarray:
    spikes = np.zeros(N)
    spikes[rng.choice(np.arange(30, N - 20, 40), 9, replace=False)] = height
    kernel = np.exp(-np.arange(60) / RATE / 0.5)
    return np.convolve(spikes, kernel)[:N]


def make_scene(
    seed: int = 0,
    *,
    kinds: tuple[str, ...] = KINDS,
    blurred: bool = False,
    clock: FrameClock | None = None,
) -> Scene:
    """Cells of 8 px, one blur of 16 px, a component of noise, a second one and a small piece.

    With `blurred` the cells are blurs like it.
    """
    rng = np.random.default_rng(seed)
    masks, calcium, truth = [], [], {}
    for kind, place in zip(KINDS, _PLACES, strict=True):
        if kind == "blur" or (blurred and kind == "cell"):
            masks.append(gauss(*place, 16))
            calcium.append(truth.setdefault(place, transients(rng, 12)))
        elif kind == "noise":
            masks.append(disc(*place, DIAMETER))
            calcium.append(np.zeros(N))
        elif kind in ("second", "fragment"):
            masks.append(disc(place[0] + 1, place[1], 7.0 if kind == "second" else 4.0))
            calcium.append(truth[place])
        else:
            masks.append(disc(*place, DIAMETER))
            calcium.append(truth.setdefault(place, transients(rng, 25)))
    chosen = [k for k, kind in enumerate(KINDS) if kind in kinds]
    real = [k for k in chosen if KINDS[k] in ("cell", "blur")]
    frames = rng.normal(100, 4, (N, HEIGHT * WIDTH)).astype(np.float32)
    for k in real:
        frames += np.outer(calcium[k], masks[k].ravel()).astype(np.float32)
    glow = np.cumsum(rng.normal(0, 0.2, N)).astype(np.float32)
    frames += (glow - glow.mean())[:, None]
    footprints = np.stack([masks[k].ravel() / masks[k].max() for k in chosen], 1)
    return _as_records(frames, footprints.astype(np.float32), clock)


def _as_records(frames: np.ndarray, footprints: np.ndarray, clock: FrameClock | None) -> Scene:
    level = np.median(frames, axis=1, keepdims=True)
    clean = frames - level
    rows, columns = np.divmod(np.arange(HEIGHT * WIDTH), WIDTH)
    first = (rows + columns) % 2 == 0

    def project(pixels: np.ndarray) -> np.ndarray:
        own = footprints[pixels]
        return (own.T @ clean[:, pixels].T / (own**2).sum(0)[:, None]).astype(np.float32)

    raw = project(np.ones(len(first), bool))
    halves = np.stack([project(first), project(~first)])
    baseline = np.median(raw, axis=1).astype(np.float32)
    noise = (1.4826 / np.sqrt(2) * np.median(np.abs(np.diff(raw, axis=1)), axis=1)).astype("f4")
    normal = (raw - baseline[:, None]) / noise[:, None]
    denoised = np.where(normal > 3, raw - baseline[:, None], 0).astype(np.float32)
    n = footprints.shape[1]
    extraction = ExtractionResult(
        HEIGHT,
        WIDTH,
        csc_array(footprints),
        denoised=denoised,
        deconvolved=denoised,
        raw=raw,
        baseline=baseline,
        noise=noise,
        kernel=np.full((n, 1), np.exp(-1 / RATE / 0.5), np.float32),
        background=None,
        pixel_noise=None,
    )
    neuropil = np.repeat(level.T, n, axis=0).astype(np.float32)
    traces = Traces(raw, denoised, denoised, normal, neuropil, normal, normal, halves, "")
    movie = ArrayMovie(frames.reshape(N, HEIGHT, WIDTH), clock or regular_clock(N, rate_hz=RATE))
    mean = frames.mean(0).reshape(HEIGHT, WIDTH)
    region = np.ones((HEIGHT, WIDTH), bool)
    images = SummaryImages(mean, mean, mean, mean, mean, mean, mean, region, DIAMETER)
    shifts = np.random.default_rng(99).normal(size=(N, 2)).astype(np.float32)
    motion = MotionResult(mean, shifts, None, None, np.ones(N, bool), 0.0)
    return Scene(movie, extraction, traces, images, motion, np.zeros(N, bool))
