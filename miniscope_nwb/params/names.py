"""The names of sections and parameters, and what is said about one that does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from miniscope_nwb.errors import ParameterError
from miniscope_nwb.params.models import Parameters, StageParams

PASSED_THROUGH = "caiman"  # the section whose keys are not ours


def stages() -> dict[str, type[StageParams]]:
    """Return the model of each section with parameters of ours, in the order of the work."""
    return {
        name: field.annotation
        for name, field in Parameters.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, StageParams)
    }


def check_stage(stage: str, *, where: str) -> None:
    """Refuse a section that does not exist.

    Raises
    ------
    ParameterError
        Names the nearest section, or where a parameter of that name belongs.
    """
    known = [*stages(), PASSED_THROUGH]
    if stage in known:
        return
    homes = homes_of(stage)
    if homes:
        raise ParameterError(
            f"{where}: {stage!r} is a parameter of the section {' and of '.join(homes)}, not a "
            f"section: write it below '{homes[0]}:'."
        )
    raise ParameterError(f"{where}: there is no section {stage!r}{suggestion(stage, known)}")


def check_key(stage: str, key: str, *, where: str) -> None:
    """Refuse a parameter that its section does not have.

    Raises
    ------
    ParameterError
        Names the nearest parameter, in this section or another.
    """
    if stage == PASSED_THROUGH:
        return
    known = list(stages()[stage].model_fields)
    if key in known:
        return
    elsewhere = homes_of(key)
    if elsewhere:
        raise ParameterError(
            f"{where}: there is no parameter {stage}.{key}; {elsewhere[0]}.{key} is the one of "
            "that name."
        )
    raise ParameterError(
        f"{where}: there is no parameter {stage}.{key}{suggestion(key, known, stage=stage)}"
    )


def find_stage(key: str, *, where: str) -> str:
    """Return the one section that has a parameter called `key`.

    Raises
    ------
    ParameterError
        If none has it, which names the nearest, or several have, which names them.
    """
    homes = homes_of(key)
    if len(homes) == 1:
        return homes[0]
    if homes:
        names = " or ".join(f"{stage}.{key}" for stage in homes)
        raise ParameterError(f"{where}: {key!r} is ambiguous: write {names}.")
    everything = [f"{stage}.{name}" for stage, model in stages().items() for name in fields(model)]
    by_name = {item.partition(".")[2]: item for item in everything}
    near = get_close_matches(key, by_name, n=1)
    hint = f"; did you mean {by_name[near[0]]}?" if near else _list(stages(), "sections")
    raise ParameterError(f"{where}: there is no parameter {key!r}{hint}")


def homes_of(key: str) -> list[str]:
    """Return the sections that have a parameter called `key`."""
    return [stage for stage, model in stages().items() if key in model.model_fields]


def fields(model: type[StageParams]) -> list[str]:
    """Return the names of a section's parameters."""
    return list(model.model_fields)


def suggestion(given: str, known: Iterable[str], *, stage: str = "") -> str:
    """Return the end of a sentence that names what was probably meant, or all there is."""
    known = list(known)
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(given.lower(), by_lower, n=1)
    if near:
        name = by_lower[near[0]]
        return f"; did you mean {f'{stage}.{name}' if stage else name}?"
    return _list(known, "there are")


def _list(known: Iterable[str], what: str) -> str:
    return f"; {what}: {', '.join(known)}."
