"""Frames keep their own stamps, whatever is cut, missing or too many: drawn at random."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_devices import assert_own_stamps, frames_with, make_device, regular

from miniscope_nwb.convert.reconcile import reconcile
from miniscope_nwb.errors import MismatchError


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_damage_ever_shifts_a_frame(data):
    """Cut, empty or remove any files: what remains keeps the stamp of its own frame."""
    per_file = data.draw(st.integers(2, 8))
    n_parts = data.draw(st.integers(1, 6))
    n_last = data.draw(st.integers(1, per_file))
    n_saved = (n_parts - 1) * per_file + n_last
    jitter_ms = data.draw(st.lists(st.integers(0, 9), min_size=n_saved, max_size=n_saved))
    time_s = (np.arange(n_saved) * 33 + np.array(jitter_ms)) / 1000.0
    indices, lengths, states, kept = [], [], [], []
    for index in range(n_parts):
        full = per_file if index < n_parts - 1 else n_last
        fate = data.draw(st.sampled_from(["whole", "unfinalised", "truncated", "empty", "gone"]))
        if fate == "gone" and index < n_parts - 1:
            continue
        fate = "whole" if fate == "gone" else fate
        n = {"truncated": data.draw(st.integers(0, full)), "empty": 0}.get(fate, full)
        indices.append(index)
        lengths.append(n)
        states.append(fate)
        kept.extend(range(index * per_file, index * per_file + n))
    device = make_device(lengths, time_s, indices=indices, states=states, per_file=per_file)
    if not kept:
        with pytest.raises(MismatchError):
            reconcile(device)
        return
    timeline = reconcile(device)
    np.testing.assert_array_equal(timeline.frame_index, kept)
    assert_own_stamps(timeline, device)
    part_index = np.array([part.index for part in device.parts])
    np.testing.assert_array_equal(
        part_index[timeline.part] * per_file + timeline.frame_in_part, timeline.frame_index
    )
    listed = frames_with(timeline, "missing_frame") + frames_with(timeline, "trimmed_stamp")
    assert sorted([*kept, *listed]) == list(range(n_saved))
    n_from_files = sum(span.n_lost for span in timeline.lost if span.evidence == "file")
    assert n_from_files == len(frames_with(timeline, "missing_frame"))


@settings(max_examples=100, deadline=None)
@given(
    gone=st.sets(st.integers(0, 39), max_size=20),
    n_extra=st.integers(0, 5),
    choice=st.sampled_from(["trim", "pad"]),
)
def test_lost_rows_never_shift_a_frame(gone, n_extra, choice):
    index = np.array(sorted(set(range(40)) - gone))
    device = make_device([15, 15, 10 + n_extra], regular(40)[index], frame_index=index, per_file=15)
    timeline = reconcile(device, on_mismatch=choice)
    own = timeline.row >= 0
    np.testing.assert_array_equal(timeline.frame_index[own], index)
    np.testing.assert_array_equal(timeline.time_s[own], regular(40)[index])
    if choice == "pad":
        np.testing.assert_allclose(np.diff(timeline.time_s).min(), 0.05, atol=1e-9)
        assert timeline.n_frames == 40 + n_extra
    assert timeline.lost == ()
