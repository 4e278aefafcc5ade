"""Writes small results files in the layouts of CaImAn's versions, by the layout alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy.sparse import csc_matrix, issparse

HEIGHT, WIDTH, N_FRAMES, N_CELLS = 14, 20, 60, 4
ROWS, COLUMNS = 7, 10  # of the grid of the ring model


def estimates(seed: int = 0) -> dict[str, Any]:
    """Return what a one-photon result holds, in CaImAn's order and scale."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((HEIGHT * WIDTH, N_CELLS))
    for cell in range(N_CELLS):
        image = np.zeros((HEIGHT, WIDTH))
        image[2 * cell + 1 : 2 * cell + 4, 4 * cell + 1 : 4 * cell + 5] = rng.uniform(1, 2, (3, 4))
        masks[:, cell] = image.ravel(order="F") / np.linalg.norm(image)
    return {
        "A": csc_matrix(masks),
        "C": rng.uniform(0, 9, (N_CELLS, N_FRAMES)),
        "S": rng.uniform(0, 1, (N_CELLS, N_FRAMES)),
        "YrA": rng.normal(0, 1, (N_CELLS, N_FRAMES)),
        "bl": rng.normal(0, 1, N_CELLS),
        "neurons_sn": rng.uniform(1, 2, N_CELLS),
        "g": np.full((N_CELLS, 1), 0.9),
        "W": csc_matrix(np.eye(ROWS * COLUMNS)),
        "b0": rng.uniform(0, 9, HEIGHT * WIDTH),
        "b": None,
        "f": None,
        "sn": rng.uniform(1, 2, HEIGHT * WIDTH),
        "SNR_comp": np.array([5.0, 1.0, 9.0, np.inf]),
        "r_values": np.array([0.9, 0.2, 0.95, 0.3]),
        "cnn_preds": np.zeros(0),
        "idx_components": np.array([0, 2, 3]),
        "idx_components_bad": np.array([1]),
        "shifts": np.zeros(0),
        "discarded_components": None,
        "dims": np.array([HEIGHT, WIDTH]),
    }


def parameters(version: str) -> dict[str, dict[str, Any]]:
    """Return some of CaImAn's parameters."""
    return {
        "data": {"caiman_version": version, "fr": 20.0, "dims": np.array([HEIGHT, WIDTH])},
        "init": {"gSiz": np.array([9, 9]), "ring_size_factor": 1.5, "method_init": "corr_pnr"},
        "motion": {"strides": np.array([6, 6]), "overlaps": np.array([4, 4])},
        "quality": {"min_SNR": 3, "SNR_lowest": 0.5, "rval_thr": 0.85, "rval_lowest": -1},
    }


def write(path: Path, found: dict[str, Any], *, version: str = "1.12.1") -> Path:
    """Write a file as CaImAn of that version does: texts became attributes with 1.9.9."""
    has_old_texts = version.startswith("1.8")
    with h5py.File(path, "w") as file:
        file["dims"] = found["dims"]
        _write(file, "estimates", found, has_old_texts)
        for group, values in parameters(version).items():
            _write(file, f"params/{group}", values, has_old_texts)
    return path


def _write(file: h5py.File, group: str, values: dict[str, Any], has_old_texts: bool) -> None:
    for name, value in values.items():
        place = f"{group}/{name}"
        if value is None:
            file[place] = "NoneType"
        elif issparse(value):
            for part in ("data", "indices", "indptr"):
                file[f"{place}/{part}"] = getattr(value.tocsc(), part)
            file[f"{place}/shape"] = np.array(value.shape)
        elif isinstance(value, dict):
            _write(file, place, value, has_old_texts)
        elif isinstance(value, str) and not has_old_texts:
            file.require_group(group).attrs[name] = value
        elif has_old_texts and name in ("bl", "neurons_sn"):
            file[place] = np.array([str(number) for number in value.tolist()], "S32")
        else:
            file[place] = value
