"""What to do about the well-known findings of pynwb, NWB Inspector and dandi, one sentence each."""

from __future__ import annotations

_SESSION = "in session.yaml (see `miniscope-nwb init`) and convert again"

# Name of the check (NWB Inspector's function, dandi's id) -> what to do.
FIXES = {
    "check_subject_exists": f"Fill in subject: (subject_id, species, sex, age) {_SESSION}.",
    "check_subject_id_exists": f"Give subject.subject_id {_SESSION}.",
    "check_subject_id_no_slashes": f"Take the slash out of subject.subject_id {_SESSION}.",
    "check_subject_sex": f"Give subject.sex as M, F, O or U {_SESSION}.",
    "check_subject_species_exists": (
        f"Give subject.species as a Latin binomial such as Mus musculus {_SESSION}."
    ),
    "check_subject_species_form": (
        f"Write subject.species as a Latin binomial such as Mus musculus, not mouse, {_SESSION}."
    ),
    "check_subject_age": (
        "Give subject.age as an ISO 8601 duration such as P90D (90 days), or "
        f"subject.date_of_birth, {_SESSION}."
    ),
    "check_subject_proper_age_range": (
        f"Write an age range as lower/upper with the lower one first, such as P3M/P4M, {_SESSION}."
    ),
    "check_subject_weight": (
        f"Give subject.weight as number and unit, such as '0.023 kg', {_SESSION}."
    ),
    "check_session_id_no_slashes": f"Take the slash out of session_id {_SESSION}.",
    "check_experimenter_exists": f"Give experimenter as a list of 'Last, First' {_SESSION}.",
    "check_experimenter_form": (
        f"Write every experimenter as 'Last, First' or 'Last, First M.' {_SESSION}."
    ),
    "check_experiment_description": f"Give experiment_description {_SESSION}.",
    "check_institution": f"Give institution {_SESSION}.",
    "check_keywords": f"Give keywords as a list {_SESSION}.",
    "check_doi_publications": (
        f"Write related_publications as 'doi:10...' or as a URL of doi.org {_SESSION}."
    ),
    "check_session_start_time_old_date": (
        "The recording is dated long ago: if the acquisition computer's clock was wrong, convert "
        "again with --start-time."
    ),
    "check_session_start_time_future_date": (
        "The recording is dated in the future: the acquisition computer's clock was wrong; convert "
        "again with --start-time."
    ),
    "check_imaging_plane_location_allen_ccf": (
        "Give the scope's location as a term of the Allen mouse brain atlas, for example CA1, "
        f"VISp or 'Field CA1', with nothing else in it, {_SESSION}."
    ),
    "check_excitation_lambda_in_nm": f"Give excitation_wavelength_nm in nanometers {_SESSION}.",
    "check_emission_lambda_in_nm": f"Give emission_wavelength_nm in nanometers {_SESSION}.",
    "check_data_orientation": (
        "Nothing to mend where the movie is short: the check wants more samples than pixels on a "
        "side, and this series has fewer frames than that. The series' comments say in which order "
        "its axes are stored, (time, width, height); a longer recording does not raise this."
    ),
    "check_image_series_data_size": (
        "Nothing to mend: NWB Inspector notes every movie above 20 GB, because it would rather "
        "have it compressed or outside; ours is compressed without loss, and the archive takes it."
    ),
    "check_image_series_external_file_valid": (
        "Put the video back where the NWB file says (beside it, in the folder of its own name), or "
        "convert again; NWB file and video folder must be moved together."
    ),
    "check_image_series_external_file_relative": (
        "Convert again with --link-videos copy, so that the video lies beside the NWB file."
    ),
    "check_timestamps_ascending": (
        "The time stamps step backwards as the acquisition computer recorded them; convert again "
        "with --stamps interpolate to mend isolated ones (the recorded values stay in Repairs)."
    ),
    "check_timestamp_of_the_first_sample_is_not_negative": (
        "Nothing to mend: the first frame was taken just before the recording's zero, and the time "
        "stamp is true."
    ),
    "check_timestamps_without_nans": "Convert again from the raw recording.",
    "check_timestamps_match_first_dimension": "Convert again from the raw recording.",
    "check_regular_timestamps": (
        "Nothing to mend: these time stamps happen to be regular, and explicit ones are true for "
        "every frame."
    ),
    "check_time_series_duration": (
        "A series spans more than a year: look at its time stamps, and convert again with --stamps "
        "interpolate if one of them is wild."
    ),
    "check_large_dataset_compression": "Convert again without --compression none.",
    "check_small_dataset_compression": "Convert again without --compression none.",
    "check_description": "Give the description that the location names, where you made the object.",
    "check_single_row": "Nothing to mend: the table happens to have one row.",
    "check_file_extension": "Rename the file so that it ends in .nwb.",
    "DANDI.NON_DANDI_FILENAME": "Give the file the planned name.",
    "DANDI.NON_DANDI_FOLDERNAME": "Put the file into the folder sub-<subject>.",
    "DANDI.METADATA_MISMATCH_SUBJECT": "Let folder and file name the same subject.",
}
# The same check at a place that the session YAML fills.
FIXES_AT = {
    ("check_description", "/general/subject"): f"Give subject.description {_SESSION}.",
}
UNKNOWN = {
    "pynwb": (
        "The file breaks the NWB schema: convert again, or look at the object where it was made."
    ),
    "NWB Inspector": "See nwbinspector.readthedocs.io, Best Practices, for what it asks.",
    "dandi": "See docs.dandiarchive.org on validation, or ask their help desk with this message.",
}


def fix_of(check: str, source: str, location: str = "") -> str:
    """Return what to do about a finding of this check at this place, or where to read on."""
    at_place = FIXES_AT.get((check, location.rstrip("/")))
    return at_place or FIXES.get(check) or UNKNOWN.get(source, "")
