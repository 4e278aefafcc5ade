"""The schema of the session YAML: every section and key, and how its value is read.

``session``, ``subject`` and ``imaging`` hold keys; ``devices`` holds one group of keys for every
device, under its name as recorded. ``imaging`` is the default for every scope; the same keys under
a device win.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from miniscope_nwb.convert import metadata_values as values
from miniscope_nwb.convert.metadata_values import Parse

_WAVELENGTH = values.number(
    100, 2000, hint="but must be a wavelength in nanometers, 100 to 2000 (GCaMP: 470 and 525)"
)

SESSION: dict[str, Parse] = {
    "session_start_time": values.moment,
    "timezone": values.zone,
    "session_id": values.identifier,
    "session_description": values.text,
    "experimenter": values.texts,
    "lab": values.text,
    "institution": values.text,
    "experiment_description": values.text,
    "keywords": values.texts,
    "notes": values.text,
    "protocol": values.text,
    "pharmacology": values.text,
    "surgery": values.text,
    "virus": values.text,
    "stimulus_notes": values.text,
    "data_collection": values.text,
    "related_publications": values.texts,
}
SUBJECT: dict[str, Parse] = {
    "subject_id": values.identifier,
    "species": values.species,
    "sex": values.sex,
    "age": values.age,
    "date_of_birth": values.birth,
    "genotype": values.text,
    "strain": values.text,
    "weight": values.weight,
    "description": values.text,
}
IMAGING: dict[str, Parse] = {
    "indicator": values.text,
    "excitation_wavelength_nm": _WAVELENGTH,
    "emission_wavelength_nm": _WAVELENGTH,
    "location": values.text,
    "pixel_size_um": values.pixel_size,
    "plane_description": values.text,
    "reference_frame": values.text,
    "origin_coords_mm": values.point,
    "exposure_time_s": values.number(
        above=0, high=10, hint="but must be a time in seconds above 0 and up to 10, such as 0.03"
    ),
    "binning": values.whole_number(1, 255),
    "power_w": values.number(above=0, high=100, hint="but must be a power in watts above 0"),
    "intensity_w_per_m2": values.number(above=0, hint="but must be above 0 (W per square meter)"),
}
DEVICE: dict[str, Parse] = {
    "role": values.role,
    "description": values.text,
    "manufacturer": values.text,
    "model": values.text,
    "model_description": values.text,
    "serial_number": values.text,
    **IMAGING,
}
SECTIONS: dict[str, dict[str, Parse]] = {
    "session": SESSION,
    "subject": SUBJECT,
    "imaging": IMAGING,
}
TOP_LEVEL = (*SECTIONS, "devices")


def unknown_key(key: str, known: Iterable[str], *, section: str) -> str:
    """Say in a clause what was probably meant by an unknown key.

    Parameters
    ----------
    key
        The key that is not known.
    known
        The keys that are known at its place.
    section
        The place: ``"session"``, ``"devices.Miniscope"``, or ``""`` for the top level.
    """
    known = list(known)
    folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(key.casefold().replace(" ", "_"), folded, n=1, cutoff=0.6)
    homes = [name for name, fields in SECTIONS.items() if key in fields and name != section]
    if key in TOP_LEVEL and section:
        return f"{key} is a section of its own: begin its line at the left margin"
    if homes and not (near and folded[near[0]] == key):
        return f"{key} belongs to the section {homes[0]}"
    if near:
        return f"did you mean {folded[near[0]]}?"
    return f"known here: {', '.join(known)}"
