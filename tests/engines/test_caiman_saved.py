"""Results that CaImAn computed elsewhere: every layout into the same records, no CaImAn needed."""

from __future__ import annotations

import numpy as np
import pytest
from engines.saved_layout import HEIGHT, N_CELLS, N_FRAMES, WIDTH, estimates, write
from scipy.sparse import csc_matrix

from miniscope_nwb.engines.caiman.saved import DISCARDED, read_saved
from miniscope_nwb.errors import EngineError
from miniscope_nwb.results import LowRankBackground, RingBackground
from miniscope_nwb.testing.jobs import resources

SIZE = {"height": HEIGHT, "width": WIDTH, "n_frames": N_FRAMES}


@pytest.fixture
def read(tmp_path):
    """Return a function that writes estimates and reads them back."""

    def read(found, *, version="1.12.1", **size):
        path = write(tmp_path / "results.hdf5", found, version=version)
        return read_saved(path, **{**SIZE, **size}, resources=resources(tmp_path / "scratch"))

    return read


@pytest.mark.parametrize("version", ["1.8.5", "1.12.1"])
def test_same_records_from_every_layout(read, version):
    found = estimates()
    saved = read(found, version=version)
    cells = saved.extraction
    assert saved.version == version
    assert cells.versions == {"engine": f"caiman {version}"}
    assert cells.n_cells == N_CELLS
    peaks = found["A"].max(axis=0).toarray().ravel()
    mask = cells.footprints[:, [1]].toarray().reshape(HEIGHT, WIDTH)
    theirs = found["A"][:, [1]].toarray().reshape((HEIGHT, WIDTH), order="F")
    np.testing.assert_allclose(mask, theirs / peaks[1], rtol=1e-6)
    np.testing.assert_allclose(cells.denoised, found["C"] * peaks[:, None], rtol=1e-5)
    whole = (found["C"] + found["YrA"]) * peaks[:, None]
    np.testing.assert_allclose(cells.raw, whole, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(cells.baseline, found["bl"] * peaks, rtol=1e-5)
    np.testing.assert_allclose(cells.noise, found["neurons_sn"] * peaks, rtol=1e-5)
    assert cells.kernel.tolist() == [[pytest.approx(0.9)]] * N_CELLS
    assert isinstance(cells.background, RingBackground)
    assert (cells.background.factor, cells.background.radius_px) == (2, 13.5)
    assert cells.pixel_noise[3, 5] == pytest.approx(found["sn"][5 * HEIGHT + 3])
    assert saved.parameters["init"]["method_init"] == "corr_pnr"
    assert saved.motion is None
    assert saved.notes == ()


def test_decision_and_its_reason(read):
    cells = read(estimates()).extraction
    assert cells.engine_accepted.tolist() == [True, False, True, True]
    assert cells.engine_reasons[1] == "CaImAn: SNR 1.00 below 3, r 0.20 below 0.85"
    assert cells.engine_reasons[3] == "CaImAn: SNR inf reaches 3"
    assert "cnn" not in cells.scores


def test_not_evaluated(read):
    names = ("idx_components", "idx_components_bad", "SNR_comp", "r_values", "cnn_preds")
    cells = read({**estimates(), **dict.fromkeys(names)}).extraction
    assert cells.engine_accepted is None
    assert cells.engine_reasons == ()
    assert cells.scores == {}


def test_discarded_components_come_back_as_rejected(read):
    found = estimates()
    gone = {name: found[name][:2] for name in ("C", "S", "YrA", "bl", "neurons_sn", "g")}
    gone["A"] = found["A"][:, :2]
    kept = {**found, "idx_components": None, "idx_components_bad": None}
    cells = read({**kept, "discarded_components": gone}).extraction
    assert cells.n_cells == N_CELLS + 2
    assert cells.engine_accepted.tolist() == [True] * N_CELLS + [False] * 2
    assert cells.engine_reasons[-1] == DISCARDED
    np.testing.assert_allclose(cells.raw[-2:], cells.raw[:2])
    assert np.isnan(cells.scores["snr"][-2:]).all()


def test_incomplete_discarded_components_are_left_out(read):
    found = estimates()
    gone = {"C": found["C"][:2], "A": found["A"][:, :1]}
    saved = read({**found, "discarded_components": gone})
    assert saved.extraction.n_cells == N_CELLS
    assert "discarded components are incomplete" in saved.notes[0]


def test_low_rank_background(read):
    found = {**estimates(), "W": None, "b0": None}
    found["b"] = np.arange(2.0 * HEIGHT * WIDTH).reshape(-1, 2)
    found["f"] = np.ones((2, N_FRAMES))
    for images in (found["b"], csc_matrix(found["b"])):
        background = read({**found, "b": images}).extraction.background
        assert isinstance(background, LowRankBackground)
        assert background.images[1, 3, 5] == found["b"][5 * HEIGHT + 3, 1]


def test_what_is_missing_is_measured_and_told(read):
    names = ("bl", "neurons_sn", "YrA", "W", "b0", "sn", "S", "g")
    saved = read({**estimates(), **dict.fromkeys(names)})
    cells = saved.extraction
    assert np.isfinite(cells.noise).all()
    assert np.array_equal(cells.raw, cells.denoised)
    assert np.isnan(cells.deconvolved).all()
    assert len(saved.notes) == 3


def test_rigid_shifts(read):
    shifts = np.stack([np.arange(N_FRAMES), -np.arange(N_FRAMES)], axis=1) / 10
    motion = read({**estimates(), "shifts": shifts}).motion
    assert motion.shifts_px[20] == pytest.approx([-2, 2])  # rows, columns -> x, y
    assert motion.blocks is None
    assert np.isnan(motion.template).all()


def test_block_shifts(read):
    """Blocks lie every 6 pixels, 10 wide, the last one at the edge: 2 down, 3 across."""
    shifts = np.arange(2.0 * N_FRAMES * 6).reshape(2, N_FRAMES, 6)
    motion = read({**estimates(), "shifts": shifts}).motion
    assert motion.blocks.x_start.tolist() == [0, 6, 10, 0, 6, 10]
    assert motion.blocks.y_stop.tolist() == [10, 10, 10, 14, 14, 14]
    assert motion.block_shifts_px[7, 4].tolist() == [shifts[1, 7, 4], shifts[0, 7, 4]]
    saved = read({**estimates(), "shifts": shifts[:, :, :5]})
    assert saved.motion.blocks is None
    assert "cannot be placed" in saved.notes[0]
    saved = read({**estimates(), "shifts": shifts[:, :9]})
    assert saved.motion is None
    assert "do not belong to 60 frames" in saved.notes[0]


@pytest.mark.parametrize(
    "size", [{"height": WIDTH, "width": HEIGHT}, {"n_frames": 61}, {"width": WIDTH + 1}]
)
def test_other_size_is_refused_with_both(read, size):
    with pytest.raises(EngineError) as refused:
        read(estimates(), **size)
    asked = {**SIZE, **size}
    assert "holds results of 60 frames of 14 x 20 pixels" in str(refused.value)
    assert f"{asked['n_frames']} frames of {asked['height']} x {asked['width']}" in str(
        refused.value
    )


def test_files_that_are_something_else(tmp_path, read):
    text = tmp_path / "notes.hdf5"
    text.write_text("not HDF5")
    with pytest.raises(EngineError, match=r"notes\.hdf5: cannot be read as HDF5"):
        read_saved(text, **SIZE, resources=resources(tmp_path / "a"))
    with pytest.raises(EngineError, match=r"is a folder: name the \.hdf5 file in it"):
        read_saved(tmp_path, **SIZE, resources=resources(tmp_path / "c"))
    with pytest.raises(EngineError, match="there is no such file"):
        read_saved(tmp_path / "gone", **SIZE, resources=resources(tmp_path / "b"))
    with pytest.raises(EngineError, match="holds no footprints A, no traces C"):
        read({**estimates(), "A": None})
    import h5py

    with h5py.File(tmp_path / "movie.h5", "w") as file:
        file["mov"] = np.zeros((3, 4, 5))
    with pytest.raises(EngineError, match="holds mov, but not the group estimates"):
        read_saved(tmp_path / "movie.h5", **SIZE, resources=resources(tmp_path / "c"))


@pytest.mark.parametrize(
    ("name", "version", "size", "n_cells", "background"),
    [
        ("caiman_analysis.hdf5", "1.8.5", (128, 128, 1000), 72, LowRankBackground),
        ("sample_cellset_msr_1.hdf5", "1.11.3", (400, 640, 100), 5, type(None)),
    ],
)
def test_real_files(real_data, tmp_path, name, version, size, n_cells, background):
    path = real_data / "caiman_results" / name
    if not path.is_file():
        pytest.skip(f"no {path}")
    height, width, n_frames = size
    saved = read_saved(
        path, height=height, width=width, n_frames=n_frames, resources=resources(tmp_path)
    )
    cells = saved.extraction
    assert saved.version == version
    assert cells.n_cells == n_cells
    assert isinstance(cells.background, background)
    assert np.isfinite(cells.raw).all()
    assert np.isfinite(cells.noise).all()
    assert (cells.noise > 0).all()
    np.testing.assert_allclose(cells.footprints.max(axis=0).toarray(), 1)
    # A footprint is one blob: turned the wrong way, its pixels would lie apart.
    mask = cells.footprints[:, [0]].toarray().reshape(height, width)
    rows, columns = np.nonzero(mask)
    assert np.ptp(rows) < 40
    assert np.ptp(columns) < 40
