"""Which run this is: done already, a new one beside the others, or one that is replaced."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

from miniscope_nwb.errors import OutputError, ParameterError

Corrected = Literal["preview", "full", "none"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class StoredRun:
    """What a file tells of a run that it holds."""

    name: str
    input_hash: str
    parameter_hash: str
    engine: str
    engine_version: str
    series: str = ""
    n_components: int = 0
    n_accepted: int = 0
    corrected: Corrected = "preview"  # how much of the corrected movie is stored
    n_manual_rounds: int = 0  # rounds of curation that were made by hand


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes two runs the same."""

    input_hash: str
    parameter_hash: str
    engine: str
    engine_version: str
    series: str = ""  # of two movies with the same frames

    def is_of(self, run: StoredRun) -> bool:
        """Whether a stored run is this one."""
        return all(getattr(run, field.name) == getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done for a request."""

    name: str
    is_done: bool  # the file holds this very run
    replaces: bool  # a run of this name is replaced


def decide(
    identity: Identity, runs: Sequence[StoredRun], *, name: str | None, force: bool
) -> Decision:
    """Compare a request with the runs in the file.

    Parameters
    ----------
    name
        The name that was asked for; None: the run's old name, else run1, run2, ...
    force
        Whether a run is computed again and replaced.

    Raises
    ------
    OutputError
        The same run exists under another name, or another run under this name.
    ParameterError
        The name cannot name objects in the file.
    """
    check_name(name)
    same = next((run for run in runs if identity.is_of(run)), None)
    if same is not None:
        if name is not None and name != same.name:
            if force and any(run.name == name for run in runs):
                raise OutputError(
                    f"the run {same.name!r} was made with the same parameters, engine and version "
                    f"as are given here, and those of {name!r} are others: to compute {name!r} "
                    "again, give its parameters again (`show --json` lists them) beside --force."
                )
            raise OutputError(
                f"the run {same.name!r} was made with the same parameters, engine and version: "
                f"it is not stored again as {name!r}; leave --run out, or change a parameter."
            )
        return Decision(same.name, is_done=not force, replaces=force)
    names = {run.name for run in runs}
    if name is None:
        return Decision(_next_name(names), is_done=False, replaces=False)
    if name in names and not force:
        raise OutputError(
            f"there is a run {name!r} with other parameters, another engine or version: give "
            "--force to replace it, or another name with --run."
        )
    return Decision(name, is_done=False, replaces=name in names)


def check_name(name: str | None) -> None:
    """Refuse a name that cannot stand in the names of objects.

    Raises
    ------
    ParameterError
        Says what a name may hold.
    """
    if name is not None and not _NAME.fullmatch(name):
        raise ParameterError(
            f"{name!r} cannot name a run: use up to 64 letters, digits, '_', '-' and '.', a "
            "letter or digit first."
        )


def _next_name(names: set[str]) -> str:
    number = 1
    while f"run{number}" in names:
        number += 1
    return f"run{number}"
