"""One job: read it, import CaImAn, compute, tell."""

from __future__ import annotations

import importlib.metadata
import json
import logging
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from .settings import UnknownParameterError, as_plain, known_names, make_options
from .talk import Channel

LIBRARIES = ("caiman", "numpy", "scipy", "scikit-learn", "opencv-python", "tensorflow", "torch")


def main(folder: Path) -> int:
    """Run the job that lies in `folder` as ``job.json``; results are put beside it."""
    channel = Channel()
    try:
        job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        done = _compute(job, folder, channel)
    except UnknownParameterError as error:
        channel.tell(kind="parameter", error=str(error))
        return 2
    except MemoryError:
        channel.tell(kind="memory", error="the memory ran out")
        return 3
    except BaseException as error:  # noqa: BLE001 - whatever it is, the other side must hear it
        traceback.print_exc(file=sys.stderr)
        channel.tell(kind="failed", error=f"{type(error).__name__}: {error}")
        return 1
    channel.tell(done=done)
    return 0


def _compute(job: dict[str, Any], folder: Path, channel: Channel) -> dict[str, Any]:
    began = time.perf_counter()
    caiman, params = _import_caiman()
    if job["task"] == "names":
        return {"names": {group: sorted(names) for group, names in known_names(params).items()}}
    import numpy as np

    if job.get("is_uncorrected"):
        from .correct import write_corrected_map

        write_corrected_map(job, folder)
    np.random.seed(job["seed"])  # noqa: NPY002 - CaImAn draws from numpy's global generator
    options = make_options(params, job["parameters"], job["extra"])
    seconds = {"import": time.perf_counter() - began}
    view = _open_pool(caiman, job["n_processes"], channel)
    try:
        if job["task"] == "motion":
            from .motion import estimate_motion as compute
        else:
            from .extract import extract as compute
        done: dict[str, Any] = compute(job, options, view, folder, channel)
    finally:
        channel.watch([])
        if view is not None:
            view.terminate()
            view.join()
    done["seconds"] = {**seconds, **done.get("seconds", {})}
    done["parameters"] = as_plain(options)
    done["versions"] = _versions()
    return done


def _import_caiman() -> tuple[Any, Any]:
    import caiman
    from caiman.source_extraction.cnmf import params

    logging.getLogger("caiman").setLevel(logging.ERROR)
    return caiman, params


def _open_pool(caiman: Any, n_processes: int, channel: Channel) -> Any:
    """Start CaImAn's processes; None where one is enough."""
    if n_processes <= 1:
        return None
    _, view, _ = caiman.cluster.setup_cluster(
        backend="multiprocessing", n_processes=n_processes, ignore_preexisting=True
    )
    channel.watch(getattr(view, "_pool", []))
    return view


def _versions() -> dict[str, str]:
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
