"""Which engines `process` can use here, told without importing any of them."""

from __future__ import annotations

import os

from miniscope_nwb import __version__
from miniscope_nwb.check.finding import Finding
from miniscope_nwb.check.packages import examine_plugins
from miniscope_nwb.engines.caiman.find import VARIABLE, Place, find_caiman

TOPIC = "engine"
# As in `engines.registry`, which cannot be imported where one of the packages is missing.
GROUP = "miniscope_nwb.engines"


def examine_engines() -> list[Finding]:
    """List the engines: ours, CaImAn where it is found, and those of other packages.

    Where ``MINISCOPE_NWB_CAIMAN_PYTHON`` names an interpreter, that is started and asked whether
    CaImAn is installed; CaImAn itself is not imported, which would take seconds.
    """
    ours = Finding(TOPIC, "ok", f"builtin {__version__}, always there")
    return [ours, examine_caiman(), *examine_plugins(TOPIC, GROUP)]


def examine_caiman() -> Finding:
    """Say whether and where CaImAn can be used, told from its namesake on PyPI."""
    place = find_caiman()
    if not place.reason:
        where = f"by {place.interpreter} ({VARIABLE})" if place.is_other else "in this environment"
        return Finding(
            TOPIC, "ok", f"caiman: CaImAn {place.version} {where}; auto takes it where it fits"
        )
    is_named = bool(os.environ.get(VARIABLE))
    if not is_named and not place.version:  # absent, and nobody asked for it
        return Finding(TOPIC, "note", f"caiman cannot be used: {place.reason}")
    return Finding(TOPIC, "warning", f"caiman cannot be used: {place.reason}", _remedy(place))


def _remedy(place: Place) -> str:
    if place.is_other:
        return f"Name the python of CaImAn's environment in {VARIABLE}, or unset it."
    return (
        "Put CaImAn into an environment of its own (conda create -n caiman -c conda-forge caiman) "
        f"and name its python in {VARIABLE}; the engine builtin works without it."
    )
