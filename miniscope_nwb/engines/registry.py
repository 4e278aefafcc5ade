"""The engines that are installed: ours, CaImAn's adapter, and those of other packages.

A third party names its engine class in the entry-point group ``miniscope_nwb.engines``; the name
of the entry point is the engine's name. An engine that cannot be used is a warning with its name,
and the others go on working.
"""

from __future__ import annotations

from pathlib import Path

from miniscope_nwb.engines.base import Engine
from miniscope_nwb.entry_points import PluginKind, load_plugins
from miniscope_nwb.errors import EngineError

GROUP = "miniscope_nwb.engines"

# Strings, not classes: nothing is imported before somebody asks.
BUILT_IN = {
    "builtin": "miniscope_nwb.engines.builtin:BuiltinEngine",
    "caiman": "miniscope_nwb.engines.caiman.engine:CaimanEngine",
}
KIND = PluginKind(
    "engine",
    GROUP,
    BUILT_IN,
    Engine,
    "name, summary, availability, versions, predict, motion and extract",
)


def engines(*, caiman_python: Path | None = None) -> dict[str, Engine]:
    """Return every engine that works, by name: the built-in ones first.

    Parameters
    ----------
    caiman_python
        Interpreter of another environment in which CaImAn is installed; by default the one that
        ``MINISCOPE_NWB_CAIMAN_PYTHON`` names, else this one.
    """
    found: dict[str, Engine] = load_plugins(KIND)
    if caiman_python is not None:
        from miniscope_nwb.engines.caiman.engine import CaimanEngine

        found["caiman"] = CaimanEngine(caiman_python)
    return found


def find_engine(name: str, *, caiman_python: Path | None = None) -> Engine:
    """Return the engine called `name`, whether or not it can run here.

    Raises
    ------
    EngineError
        If there is none of that name; names those that there are.
    """
    known = engines(caiman_python=caiman_python)
    if name not in known:
        raise EngineError(
            f"there is no engine called {name!r}; installed are {', '.join(known)}: choose one of "
            "them, or install the package that brings it."
        )
    return known[name]
