"""Says whether CaImAn is installed in this interpreter, without importing it (that takes seconds).

Run as a script it prints the answer as one line of JSON.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def look() -> dict[str, str]:
    """Look for CaImAn.

    Returns
    -------
    answer
        ``state`` is "found", "absent" or "unrelated" (the package of that name on PyPI is another
        one); ``version`` is CaImAn's, "" where it cannot be told; ``python`` is the interpreter's.
    """
    python = ".".join(map(str, sys.version_info[:3]))
    try:
        spec = importlib.util.find_spec("caiman")
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return {"state": "absent", "version": "", "python": python}
    try:
        number = version("caiman")
    except PackageNotFoundError:
        number = ""
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    is_real = any((folder / "source_extraction" / "cnmf").is_dir() for folder in folders)
    state = "found" if is_real else "unrelated"
    return {"state": state, "version": number, "python": python}


if __name__ == "__main__":
    own_folder = Path(__file__).resolve().parent
    sys.path = [entry for entry in sys.path if entry and Path(entry).resolve() != own_folder]
    sys.stdout.write(json.dumps(look()) + "\n")
