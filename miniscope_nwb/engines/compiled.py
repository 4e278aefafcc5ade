"""Whether inner loops are compiled already: numba does that in the first run of an installation.

What it has compiled it keeps in files, a table of contents for each function. They lie beside the
source, in the user's own folder of caches where that cannot be written to, or in NUMBA_CACHE_DIR.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def is_compiled(kernel: Any) -> bool:
    """Return whether a function that numba compiles is found compiled in its cache.

    Parameters
    ----------
    kernel
        Decorated with ``njit(cache=True)``. A plain function (NUMBA_DISABLE_JIT) needs nothing.
    """
    stats = getattr(kernel, "stats", None)
    if stats is None:
        return True
    if not stats.cache_path:
        return False
    function = kernel.py_func
    code, module = function.__code__, function.__module__.rpartition(".")[2]
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    name = f"{module}.{function.__qualname__}-{code.co_firstlineno}.{python}{sys.abiflags}.nbi"
    return _is_newer(Path(stats.cache_path) / name, Path(code.co_filename))


def builtin_is_compiled() -> bool:
    """Return whether the loops of our own engine are: of the seeds, the background, the updates."""
    from miniscope_nwb.extract import frames_kernels, ring_kernels, seeding_kernels

    kernels = (frames_kernels.centre, seeding_kernels.score, ring_kernels.fit)
    return all(map(is_compiled, kernels))


def _is_newer(index: Path, source: Path) -> bool:
    """Return whether a table is there and younger than its source: numba leaves out older ones."""
    try:
        return index.stat().st_mtime >= source.stat().st_mtime
    except OSError:
        return False
