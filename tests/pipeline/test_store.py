"""Records on disk: what is saved is what is loaded, and nothing half-written counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csc_array

from miniscope_nwb.engines.base import map_array
from miniscope_nwb.pipeline import store
from miniscope_nwb.results import Derived, ExtractionResult, MotionBlocks


@dataclass(frozen=True, slots=True)
class Sample:
    image: Any
    big: Any
    matrix: Any
    names: tuple[str, ...]
    scores: dict[str, Any] = field(default_factory=dict)
    inner: Derived | None = None
    number: float = float("nan")


TYPES = {item.__name__: item for item in (Sample, Derived, ExtractionResult, MotionBlocks)}


@pytest.fixture
def work(tmp_path):
    path = tmp_path / "work"
    path.mkdir()
    return path


def sample(big, **options):
    return Sample(
        image=np.arange(6, dtype=np.float32).reshape(2, 3),
        big=big,
        matrix=csc_array(np.eye(4, 3, dtype=np.float32)),
        names=("a", "b"),
        **options,
    )


def test_what_is_saved_is_loaded(tmp_path, work):
    scores = {"snr / dB": np.arange(3.0), "image": np.zeros((0, 5), np.int64)}
    inner = Derived("extract", "min_pnr", [1, None, "x"], "null movie")
    before = sample(np.ones((300, 500), np.float32), scores=scores, inner=inner)
    store.save(before, tmp_path / "one", work=work)
    after = store.load(tmp_path / "one", types=TYPES)
    np.testing.assert_array_equal(after.image, before.image)
    np.testing.assert_array_equal(after.big, before.big)
    assert after.image.dtype == np.float32
    assert (after.matrix != before.matrix).nnz == 0
    assert after.matrix.format == "csc"
    assert after.names == ("a", "b")
    np.testing.assert_array_equal(after.scores["snr / dB"], np.arange(3.0))
    assert after.scores["image"].shape == (0, 5)
    assert after.inner == inner
    assert np.isnan(after.number)


def test_loaded_arrays_are_mapped_and_the_file_is_never_changed(tmp_path, work):
    store.save(sample(np.ones((300, 500), np.float32)), tmp_path / "one", work=work)
    loaded = store.load(tmp_path / "one", types=TYPES)
    assert isinstance(loaded.big.base, np.memmap)
    assert type(loaded.big) is np.ndarray
    loaded.big[:] = 7
    assert store.load(tmp_path / "one", types=TYPES).big.max() == 1


def test_mapped_scratch_is_moved_not_copied(tmp_path, work):
    mapped = map_array(work / "traces.npy", (40, 1000))
    mapped[:] = np.arange(1000)
    number = (work / "traces.npy").stat().st_ino
    store.save(sample(np.asarray(mapped)), tmp_path / "one", work=work)
    assert not (work / "traces.npy").exists()
    assert (tmp_path / "one" / "big.npy").stat().st_ino == number
    np.testing.assert_array_equal(store.load(tmp_path / "one", types=TYPES).big[3], np.arange(1000))


@pytest.mark.parametrize("view", ["rows", "transposed", "columns"])
def test_part_of_a_mapped_array_is_copied_as_it_is_seen(tmp_path, work, view):
    mapped = map_array(work / "traces.npy", (40, 1000))
    mapped[:] = np.arange(40_000).reshape(40, 1000)
    seen = {"rows": mapped[:20], "transposed": mapped.T, "columns": mapped[:, 10:900]}[view]
    expected = np.array(seen)
    store.save(sample(seen), tmp_path / "one", work=work)
    np.testing.assert_array_equal(store.load(tmp_path / "one", types=TYPES).big, expected)
    assert (work / "traces.npy").exists()


def test_one_mapped_array_in_two_fields_is_kept_in_both(tmp_path, work):
    mapped = map_array(work / "traces.npy", (40, 1000))
    mapped[:] = 3
    store.save(sample(mapped, scores={"again": mapped}), tmp_path / "one", work=work)
    loaded = store.load(tmp_path / "one", types=TYPES)
    assert loaded.big.min() == loaded.scores["again"].min() == 3


def test_large_copies_are_written_in_pieces(tmp_path, work, monkeypatch):
    monkeypatch.setattr(store, "_COPY_BYTES", 4096)
    values = np.arange(100_000, dtype=np.float32).reshape(100, 1000)
    store.save(sample(values), tmp_path / "one", work=work)
    np.testing.assert_array_equal(store.load(tmp_path / "one", types=TYPES).big, values)


def test_what_a_record_cannot_hold_is_refused_and_leaves_no_record(tmp_path, work):
    with pytest.raises(TypeError, match="names is a set"):
        store.save(Sample(0, 0, 0, {"a"}), tmp_path / "one", work=work)  # type: ignore[arg-type]
    assert not (tmp_path / "one").exists()


def test_leftovers_of_a_killed_save_do_not_stand_in_the_way(tmp_path, work):
    (work / "one.part").mkdir()
    (work / "one.part" / "big.npy").write_bytes(b"half")
    store.save(sample(np.zeros(3)), tmp_path / "one", work=work)
    assert len(store.load(tmp_path / "one", types=TYPES).big) == 3
    assert not (work / "one.part").exists()
