"""The names of CaImAn's parameters: asked of CaImAn itself, before any work is done."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from miniscope_nwb.engines.base import Resources
from miniscope_nwb.engines.caiman.find import Place
from miniscope_nwb.engines.caiman.process import job_folder, run_job, unknown_parameter
from miniscope_nwb.engines.caiman.worker.settings import UnknownParameterError, placed
from miniscope_nwb.errors import EngineError


def check_names(place: Place, extra: Mapping[str, Any]) -> None:
    """Refuse a name that the CaImAn at `place` does not have.

    Parameters
    ----------
    place
        Where CaImAn is; it is imported there, which takes seconds.
    extra
        The user's parameters, by group and name or by the bare name.

    Raises
    ------
    EngineError
        Names the first that is unknown, and the nearest known one.
    """
    try:
        placed(dict(extra), _names(place))
    except UnknownParameterError as error:
        raise EngineError(unknown_parameter(str(error))) from error


@lru_cache(maxsize=8)
def _names(place: Place) -> dict[str, dict[str, None]]:
    """Return the names by group; asked once of each interpreter and version."""
    with tempfile.TemporaryDirectory(prefix="miniscope-nwb-") as scratch:
        resources = Resources(Path(scratch))
        with job_folder(resources) as folder:
            told = run_job(place, {"task": "names"}, folder, resources)["names"]
    return {group: dict.fromkeys(names) for group, names in told.items()}
