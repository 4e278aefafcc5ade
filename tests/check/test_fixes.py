"""What to do about a finding depends on where it is, where the session YAML fills the place."""

from __future__ import annotations

import h5py
from small_nwb import write_small_nwb

from miniscope_nwb.check.validate import validate


def test_a_subject_without_description_is_told_the_key_that_gives_it(tmp_path):
    path = write_small_nwb(tmp_path / "sub-m06/sub-m06_ses-1_ophys.nwb")
    with h5py.File(path, "r+") as file:
        del file["general/subject/description"]
        file["acquisition/OnePhotonSeries"].attrs["description"] = ""
    fixes = {f.location: f.fix for f in validate(path).findings if f.check == "check_description"}
    assert "subject.description in session.yaml" in fixes["/general/subject"]
    assert "where you made the object" in fixes["/acquisition/OnePhotonSeries"]
