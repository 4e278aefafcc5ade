"""Starts a job in CaImAn's interpreter: ``python start.py FOLDER``.

It must not import anything by the name of our package, which need not be installed here, nor put
its own folder first on the path, where names could stand in for libraries. So it loads its
folder as a package under a private name.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

PRIVATE_NAME = "_miniscope_nwb_caiman_worker"


def main() -> int:
    """Load the worker's package and run the job."""
    _load()
    run = importlib.import_module(PRIVATE_NAME + ".run")
    status: int = run.main(Path(sys.argv[1]))
    return status


def _load() -> None:
    """Load the worker's package, and mend what CaImAn stumbles over before it is imported."""
    folder = Path(__file__).resolve().parent
    sys.path = [entry for entry in sys.path if entry and Path(entry).resolve() != folder]
    spec = importlib.util.spec_from_file_location(
        PRIVATE_NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"the worker's package in {folder} cannot be loaded")
    package = importlib.util.module_from_spec(spec)
    sys.modules[PRIVATE_NAME] = package
    spec.loader.exec_module(package)
    importlib.import_module(PRIVATE_NAME + ".scipy_changes").flatten_toeplitz()


if __name__ == "__main__":  # the guard matters: CaImAn's own processes may import this file again
    sys.exit(main())
elif __name__ == "__mp_main__":  # where processes are started anew; they compute, too
    _load()
