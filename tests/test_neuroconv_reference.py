"""NeuroConv's own Miniscope interface is the reference for clean recordings of the QT software.

It needs `pip install "neuroconv[miniscope]"`, which our package does not; the tests skip without.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from builders.v4 import make_v4

from miniscope_nwb.cli.main import run

pytest.importorskip("roiextractors", reason='needs pip install "neuroconv[miniscope]"')
pytest.importorskip("ndx_miniscope", reason='needs pip install "neuroconv[miniscope]"')


def check_equal(session, scope, path):
    from neuroconv.datainterfaces import MiniscopeImagingInterface
    from pynwb import NWBHDF5IO

    interface = MiniscopeImagingInterface(folder_path=session / scope)
    frames = np.squeeze(interface.imaging_extractor.get_series())
    (device,) = interface.create_nwbfile().devices.values()
    with NWBHDF5IO(path, "r") as io:
        nwb = io.read()
        series = nwb.acquisition["OnePhotonSeries"]
        np.testing.assert_array_equal(np.swapaxes(series.data[:], 1, 2), frames)
        np.testing.assert_allclose(series.timestamps[:], interface.get_timestamps(), atol=1e-9)
        settings = nwb.processing["recording"]["DeviceSettings"].to_dataframe()
    ours = {
        row.setting: json.loads(row.value_json)
        for row in settings.itertuples()
        if row.device == scope
    }
    for key in ("deviceType", "compression", "frameRate", "framesPerFile", "gain", "led0"):
        assert str(getattr(device, key)) == str(ours[key]), key


def test_simulated_recording(tmp_path):
    session = make_v4(tmp_path / "raw" / "14_05_09")
    path = tmp_path / "out.nwb"
    assert run(["convert", str(session.folder), "-o", str(path), "--quiet"]) == 0
    check_equal(session.folder, "Miniscope", path)


@pytest.mark.parametrize("name", ["15_03_28", "15_06_28"])
def test_real_recording(tmp_path, real_data, name):
    session = real_data / "qt" / "C6-J588_Disc5" / name
    path = tmp_path / "out.nwb"
    assert run(["convert", str(session), "-o", str(path), "--quiet"]) == 0
    check_equal(session, "Miniscope", path)
