"""`process` with options: stages that are reused, scratch, masks, crop."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from recordings import opened


def test_a_changed_extraction_reuses_the_finished_motion(shell, path):
    first = shell("process", path, "--engine", "builtin", "--keep-scratch", "--json")
    assert first.code == 0, first.err
    assert path.with_name(".recording.scratch").is_dir()
    second = shell("process", path, "--engine", "builtin", "-p", "max_cells=5", "--json")
    was_done = {stage["stage"]: stage["was_done"] for stage in second.answer["stages"]}
    assert was_done["prepare"]
    assert was_done["motion"]
    assert was_done["images"]
    assert not was_done["extract"]
    assert not was_done["quality"]
    assert not path.with_name(".recording.scratch").exists()
    assert second.answer["n_components"] <= 5


def test_the_deviation_of_outliers_reaches_its_stage(path, monkeypatch):
    from miniscope_nwb.params.load import load_parameters
    from miniscope_nwb.pipeline import stages
    from miniscope_nwb.pipeline.options import ProcessOptions
    from miniscope_nwb.pipeline.process import process

    class Reached(Exception):
        pass

    def stop(*_, outlier_deviation, **__):
        raise Reached(outlier_deviation)

    monkeypatch.setattr(stages, "motion_quality", stop)
    given = load_parameters(assignments=["motion.outlier_deviation=3.5"])
    with pytest.raises(Reached, match=r"3\.5"):
        process(path, ProcessOptions(engine="builtin", parameters=given))


def test_scratch_in_a_chosen_folder(shell, path, tmp_path):
    chosen = tmp_path / "fast"
    done = shell(
        "process", path, "--engine", "builtin", "--scratch", chosen, "--keep-scratch", "--json"
    )
    assert done.code == 0, done.err
    (folder,) = chosen.iterdir()
    assert len(list(folder.glob("extract-*"))) == 1
    assert not path.with_name(".recording.scratch").exists()


def test_masks_of_another_run_are_sought_again(shell, path, done, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    session = shutil.copy(path, other / "again.nwb")
    seeded = shell("process", session, "--engine", "builtin", "--masks", f"{done}:run1", "--json")
    assert seeded.code == 0, seeded.err
    with opened(done) as nwb:
        n_given = len(nwb.processing["ophys"]["ImageSegmentation"]["PlaneSegmentation"])
    assert 0 < seeded.answer["n_components"] <= n_given
    wrong = shell("process", session, "--masks", f"{done}:nothing")
    assert wrong.code == 1
    assert "nothing" in wrong.err


def test_crop(shell, path):
    answer = shell("process", path, "--engine", "builtin", "--crop", "100,90,10,6", "--json").answer
    assert answer["n_components"] > 0
    with opened(path) as nwb:
        cells = nwb.processing["ophys"]["ImageSegmentation"]["PlaneSegmentation"]
        mask = np.asarray(cells["image_mask"][0])
        assert mask.shape == (120, 96)
        assert min(cells["center_x"][:]) >= 10
        assert max(cells["center_y"][:]) <= 90
