"""A row of ours on a small movie: also the guard that accuracy does not fall unnoticed."""

from benchmarks.builtin import run_builtin
from benchmarks.movies import simulated
from benchmarks.opponents.watch import Limits
from benchmarks.rows import DONE

LEAST_F1 = 0.9  # of accepted components


def test_a_row_of_ours_is_made_and_accuracy_holds(tmp_path):
    movie = simulated(tmp_path, level="hard", width=160, height=140, frames=600, seed=12)
    row = run_builtin(movie, {}, Limits(), work=tmp_path)
    assert row.outcome == DONE
    figures = row.figures
    assert figures["f1"] >= LEAST_F1
    assert figures["denoised_r"] >= 0.97
    assert figures["event_auc"] >= 0.9
    assert figures["shift_px"] <= 0.2
    assert row.cpu_s > 1
    assert row.peak_memory_bytes > 50e6
    assert set(row.seconds) >= {"motion", "extract", "quality"}
    assert [path.name for path in tmp_path.iterdir()] == [movie.folder.name]
