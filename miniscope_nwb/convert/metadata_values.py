"""What a value of the session YAML must look like, one function for each kind.

Every function takes the place in the file and the dotted key, gives the value, and raises
`MetadataError` with one sentence: place, key, what stands there, what is wanted. The rules for
subjects are those of NWB Inspector and DANDI.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime

from miniscope_nwb.convert.yaml_text import YamlNode, is_printable, quote
from miniscope_nwb.convert.zones import parse_moment, parse_zone
from miniscope_nwb.errors import MetadataError

# Everything that a parsed value may be.
Value = str | int | float | date | datetime | tuple[str, ...] | tuple[float, ...]
Parse = Callable[[YamlNode, str], Value]

_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][-+]?[0-9]+)?")
_DURATION = re.compile(
    r"P(?!$)(\d+(?:\.\d+)?Y)?(\d+(?:\.\d+)?M)?(\d+(?:\.\d+)?W)?(\d+(?:\.\d+)?D)?"
    r"(T(?=\d)(\d+(?:\.\d+)?H)?(\d+(?:\.\d+)?M)?(\d+(?:\.\d+)?S)?)?",
    re.ASCII,
)
_SPECIES = re.compile(r"[A-Z][a-z]* [a-z]+|http://purl\.obolibrary\.org/obo/NCBITaxon_[0-9]+")
_WEIGHT = re.compile(r"[0-9]+(\.[0-9]+)? (kg|g|mg|ug|μg|ng|pg)", re.IGNORECASE)
# Side of a pixel in the tissue that can be at all; what reads an NWB file asks the same of it.
_PIXEL_UM = (0.02, 200.0)
# Days of a year, month, week, day, hour, minute, second: only to see which of two ages is larger.
_DAYS = (365.25, 30.44, 7.0, 1.0, 1 / 24, 1 / 1440, 1 / 86400)
_BINOMIALS = {
    "mouse": "Mus musculus", "mice": "Mus musculus", "house mouse": "Mus musculus",
    "rat": "Rattus norvegicus", "human": "Homo sapiens", "zebrafish": "Danio rerio",
    "marmoset": "Callithrix jacchus", "zebra finch": "Taeniopygia guttata",
    "rhesus": "Macaca mulatta", "macaque": "Macaca mulatta",
}  # fmt: skip
_SEXES = {"M": "male", "F": "female", "O": "other", "U": "unknown"}


def text(node: YamlNode, key: str) -> str:
    """Take a free text; what YAML would read as something else must stand in quotes."""
    if not node.is_scalar:
        raise MetadataError(f"{node.where}: {key} must be a text, not {node.kind}.")
    if node.kind != "text":
        raise MetadataError(
            f"{node.where}: {key} is a text, but YAML reads {node.text} as {node.kind}; "
            f"quote it: {quote(node.text)}"
        )
    return _clean(node, key)


def texts(node: YamlNode, key: str) -> tuple[str, ...]:
    """Take a text or a list of texts; empty elements are left out."""
    if not node.is_list:
        return (text(node, key),)
    return tuple(text(item, key) for item in node.items() if not item.is_absent)


def identifier(node: YamlNode, key: str) -> str:
    """Take a text without slashes: DANDI makes paths of it."""
    value = text(node, key)
    if "/" in value or "\n" in value:
        raise MetadataError(
            f"{node.where}: {key} is {quote(value)}; DANDI makes a path of it, so it must be one "
            "line without a slash."
        )
    return value


def word(node: YamlNode, key: str) -> str:
    """Take a text as it stands, whatever YAML would make of it (for fields with a pattern)."""
    if not node.is_scalar:
        raise MetadataError(f"{node.where}: {key} must be a text, not {node.kind}.")
    return _clean(node, key)


def species(node: YamlNode, key: str) -> str:
    """Take a Latin binomial or a link to the NCBI taxonomy, as NWB Inspector does."""
    value = word(node, key)
    if not _SPECIES.fullmatch(value):
        latin = _BINOMIALS.get(value.casefold(), "Mus musculus")
        raise MetadataError(
            f"{node.where}: {key} is {quote(value)}, but must be a Latin binomial such as {latin}, "
            "or http://purl.obolibrary.org/obo/NCBITaxon_<number>."
        )
    return value


def sex(node: YamlNode, key: str) -> str:
    """Take M, F, O or U."""
    value = word(node, key)
    if value not in _SEXES:
        first = value[:1].upper()
        hint = f"; for {value} write {first}" if first in _SEXES else ""
        raise MetadataError(
            f"{node.where}: {key} is {quote(value)}, but must be one of M (male), F (female), "
            f"O (other) or U (unknown){hint}."
        )
    return value


def role(node: YamlNode, key: str) -> str:
    """Take scope or camera."""
    value = word(node, key)
    if value not in ("scope", "camera"):
        raise MetadataError(
            f"{node.where}: {key} is {quote(value)}, but must be scope (a miniscope) or camera (a "
            "behaviour camera)."
        )
    return value


def age(node: YamlNode, key: str) -> str:
    """Take an ISO 8601 duration, or a range of two with ``/`` as NWB Inspector knows it."""
    value = word(node, key)
    bounds = value.split("/")
    days = [_days(bound) for bound in bounds if bound]
    if len(bounds) > 2 or not days or None in days:
        raise MetadataError(
            f"{node.where}: {key} is {quote(value)}, but must be an ISO 8601 duration such as P90D "
            "(90 days), P12W (12 weeks) or P3M (3 months), or a range of two such as P80D/P90D; "
            "only the last of its numbers may have a fraction."
        )
    known = [bound for bound in days if bound is not None]
    if len(known) == 2 and known[0] >= known[1]:
        raise MetadataError(
            f"{node.where}: {key} is {quote(value)}, a range that does not increase."
        )
    return value


def weight(node: YamlNode, key: str) -> str:
    """Take a number, a space and a unit."""
    value = word(node, key)
    if not _WEIGHT.fullmatch(value):
        raise MetadataError(
            f"{node.where}: {key} is {quote(value)}, but must be a number, a space and a unit (kg, "
            "g, mg, ug, ng or pg) such as 0.023 kg."
        )
    return value


def birth(node: YamlNode, key: str) -> date | datetime:
    """Take an ISO 8601 date, quoted or not, with or without the time of day."""
    value = word(node, key)
    try:
        moment = parse_moment(value)
    except ValueError:
        raise MetadataError(
            f"{node.where}: {key} is {quote(value)}, but must be a date such as 2025-12-01."
        ) from None
    if not 1900 <= moment.year <= 2200:
        raise MetadataError(f"{node.where}: {key} is {quote(value)}: the year cannot be right.")
    return moment.date() if len(value) <= len("2025-12-01") else moment


def moment(node: YamlNode, key: str) -> str:
    """Take an ISO 8601 date with time of day, quoted or not; the text is kept."""
    value = word(node, key)
    try:
        parse_moment(value, needs_time=True)
    except ValueError:
        raise MetadataError(
            f"{node.where}: {key} is {quote(value)}, but must be date and time such as "
            "2026-03-02T14:05:07 or 2026-03-02T14:05:07+01:00."
        ) from None
    return value


def zone(node: YamlNode, key: str) -> str:
    """Take the name of a time zone or an offset; the text is kept."""
    value = word(node, key)
    try:
        parse_zone(value)
    except ValueError as error:
        raise MetadataError(f"{node.where}: {key}: {error}") from None
    return value


def number(
    low: float = -math.inf, high: float = math.inf, *, above: float | None = None, hint: str = ""
) -> Parse:
    """Make a parser of a decimal number from `low` to `high`, and larger than `above`."""

    def parse(node: YamlNode, key: str) -> float:
        value = _number(node, key)
        if not low <= value <= high or (above is not None and value <= above):
            raise MetadataError(f"{node.where}: {key} is {node.text}, {hint}.")
        return value

    return parse


def whole_number(low: int, high: int) -> Parse:
    """Make a parser of a whole number from `low` to `high`."""

    def parse(node: YamlNode, key: str) -> int:
        value = _number(node, key)
        if value != int(value) or not low <= value <= high:
            raise MetadataError(
                f"{node.where}: {key} is {node.text}, but must be a whole number from {low} to "
                f"{high}."
            )
        return int(value)

    return parse


def pixel_size(node: YamlNode, key: str) -> tuple[float, float]:
    """Take the side of a pixel in micrometers: one number, or [x, y]."""
    values = _numbers(node, key) if node.is_list else (_number(node, key),)
    low, high = _PIXEL_UM
    if len(values) not in (1, 2) or any(not low <= value <= high for value in values):
        raise MetadataError(
            f"{node.where}: {key} must be the side of a pixel in the tissue in micrometers, one "
            f"number such as 1.64 or two as [x, y], above {low:g} and up to {high:g}"
            f"{_other_unit(values)}."
        )
    return values[0], values[-1]


def _other_unit(values: tuple[float, ...]) -> str:
    """Say what a length would be in micrometers, where it seems to be in another unit."""
    for unit, um in (("meters", 1e6), ("millimeters", 1e3), ("nanometers", 1e-3)):
        if values and all(0.1 <= value * um <= 20 for value in values):
            meant = ", ".join(f"{value * um:g}" for value in values)
            return f"; if that was in {unit}, write {meant if len(values) == 1 else f'[{meant}]'}"
    return ""


def point(node: YamlNode, key: str) -> tuple[float, ...]:
    """Take three numbers [x, y, z] in millimeters."""
    values = _numbers(node, key) if node.is_list else ()
    if len(values) != 3:
        raise MetadataError(f"{node.where}: {key} must be three numbers in mm, [x, y, z].")
    return values


def _clean(node: YamlNode, key: str) -> str:
    value = node.text.strip()
    if not is_printable(value):
        raise MetadataError(f"{node.where}: {key} holds a control character; delete it.")
    return value


def _number(node: YamlNode, key: str) -> float:
    if not node.is_scalar:
        raise MetadataError(f"{node.where}: {key} must be a number, not {node.kind}.")
    if node.is_quoted:
        raise MetadataError(
            f"{node.where}: {key} must be a number, but stands in quotes, so it is a text; remove "
            "the quotes."
        )
    value = math.nan
    if _NUMBER.fullmatch(node.text) and any(character.isdigit() for character in node.text):
        try:
            value = float(node.text)
        except ValueError:  # "e5": an exponent alone
            value = math.nan
    if not math.isfinite(value):
        raise MetadataError(
            f"{node.where}: {key} is {node.text}, but must be a plain decimal number such as 1.64 "
            "(with a point, without unit)."
        )
    return value


def _numbers(node: YamlNode, key: str) -> tuple[float, ...]:
    return tuple(_number(item, key) for item in node.items())


def _days(duration: str) -> float | None:
    """Return the length of an ISO 8601 duration in days, None if it is none."""
    match = _DURATION.fullmatch(duration)
    if match is None:
        return None
    groups = match.groups()
    parts = [*groups[:4], *groups[5:]]
    given = [part for part in parts if part]
    if any("." in part for part in given[:-1]):
        return None
    return sum(float(part[:-1]) * days for part, days in zip(parts, _DAYS, strict=True) if part)
