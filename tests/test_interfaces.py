"""Our recordings in a laboratory's own `NWBConverter`, beside other data."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from neuroconv import ConverterPipe, NWBConverter
from neuroconv.tools.testing.mock_interfaces import MockTimeSeriesInterface
from pynwb import NWBHDF5IO

from miniscope_nwb.convert.interfaces import (
    MiniscopeOnixInterface,
    MiniscopeV3Interface,
    MiniscopeV4GuiInterface,
    MiniscopeV4Interface,
)
from miniscope_nwb.errors import DetectionError, MetadataError, RecordingError

sys.path.insert(0, str(Path(__file__).parent / "builders"))
import v3 as build_v3
import v4 as build_v4

YAML = """\
subject: {subject_id: m7, species: Mus musculus, sex: F, age: P90D}
imaging: {indicator: GCaMP6f, location: CA1, excitation_wavelength_nm: 470, power_w: 0.001,
          emission_wavelength_nm: 525, pixel_size_um: 1.5, origin_coords_mm: [-2, 1.5, 1]}
"""


class LabConverter(NWBConverter):
    data_interface_classes = dict(Scope=MiniscopeV3Interface, Ephys=MockTimeSeriesInterface)  # noqa: C408, RUF012


def read(path):
    return NWBHDF5IO(path, "r")


@pytest.fixture
def v3_folder(tmp_path):
    return build_v3.make_v3(tmp_path / "6_9_2019" / "H9_M5_S44")


@pytest.fixture
def v4_truth(tmp_path):
    return build_v4.make_v4(tmp_path / "v4", cameras=("BehavCam 2",), n_frames=80)


@pytest.fixture
def yaml_file(tmp_path):
    path = tmp_path / "session.yaml"
    path.write_text(YAML, encoding="utf-8")
    return path


class TestBesideOtherData:
    def test_a_v3_recording_in_a_converter(self, tmp_path, v3_folder, yaml_file):
        converter = LabConverter(
            source_data={
                "Scope": {
                    "folder_path": str(v3_folder.folder),
                    "timezone": "UTC",
                    "metadata_file_paths": [str(yaml_file)],
                },
                "Ephys": {"duration": 0.01},
            }
        )
        metadata = converter.get_metadata()
        metadata["NWBFile"]["session_start_time"] = datetime(2019, 6, 9, 9, 5, 44, tzinfo=UTC)
        path = tmp_path / "out.nwb"
        converter.run_conversion(nwbfile_path=str(path), metadata=metadata)
        with read(path) as io:
            nwbfile = io.read()
            assert {"OnePhotonSeries", "TimeSeries", "BehaviorVideoBehavCam"} <= set(
                nwbfile.acquisition
            )
            movie = nwbfile.acquisition["OnePhotonSeries"]
            truth = v3_folder.frames["Miniscope"]
            assert movie.data.shape == (25, 64, 48)
            np.testing.assert_array_equal(movie.data[:], truth.transpose(0, 2, 1))
            np.testing.assert_array_equal(
                movie.timestamps[:], v3_folder.stamps_ms["Miniscope"] / 1000.0
            )
            assert nwbfile.subject.subject_id == "m7"
            assert nwbfile.session_start_time == datetime(2019, 6, 9, 9, 5, 44, tzinfo=UTC)
            assert movie.imaging_plane.location == "CA1"
            assert tuple(movie.imaging_plane.grid_spacing) == (1.5, 1.5)

    def test_schemas(self, v3_folder):
        source = MiniscopeV3Interface.get_source_schema()
        assert source["required"] == ["folder_path"]
        assert source["properties"]["on_mismatch"]["enum"] == ["stop", "trim", "pad"]
        interface = MiniscopeV3Interface(folder_path=v3_folder.folder, timezone="UTC")
        interface.validate_metadata(interface.get_metadata())
        options = interface.get_conversion_options_schema()
        assert options["properties"]["stub_samples"]["default"] == 100


class TestMetadata:
    def test_is_keyed_and_linked(self, v4_truth, yaml_file):
        interface = MiniscopeV4Interface(
            folder_path=v4_truth.folder, metadata_file_paths=[yaml_file]
        )
        metadata = interface.get_metadata()
        assert metadata["NWBFile"]["session_start_time"] == v4_truth.start
        assert metadata["Subject"]["subject_id"] == "m7"
        assert set(metadata["Devices"]) == {"Miniscope", "BehavCam_2"}
        assert metadata["Devices"]["BehavCam_2"]["name"] == "BehavCam 2"
        series = metadata["Ophys"]["MicroscopySeries"]["Miniscope"]
        plane = metadata["Ophys"]["ImagingPlanes"][series["imaging_plane_metadata_key"]]
        device = metadata["Devices"][plane["device_metadata_key"]]
        model = metadata["DeviceModels"][device["device_model_metadata_key"]]
        assert model["name"] == "UCLA Miniscope V4"
        assert plane["grid_spacing"] == (1.5, 1.5)
        assert plane["origin_coords"] == (-2.0, 1.5, 1.0)
        assert series["power"] == 1.0  # mW

    def test_keys_may_be_set_apart(self, v4_truth):
        interface = MiniscopeV4Interface(folder_path=v4_truth.folder, metadata_key="left")
        assert set(interface.get_metadata()["Ophys"]["ImagingPlanes"]) == {"left_Miniscope"}

    def test_changes_reach_the_file(self, tmp_path, v4_truth):
        interface = MiniscopeV4Interface(folder_path=v4_truth.folder)
        metadata = interface.get_metadata()
        metadata["Ophys"]["ImagingPlanes"]["Miniscope"]["location"] = "CA3"
        metadata["Ophys"]["MicroscopySeries"]["Miniscope"]["name"] = "Calcium"
        del metadata["Ophys"]["ImagingPlanes"]["Miniscope"]["optical_channel"]
        nwbfile = interface.create_nwbfile(metadata=metadata)
        plane = nwbfile.acquisition["Calcium"].imaging_plane
        assert plane.location == "CA3"
        assert plane.indicator == "unknown"
        assert np.isnan(plane.excitation_lambda)
        assert plane.optical_channel[0].name == "OpticalChannel"

    @pytest.mark.parametrize(
        ("section", "words"),
        [(("Ophys", "MicroscopySeries"), "has no entry 'Miniscope'"),
         (("Ophys", "ImagingPlanes"), "has no entry 'Miniscope'"),
         (("DeviceModels",), "has no entry 'Miniscope_model'")],
    )  # fmt: skip
    def test_what_is_missing_is_named(self, v4_truth, section, words):
        interface = MiniscopeV4Interface(folder_path=v4_truth.folder)
        metadata = interface.get_metadata().to_dict()
        group = metadata
        for name in section[:-1]:
            group = group[name]
        group[section[-1]] = {}
        with pytest.raises(MetadataError, match=words):
            interface.create_nwbfile(metadata=metadata)

    def test_an_entry_without_name(self, v4_truth):
        interface = MiniscopeV4Interface(folder_path=v4_truth.folder)
        metadata = interface.get_metadata().to_dict()
        metadata["Ophys"]["ImagingPlanes"]["Miniscope"]["name"] = ""
        with pytest.raises(MetadataError, match="has no name"):
            interface.create_nwbfile(metadata=metadata)


class TestWhatIsWritten:
    def test_everything_that_convert_writes(self, tmp_path, v4_truth):
        interface = MiniscopeV4Interface(folder_path=v4_truth.folder)
        path = tmp_path / "out.nwb"
        interface.run_conversion(nwbfile_path=str(path))
        with read(path) as io:
            nwbfile = io.read()
            movie = nwbfile.acquisition["OnePhotonSeries"]
            truth = v4_truth.frames["Miniscope"].transpose(0, 2, 1)
            np.testing.assert_array_equal(movie.data[:], truth)
            assert movie.data.compression == "gzip"
            assert movie.data.chunks == (10, 64, 48)
            assert "width, height" in movie.comments
            video = nwbfile.acquisition["BehaviorVideoBehavCam_2"]
            assert Path(video.external_file[0]).is_file()
            assert len(video.external_file) == 8
            assert "HeadOrientationMiniscope" in nwbfile.acquisition
            assert nwbfile.acquisition["Notes"].data[0] == "light on, left, twice"
            module = nwbfile.processing["recording"]
            assert {"SourceFiles", "DeviceSettings", "TimingReport", "FrameInfoMiniscope"} <= set(
                module.data_interfaces
            )
            digests = module["SourceFiles"]["sha256"][:]
            assert all(len(digest.strip()) == 64 for digest in digests)

    def test_a_stub(self, v4_truth):
        interface = MiniscopeV4Interface(folder_path=v4_truth.folder)
        nwbfile = interface.create_nwbfile(stub_test=True, stub_samples=12)
        assert nwbfile.acquisition["OnePhotonSeries"].data.maxshape == (12, 64, 48)
        assert len(nwbfile.acquisition["BehaviorVideoBehavCam_2"].timestamps) == 12
        digests = nwbfile.processing["recording"]["SourceFiles"]["sha256"].data
        assert not any(digest.strip() for digest in digests)

    @pytest.mark.parametrize("behavior_videos", ["embed", "none"])
    def test_videos(self, tmp_path, v4_truth, behavior_videos):
        interface = MiniscopeV4Interface(folder_path=v4_truth.folder)
        path = tmp_path / "out.nwb"
        interface.run_conversion(nwbfile_path=str(path), behavior_videos=behavior_videos)
        with read(path) as io:
            acquisition = io.read().acquisition
            is_there = "BehaviorVideoBehavCam_2" in acquisition
            assert is_there is (behavior_videos == "embed")
            if is_there:
                data = acquisition["BehaviorVideoBehavCam_2"].data
                assert data.shape[:3] == (80, 64, 48)
                assert data[:].std() > 0

    def test_a_second_recording_is_refused(self, v4_truth):
        interface = MiniscopeV4Interface(folder_path=v4_truth.folder)
        nwbfile = interface.create_nwbfile()
        with pytest.raises(RecordingError, match="only one miniscope recording"):
            interface.add_to_nwbfile(nwbfile)

    def test_blocks_may_be_asked_for_in_any_order(self, v4_truth):
        interface = MiniscopeV4Interface(folder_path=v4_truth.folder)
        data = interface.create_nwbfile().acquisition["OnePhotonSeries"].data
        truth = v4_truth.frames["Miniscope"].transpose(0, 2, 1)
        for start, stop, x in ((40, 55, 3), (5, 12, 0), (12, 20, 60), (12, 20, 0), (70, 80, 9)):
            block = data._get_data((slice(start, stop), slice(x, None), slice(1, 40)))
            np.testing.assert_array_equal(block, truth[start:stop, x:, 1:40])


class TestAlignment:
    def test_everything_follows_the_frames(self, v4_truth):
        interface = MiniscopeV4Interface(folder_path=v4_truth.folder)
        before = interface.get_timestamps()
        np.testing.assert_array_equal(before, v4_truth.stamps_ms["Miniscope"] / 1000.0)
        interface.set_aligned_starting_time(100.0)
        np.testing.assert_allclose(interface.get_timestamps(), before + 100)
        np.testing.assert_array_equal(interface.get_original_timestamps(), before)
        nwbfile = interface.create_nwbfile()
        camera = nwbfile.acquisition["BehaviorVideoBehavCam_2"].timestamps
        np.testing.assert_allclose(camera, v4_truth.stamps_ms["BehavCam 2"] / 1000.0 + 100)
        assert nwbfile.acquisition["Notes"].timestamps[0] == pytest.approx(101.5)

    def test_other_numbers_of_stamps_are_refused(self, v4_truth):
        interface = MiniscopeV4Interface(folder_path=v4_truth.folder)
        with pytest.raises(RecordingError, match="aligned"):
            interface.set_aligned_timestamps(np.arange(3.0))


class TestRefusals:
    @pytest.mark.parametrize(
        "interface", [MiniscopeV3Interface, MiniscopeOnixInterface, MiniscopeV4GuiInterface]
    )
    def test_a_folder_of_another_format(self, v4_truth, interface):
        with pytest.raises(DetectionError, match=f"is no recording for {interface.__name__}"):
            interface(folder_path=v4_truth.folder)

    def test_a_pipe_takes_them_too(self, v4_truth):
        pipe = ConverterPipe([MiniscopeV4Interface(folder_path=v4_truth.folder)])
        assert "MiniscopeV4Interface" in pipe.data_interface_objects
        assert pipe.get_metadata()["NWBFile"]["session_id"] == "20230326T140509"
