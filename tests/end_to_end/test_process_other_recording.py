"""A run goes into the recording that it was computed from, whatever happens meanwhile."""

from __future__ import annotations

import shutil

import pytest
from recordings import opened

from miniscope_nwb.errors import OutputError
from miniscope_nwb.nwb.lock import process_lock, sole
from miniscope_nwb.params.load import load_parameters
from miniscope_nwb.pipeline import process as module
from miniscope_nwb.pipeline.options import ProcessOptions
from miniscope_nwb.pipeline.process import process

QUICK = ProcessOptions(
    engine="builtin", parameters=load_parameters(assignments=["extract.max_cells=2"])
)


@pytest.fixture(scope="module")
def raw(recording):
    (folder,) = [item for item in recording.parent.iterdir() if item.is_dir()]
    return folder


def meanwhile(monkeypatch, do):
    """Let something happen after the last stage and before the file is written."""
    make_record = module.make_record

    def made(*args, **kwargs):
        do()
        return make_record(*args, **kwargs)

    monkeypatch.setattr(module, "make_record", made)


def darkened(path):
    """Put a file of the same name there, whose movie differs in one chunk."""
    import h5py

    other = path.with_name("other.nwb")
    shutil.copyfile(path, other)
    with h5py.File(other, "r+") as file:
        data = file["acquisition/OnePhotonSeries/data"]
        data[:10] = data[:10] // 2
    other.replace(path)


def test_another_recording_of_the_same_name_gets_no_run(path, monkeypatch):
    meanwhile(monkeypatch, lambda: darkened(path))
    with pytest.raises(OutputError, match="holds another recording now"):
        process(path, QUICK)
    with opened(path) as nwb:
        assert "ophys" not in nwb.processing
    assert not list(path.parent.glob("*.part.nwb"))


def test_a_shorter_recording_of_the_same_name_is_told_as_such(path, monkeypatch):
    import h5py

    def shortened():
        other = path.with_name("other.nwb")
        shutil.copyfile(path, other)
        with h5py.File(other, "r+") as file:
            series = file["acquisition/OnePhotonSeries"]
            for name in ("data", "timestamps"):
                kept, attributes = series[name][:120], dict(series[name].attrs)
                del series[name]
                series[name] = kept
                series[name].attrs.update(attributes)
        other.replace(path)

    meanwhile(monkeypatch, shortened)
    with pytest.raises(OutputError, match="holds another recording now"):
        process(path, QUICK)


def test_the_same_recording_that_was_written_to_meanwhile_gets_its_run(path, monkeypatch):
    def touched():
        other = path.with_name("other.nwb")
        shutil.copyfile(path, other)
        other.replace(path)

    meanwhile(monkeypatch, touched)
    process(path, QUICK)
    with opened(path) as nwb:
        assert list(nwb.processing["ophys"]["ProcessingRuns"]["run"][:]) == ["run1"]


def test_convert_leaves_a_file_alone_that_is_being_processed(shell, path, raw):
    before = path.read_bytes()
    with sole(process_lock(path)):
        refused = shell("convert", raw, "-o", path, "--overwrite", "--quiet")
    assert refused.code == 1
    assert "is being processed by another miniscope-nwb" in refused.err
    assert path.read_bytes() == before
    assert shell("convert", raw, "-o", path, "--overwrite", "--quiet").code == 0


def test_convert_says_that_runs_would_be_lost(shell, path, raw):
    process(path, QUICK)
    refused = shell("convert", raw, "-o", path, "--quiet")
    assert refused.code == 1
    assert "exists, with 1 run of processing in it" in refused.err
    assert "runs and curation included" in refused.err
