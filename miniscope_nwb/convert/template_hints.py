"""What the template says of every field: what it means, and what is accepted where that is narrow.

The rules of species, sex, age and weight are those that NWB Inspector 0.7 counts as critical for
DANDI; location, experimenter and publications are its best practices.
"""

from __future__ import annotations

REQUIRED = "REQUIRED for DANDI"
RECOMMENDED = "RECOMMENDED"

HEADER = (
    "Metadata of a miniscope session, for `miniscope-nwb convert RAW -m session.yaml`.",
    f'Fill in what is marked "{REQUIRED}"; leave empty what you do not know.',
    "Several files may be given with -m (a laboratory's, a session's): the later wins, key by key.",
    'Texts that look like numbers, dates or yes and no must stand in quotes: "007", "1:30", "no".',
)

SECTION_HINTS = {
    "session": (
        "The recording session. What stands in a comment was found in the recording and is used "
        "as it is;",
        "remove the # only to correct it.",
    ),
    "subject": ("The animal.",),
    "imaging": (
        "What every miniscope of this session images. Where two differ, give the same keys under "
        "devices.",
    ),
    "devices": (
        "Miniscopes and behaviour cameras, under their names as recorded. The comments list the",
        "settings found; they are stored in the NWB file without being repeated here.",
    ),
}

HINTS = {
    # session
    "session_start_time": "nothing in the recording tells it; local time, such as "
    "2026-03-02T14:05:07",
    "timezone": "Europe/Berlin, UTC or +02:00; used only for times that have no zone of their own",
    "experimenter": 'NWB Inspector wants "Last, First" ("Doe, Jane"); '
    'several: ["Doe, Jane", "Roe, Rick"]',
    "experiment_description": "the purpose of the experiment, one or two sentences",
    "session_id": "by default made from the start: 20260302T140507; no slash",
    "session_description": "what was done in this session",
    "lab": "",
    "institution": "",
    "keywords": "[hippocampus, calcium imaging]",
    "related_publications": 'as "doi:10.1000/xyz" or "https://doi.org/10.1000/xyz"',
    "notes": "",
    "protocol": "number of the animal protocol",
    "surgery": "what was done, when and by whom; lens and its place",
    "virus": "virus, titer, volume, place of injection",
    # subject
    "subject_id": "name of the animal, without slash",
    "species": 'Latin name, "Mus musculus" or "Rattus norvegicus"; DANDI knows a dozen by name, '
    "others as http://purl.obolibrary.org/obo/NCBITaxon_<number>",
    "sex": "M, F, O (other) or U (unknown)",
    "age": "at the session, ISO 8601: P90D is 90 days, P12W 12 weeks, P3M 3 months; or give "
    "date_of_birth",
    "date_of_birth": "2025-12-01; instead of age (DANDI computes the age from it)",
    "genotype": "",
    "strain": "C57BL/6J",
    "weight": "with unit: 0.023 kg or 23 g",
    "subject_description": "",
    # imaging
    "indicator": "GCaMP6f",
    "excitation_wavelength_nm": "in nm; the blue LED for GCaMP: 470",
    "emission_wavelength_nm": "in nm; GCaMP: 525",
    "location": "brain area; for a mouse NWB Inspector accepts only a name or an acronym of the "
    'Allen Mouse Brain Atlas, spelt as there: "CA1" or "Field CA1" passes, "CA1, hippocampus", '
    '"ca1" and "dorsal CA1" do not ("VISp" for V1, "PL" for prelimbic)',
    "pixel_size_um": "side of a pixel in the tissue in um, one number or [x, y]; measure it "
    "(no recording holds it)",
    "plane_description": "",
    "reference_frame": 'what the coordinates count from: "bregma, at the surface of the skull"',
    "origin_coords_mm": "[x, y, z] of the first pixel in the reference frame",
    "exposure_time_s": "",
    "binning": "pixels of the sensor along one side of a pixel of the movie",
    "power_w": "light power in the tissue, W",
    "intensity_w_per_m2": "",
    # devices
    "role": "scope or camera, only to correct what was found",
    "device_description": "",
    "manufacturer": "who built it: UCLA, Open Ephys, LabMaker, ...",
    "model": "",
    "serial_number": "",
}
