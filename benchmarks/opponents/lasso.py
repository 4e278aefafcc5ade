"""CaImAn's lasso of every pixel, solved for many pixels at once: what mends CaImAn.

In its spatial update CaImAn builds one scikit-learn pipeline a pixel (`StandardScaler`, then
`LassoLars`), which takes 65 to 85 % of the time of its CNMF-E. The objective of a pixel ``y`` over
its components ``X``, scaled to unit variance and centred, is

    1 / (2 n) |y - mean(y) - X w|^2 + alpha sum(w),   w >= 0.

It depends on ``X'X / n`` and ``X'y / n`` only, so that coordinate descent (Friedman, Hastie and
Tibshirani 2010, Journal of Statistical Software 33) never touches the frames again, and one step
of one component is made for all its pixels together. `regression` takes and gives what CaImAn's
`regression_ipyparallel` does. Runs in CaImAn's Python; needs numpy alone.
"""

import numpy as np

TOLERANCE = 1e-8  # of the largest correlation: a pixel whose weights change less is done
MOST_SWEEPS = 5000
LOOK_EVERY = 10  # sweeps between two looks at which pixels are done
PIXELS_AT_ONCE = 512  # in float64, so that the sums are exact enough


def descend(gram, correlations, penalties, is_allowed):
    """Solve the non-negative lasso of many pixels over one set of components.

    Parameters
    ----------
    gram
        (n, n) inner products of the components, over the number of frames.
    correlations
        (n, n_pixels) inner products of the components with the pixels, likewise.
    penalties
        (n_pixels,) alpha of every pixel.
    is_allowed
        (n, n_pixels) components that a pixel may have.

    Returns
    -------
    (n, n_pixels) weights.
    """
    weights = np.zeros(correlations.shape)
    curvature = np.diag(gram)
    gain = np.where(is_allowed & (curvature[:, None] > 1e-7), correlations - penalties, -np.inf)
    overlaps = is_allowed.astype(np.float32) @ is_allowed.T.astype(np.float32) > 0
    meets = [np.flatnonzero(row) for row in overlaps]
    enough = TOLERANCE * max(np.abs(correlations).max(initial=0.0), 1e-300)
    left = np.flatnonzero((gain > 0).any(axis=0))  # the others are zero: nothing beats the penalty
    for _ in range(MOST_SWEEPS // LOOK_EVERY):
        if not len(left):
            break
        part, mine = weights[:, left], gain[:, left]
        places = [np.flatnonzero(np.isfinite(row)) for row in mine]
        for _ in range(LOOK_EVERY):
            change = _sweep(gram, part, mine, places, meets, curvature)
        weights[:, left] = part
        left = left[change > enough]
    return weights


def _sweep(gram, weights, gain, places, meets, curvature):
    """Take one step of every component; return the largest change of each pixel."""
    change = np.zeros(weights.shape[1])
    for one, where in enumerate(places):
        if not len(where):
            continue
        old = weights[one, where]
        explained = gram[one, meets[one]] @ weights[np.ix_(meets[one], where)]
        new = old + (gain[one, where] - explained) / curvature[one]
        new = np.maximum(new, 0.0)
        weights[one, where] = new
        change[where] = np.maximum(change[where], np.abs(new - old))
    return change


def standardised(components):
    """Return the components (n, n_frames) centred and divided by their standard deviations."""
    centred = np.asarray(components, np.float64)
    centred = centred - centred.mean(axis=1, keepdims=True)
    spread = centred.std(axis=1, keepdims=True)
    return centred / np.where(spread > 1e-12 * np.abs(components).max(initial=1.0), spread, 1.0)


def regression(job):
    """Do the work of `caiman.source_extraction.cnmf.spatial.regression_ipyparallel`.

    Parameters
    ----------
    job
        (movie or its name, components or their name, noise of all pixels, components of each pixel
        of this job, numbers of its pixels, name of the method, energies of the components).

    Returns
    -------
    A list of (pixel, its components, their weights).
    """
    movie, components, noise, allowed, pixels, _, energies = job
    if isinstance(movie, str):
        import caiman.mmapping

        movie = caiman.mmapping.load_memmap(movie)[0]
    if isinstance(components, str):
        components = np.load(components, mmap_mode="r")
    scaled = standardised(components)
    n, n_frames = scaled.shape
    chosen = [k for k, pixel in enumerate(pixels) if len(allowed[k]) and noise[pixel] > 0]
    gram = scaled @ scaled.T / n_frames
    results = []
    for start in range(0, len(chosen), PIXELS_AT_ONCE):
        some = chosen[start : start + PIXELS_AT_ONCE]
        numbers = [pixels[k] for k in some]
        values = np.asarray(movie[numbers], np.float64)
        is_allowed = np.zeros((n, len(some)), bool)
        for column, k in enumerate(some):
            is_allowed[allowed[k], column] = True
        penalties = np.array(
            [_penalty(noise[p], allowed[k], energies, n_frames) for p, k in zip(numbers, some)]
        )
        weights = descend(gram, scaled @ values.T / n_frames, penalties, is_allowed)
        for column, k in enumerate(some):
            results.append((pixels[k], allowed[k], weights[allowed[k], column]))
    return results


def _penalty(noise, allowed, energies, n_frames):
    """Return CaImAn's alpha of a pixel; background components have no say in it."""
    allowed = np.asarray(allowed)
    of_cells = energies[allowed[allowed < len(energies)]]
    return 0.5 * noise * np.sqrt(of_cells.max()) / n_frames if len(of_cells) else 0.0
