"""Values as a person writes them, checked one by one; and what is allowed, in words."""

from __future__ import annotations

import math
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from miniscope_nwb.errors import ParameterError
from miniscope_nwb.params.models import Parameters, StageParams

_BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
_UNITS = {"_um": "micrometers", "_px": "pixels", "_s": "seconds"}
_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def check_value(model: type[StageParams], key: str, value: Any, *, stage: str, where: str) -> Any:
    """Return a parameter's value in its own type.

    Raises
    ------
    ParameterError
        If the value is not allowed; says what is.
    """
    field = model.model_fields[key]
    given = _from_text(field, value)
    try:
        if isinstance(given, bool) and bool not in kinds(field):
            raise ValueError(given)  # pydantic would take true for 1
        checked = TypeAdapter(_annotated(field)).validate_python(given)
        if isinstance(checked, float) and not math.isfinite(checked):
            raise ValueError(checked)  # the text "inf" became a number only now
        return checked
    except (ValidationError, ValueError) as error:
        raise ParameterError(
            f"{where}: {stage}.{key} is {value!r}, but must be {allowed(field)}{_unit(key)}"
            f"{_nearest(field, value)}"
        ) from error


def check_together(values: Parameters) -> None:
    """Refuse values that are allowed alone and not together.

    Raises
    ------
    ParameterError
        Names both and what to change.
    """
    block, overlap = values.motion.block_px, values.motion.overlap_px
    if block is not None and overlap is not None and overlap >= block:
        raise ParameterError(
            f"motion.overlap_px is {overlap} and motion.block_px {block}: blocks may overlap by "
            "less than they lie apart, so make the overlap smaller or the blocks larger."
        )


def kinds(field: FieldInfo) -> list[Any]:
    """Return the types a parameter may have, None left out."""
    annotation = field.annotation
    if get_origin(annotation) in (Union, UnionType):
        return [_bare(item) for item in get_args(annotation) if item is not NoneType]
    return [_bare(annotation)]


def choices(field: FieldInfo) -> tuple[Any, ...]:
    """Return the values of a parameter that is one of a list; else nothing."""
    return tuple(
        value for kind in kinds(field) if get_origin(kind) is Literal for value in get_args(kind)
    )


def allowed(field: FieldInfo) -> str:
    """Say in words what a parameter may be."""
    if choices(field):
        words = "one of " + ", ".join(str(value) for value in choices(field))
    elif any(get_origin(kind) is tuple for kind in kinds(field)):
        words = "four whole numbers x0,y0,x1,y1"
    else:
        words = " or ".join(_KINDS.get(kind, str(kind)) for kind in kinds(field))
        bounds = [
            f"{word} {getattr(item, mark):.12g}"
            for item in _constraints(field)
            for mark, word in _BOUNDS.items()
            if getattr(item, mark, None) is not None
        ]
        words = " ".join([words, " and ".join(bounds)]).rstrip()
    return f"{words}, or null" if is_derivable(field) else words


def is_derivable(field: FieldInfo) -> bool:
    """Whether None is allowed, which stands for a derived value or a threshold not applied."""
    return NoneType in get_args(field.annotation)


def _annotated(field: FieldInfo) -> Any:
    from typing import Annotated

    annotation: Any = field.annotation
    for item in field.metadata:
        annotation = Annotated[annotation, item]
    return annotation


def _bare(annotation: Any) -> Any:
    """Take the constraints off a type."""
    return get_args(annotation)[0] if hasattr(annotation, "__metadata__") else annotation


def _constraints(field: FieldInfo) -> list[Any]:
    """Return all that bounds the value, wherever pydantic keeps it."""
    found = list(field.metadata)
    members = (
        get_args(field.annotation)
        if get_origin(field.annotation) in (Union, UnionType)
        else [field.annotation]
    )
    for member in members:
        for item in getattr(member, "__metadata__", ()):
            found += getattr(item, "metadata", [item])
    return found


def _from_text(field: FieldInfo, value: Any) -> Any:
    """Split ``0,0,300,200``, as the command line has it."""
    wants_list = any(get_origin(kind) is tuple for kind in kinds(field))
    if wants_list and isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return value


def _unit(key: str) -> str:
    """Name the unit that the end of a parameter's name stands for."""
    return next((f" (in {unit})" for end, unit in _UNITS.items() if key.endswith(end)), "")


def _nearest(field: FieldInfo, value: Any) -> str:
    by_lower = {str(item).lower(): str(item) for item in choices(field)}
    near = get_close_matches(str(value).lower(), by_lower, n=1)
    return f"; did you mean {by_lower[near[0]]}?" if near else "."
