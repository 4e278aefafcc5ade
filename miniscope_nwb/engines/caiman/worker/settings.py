"""CaImAn's parameters: those of the job, and the user's own, which win."""

from __future__ import annotations

import difflib
import json
from typing import Any

ONLY_IN_INIT = "nb"  # the one name that several groups have and only one may set


class UnknownParameterError(Exception):
    """A name that this version of CaImAn does not have."""


def make_options(params: Any, derived: dict[str, Any], extra: dict[str, Any]) -> Any:
    """Make CaImAn's parameter object.

    Parameters
    ----------
    params
        CaImAn's module of that name.
    derived
        Values by group and name. Names that this version does not have are left out.
    extra
        The user's, by group and name, or by the bare name: then every group that has it.

    Raises
    ------
    UnknownParameterError
        Names the nearest.
    """
    options = params.CNMFParams()
    known = _groups(options)
    wanted = {
        group: {name: value for name, value in values.items() if name in known.get(group, {})}
        for group, values in derived.items()
    }
    for group, name, value in placed(extra, known):
        wanted.setdefault(group, {})[name] = like(known[group][name], value)
    options.change_params(wanted)
    return options


def known_names(params: Any) -> dict[str, dict[str, Any]]:
    """Return the parameters that this version of CaImAn has, by group and name."""
    return _groups(params.CNMFParams())


def _groups(options: Any) -> dict[str, dict[str, Any]]:
    return {group: names for group, names in options.to_dict().items() if isinstance(names, dict)}


def placed(extra: dict[str, Any], known: dict[str, dict[str, Any]]) -> list[tuple[str, str, Any]]:
    """Say to which groups the user's parameters belong: (group, name, value)."""
    found: list[tuple[str, str, Any]] = []
    for name, value in extra.items():
        if name in known and isinstance(value, dict):
            for key, inner in value.items():
                if key not in known[name]:
                    raise UnknownParameterError(_unknown(key, known[name], f" in {name}"))
                found.append((name, key, inner))
            continue
        groups = [group for group, names in known.items() if name in names]
        if name == ONLY_IN_INIT:
            groups = ["init"]
        if not groups:
            names = {key for group in known.values() for key in group}
            raise UnknownParameterError(_unknown(name, names, ""))
        found += [(group, name, value) for group in groups]
    return found


def _unknown(name: str, names: Any, where: str) -> str:
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=0.0)
    return f"CaImAn has no parameter {name!r}{where}; the nearest is {near[0]!r}"


def like(example: Any, value: Any) -> Any:
    """Turn a list, as JSON and YAML have it, into a tuple where CaImAn has one."""
    if isinstance(value, list) and isinstance(example, tuple):
        return tuple(value)
    return value


def as_plain(options: Any) -> Any:
    """Return what CaImAn holds its parameters to be, as plain JSON."""
    try:
        return json.loads(options.to_json())
    except (TypeError, ValueError):
        return json.loads(json.dumps(options.to_dict(), default=str))
