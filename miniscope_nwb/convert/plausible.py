"""Values that have the right form and yet are probably in another unit.

What could be true is warned of; what no animal and no miniscope can be is refused where it stands.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from miniscope_nwb.recording import DeviceTiming, Problem
from miniscope_nwb.session import DeviceInfo, SessionInfo

USUAL_PIXEL_UM = (0.1, 20.0)  # side in the tissue, of any miniscope with any lens
_MOST_POWER_W = 0.1  # in the tissue: LEDs of miniscopes give a few milliwatts
# Pups to the heaviest adults, kg.
_WEIGHTS_KG = {"Mus musculus": (0.001, 0.1), "Rattus norvegicus": (0.004, 1.2)}
_TAXA = {"NCBITaxon_10090": "Mus musculus", "NCBITaxon_10116": "Rattus norvegicus"}
_IMPOSSIBLE = 10.0  # times as light or as heavy
_KG = {"kg": 1.0, "g": 1e-3, "mg": 1e-6, "ug": 1e-9, "μg": 1e-9, "ng": 1e-12, "pg": 1e-15}
_SLACK = 1.05  # a sensor exposes nearly the whole interval, and rates are measured


def judge_weight(weight: str, species: str) -> tuple[str, bool]:
    """Say what is wrong with an animal's weight; "" where nothing is, or nothing is known.

    Parameters
    ----------
    weight
        A number, a space and a unit.
    species
        Latin name, or the link to the NCBI taxonomy.

    Returns
    -------
    tuple
        A clause with the usual weights, and whether no animal of the species can weigh that.
    """
    species = _TAXA.get(species.rpartition("/")[2], species)
    if not weight or species not in _WEIGHTS_KG:
        return "", False
    number, unit = weight.split()
    kg = float(number) * _KG[unit.lower()]
    low, high = _WEIGHTS_KG[species]
    if low <= kg <= high:
        return "", False
    is_impossible = not low / _IMPOSSIBLE <= kg <= high * _IMPOSSIBLE
    usual = f"{1000 * low:g} to {1000 * high:g} g"
    return f"{weight}, but a {species} weighs {usual}; check the unit", is_impossible


def warn_of_units(session: SessionInfo, timing: Sequence[DeviceTiming]) -> tuple[Problem, ...]:
    """Warn of values that are probably in another unit than the one that is asked for.

    Parameters
    ----------
    session
        With the devices.
    timing
        Tells the time between two frames of each device.
    """
    intervals = {row.device: row.median_interval_ms / 1000 for row in timing}
    wrong, _ = judge_weight(session.subject.weight, session.subject.species)
    found = [_warning("", f"subject.weight is {wrong}")] if wrong else []
    for device in session.devices:
        interval_s = intervals.get(device.name, math.nan)
        found += [_warning(device.name, said) for said in _of_scope(device, interval_s)]
    return tuple(found)


def _of_scope(scope: DeviceInfo, interval_s: float) -> Iterable[str]:
    low, high = USUAL_PIXEL_UM
    sizes = scope.pixel_size_um or ()
    if any(not low <= size <= high for size in sizes):
        yield (
            f"pixel_size_um is {' x '.join(f'{size:g}' for size in sizes)}, but a pixel of a "
            f"miniscope measures {low:g} to {high:g} um in the tissue; give it in micrometers"
        )
    excited, emitted = scope.excitation_wavelength_nm, scope.emission_wavelength_nm
    if excited is not None and emitted is not None and excited >= emitted:
        yield (
            f"excitation_wavelength_nm is {excited:g} and emission_wavelength_nm {emitted:g}, but "
            "the light of an indicator has the longer wave than what excites it (GCaMP: 470 and "
            "525 nm); were they exchanged?"
        )
    exposed = scope.exposure_time_s
    if exposed is not None and exposed > _SLACK * interval_s:
        yield (
            f"exposure_time_s is {exposed:g}, but from frame to frame it is {interval_s:.3g} s; "
            "give it in seconds"
        )
    if scope.power_w is not None and scope.power_w > _MOST_POWER_W:
        yield (
            f"power_w is {scope.power_w:g}, but miniscopes give up to {_MOST_POWER_W:g} W in the "
            "tissue; give it in watts"
        )


def _warning(device: str, said: str) -> Problem:
    end = "" if said.endswith("?") else "."
    message = f"{device}: {said}{end}" if device else f"{said}{end}"
    return Problem("warning", "implausible_value", message, device=device)
