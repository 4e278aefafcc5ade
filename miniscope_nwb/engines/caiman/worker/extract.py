"""Source extraction and evaluation by CaImAn: its estimates, as they are."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

TRACES = ("C", "S", "YrA")
PER_CELL = ("bl", "c1", "lam", "neurons_sn", "SNR_comp", "r_values", "cnn_preds")


def extract(
    job: dict[str, Any], options: Any, view: Any, folder: Path, channel: Any
) -> dict[str, Any]:
    """Find components in the mapped movie and evaluate them.

    Writes ``C.npy``, ``S.npy`` and ``YrA.npy`` (n_cells, n_frames) and ``estimates.npz`` with all
    else, in CaImAn's order of pixels and its scale.
    """
    import caiman
    from caiman.source_extraction.cnmf import cnmf

    flat, dims, n_frames = caiman.load_memmap(job["movie"])
    images = np.reshape(flat.T, (n_frames, *dims), order="F")
    masks = _read_masks(folder / "masks.npz") if job.get("has_masks") else None
    began = time.perf_counter()
    model = cnmf.CNMF(n_processes=job["n_processes"], dview=view, Ain=masks, params=options)
    model.fit(images)
    channel.tell(step=1, of=3, what="components")
    seconds = {"extract": time.perf_counter() - began}
    began = time.perf_counter()
    found = model.estimates
    if found.A is not None and found.A.shape[1] > 0:
        _evaluate(found, images, model.params, view, channel)
    channel.tell(step=2, of=3, what="evaluation")
    seconds["evaluate"] = time.perf_counter() - began
    _save(found, folder)
    channel.tell(step=3, of=3, what="results")
    return {"seconds": seconds}


def _evaluate(found: Any, images: Any, options: Any, view: Any, channel: Any) -> None:
    """Evaluate the components; without the network where it or its weights are not installed.

    A network that fails must not cost the components that took hours: they are evaluated again
    without it, and what was not the network's fault is raised then.
    """
    if options.get("quality", "use_cnn"):
        try:
            found.evaluate_components(images, options, dview=view)
        except Exception as error:  # noqa: BLE001 - its libraries raise anything; see the docstring
            reason = str(error).strip().splitlines()[:1]
            channel.tell(
                say="CaImAn's network was asked for but cannot be used "
                f"({type(error).__name__}: {''.join(reason)}); its scores are left out."
            )
            options.set("quality", {"use_cnn": False})
        else:
            return
    found.evaluate_components(images, options, dview=view)


def _read_masks(path: Path) -> Any:
    """Masks as CaImAn wants them: dense, boolean, pixels x cells in its order of pixels."""
    from scipy.sparse import load_npz

    return load_npz(path).toarray() > 0


def _save(found: Any, folder: Path) -> None:
    from scipy.sparse import csc_matrix

    footprints = csc_matrix(found.A, dtype=np.float32)
    footprints.sort_indices()
    n_cells = footprints.shape[1]
    arrays: dict[str, Any] = _sparse("A", footprints)
    for name in TRACES:
        values = getattr(found, name, None)
        if values is not None and n_cells:
            np.save(folder / f"{name}.npy", np.asarray(values, np.float32))
    for name in PER_CELL:
        values = getattr(found, name, None)
        if values is not None and len(values) == n_cells:
            arrays[name] = np.asarray(values, np.float64).reshape(n_cells)
    kernels = getattr(found, "g", None)
    if kernels is not None and len(kernels) == n_cells and n_cells:
        arrays["g"] = np.asarray([np.ravel(values) for values in kernels], np.float64)
    if getattr(found, "idx_components", None) is not None:
        accepted = np.zeros(n_cells, bool)
        accepted[np.asarray(found.idx_components, int)] = True
        arrays["accepted"] = accepted
    arrays.update(_background(found))
    np.savez(folder / "estimates.npz", **arrays)


def _background(found: Any) -> dict[str, Any]:
    arrays: dict[str, Any] = {}
    if getattr(found, "sn", None) is not None:
        arrays["sn"] = np.asarray(found.sn, np.float32)
    if getattr(found, "W", None) is not None:
        arrays.update(_sparse("W", found.W.tocsc()))
        arrays["b0"] = np.asarray(found.b0, np.float32)
    elif getattr(found, "b", None) is not None and getattr(found, "f", None) is not None:
        images = found.b.toarray() if hasattr(found.b, "toarray") else found.b
        arrays["b"] = np.asarray(images, np.float32)
        arrays["f"] = np.asarray(found.f, np.float32)
    return arrays


def _sparse(name: str, matrix: Any) -> dict[str, Any]:
    return {
        f"{name}_data": matrix.data,
        f"{name}_indices": matrix.indices,
        f"{name}_indptr": matrix.indptr,
        f"{name}_shape": np.asarray(matrix.shape),
    }
