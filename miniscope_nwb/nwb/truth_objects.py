"""The NWB objects of a ground truth, their data still to come."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from hdmf.common import VectorData
from pynwb import H5DataIO, NWBFile, TimeSeries
from pynwb.base import Images
from pynwb.file import Subject
from pynwb.image import GrayscaleImage
from pynwb.ophys import (
    Fluorescence,
    ImageSegmentation,
    ImagingPlane,
    OpticalChannel,
    PlaneSegmentation,
    RoiResponseSeries,
)

from miniscope_nwb import __version__
from miniscope_nwb.nwb.axes import image_to_nwb
from miniscope_nwb.nwb.tables import Column, make_intervals, make_table
from miniscope_nwb.nwb.truth_records import TrueField, TrueSession
from miniscope_nwb.recording import LostSpan

TRACE_CHUNK = (4096, 16)  # frames, cells: a cell's trace and a window of all cells both open fast


def make_file(session: TrueSession) -> NWBFile:
    """Make the file with its module ``ophys`` and the table of parameters."""
    nwb = NWBFile(
        session_description="Ground truth of a simulated one-photon recording: planted cells, "
        "spikes and motion. No animal was recorded.",
        identifier=session.identifier,
        session_start_time=session.start,
        file_create_date=session.start,  # the content is the same whenever it is made
        session_id=session.session_id,
        keywords=["simulation", "ground truth", "miniscope"],
        was_generated_by=[["miniscope-nwb", __version__]],
        subject=Subject(
            subject_id=session.subject_id, species="Mus musculus", sex="U", age="P90D",
            description="Simulated; no animal was recorded.",
        ),
    )  # fmt: skip
    module = nwb.create_processing_module("ophys", "Ground truth of a simulated recording.")
    values = [json.dumps(value) for value in session.parameters.values()]
    module.add(
        make_table(
            "SimulationParameters",
            "The level and all parameters that the recording was simulated with.",
            [
                Column("parameter", "name of the parameter", list(session.parameters)),
                Column("value_json", "its value, as JSON", values),
            ],
        )
    )
    return nwb


def add_field(nwb: NWBFile, field: TrueField) -> tuple[H5DataIO | None, dict[str, H5DataIO]]:
    """Add the objects of one miniscope.

    Returns
    -------
    masks
        Where the footprints are to be written, None where there is no cell.
    targets
        Where the blocks of frames are to be written, by the name of the object.
    """
    module = nwb.processing["ophys"]
    plane = _imaging_plane(nwb, field)
    shifts = _shifts(field)
    module.add(shifts)
    targets = {"xy_translation": shifts.data}
    module.add(_summary(field))
    if field.n_blocks:
        blocks = _block_shifts(field, shifts)
        module.add(blocks)
        module.add(_blocks_table(field))
        targets["BlockShifts"] = blocks.data
    if not len(field.cells):
        return None, targets
    segmentation, masks = _segmentation(field, plane)
    if "ImageSegmentation" not in module.data_interfaces:
        module.add(ImageSegmentation(name="ImageSegmentation"))
    module["ImageSegmentation"].add_plane_segmentation(segmentation)
    container = Fluorescence(name="Fluorescence" + field.suffix)
    module.add(container)
    for series in _traces(field, segmentation, shifts):
        container.add_roi_response_series(series)
        targets[series.name] = series.data
    return masks, targets


def add_lost_frames(nwb: NWBFile, spans: Sequence[LostSpan]) -> None:
    """Add the table of the spans in which the hardware dropped frames, where there are any."""
    if not spans:
        return
    table = make_intervals(
        "LostFrames",
        "Spans in which the simulated hardware dropped frames: from the last frame before to the "
        "first frame after.",
        np.array([span.start_s for span in spans]),
        np.array([span.stop_s for span in spans]),
        [
            Column("device", "name of the device, as recorded", [span.device for span in spans]),
            Column("n_lost", "number of frames lost", np.array([span.n_lost for span in spans])),
            Column("evidence", "counter: known from the hardware's frame counter",
                   [span.evidence for span in spans]),
        ],
    )  # fmt: skip
    nwb.add_time_intervals(table)


def _imaging_plane(nwb: NWBFile, field: TrueField) -> ImagingPlane:
    device = nwb.create_device(
        name=field.device,
        description="Simulated head-mounted one-photon microscope.",
    )
    return nwb.create_imaging_plane(
        name="ImagingPlane" + field.suffix,
        description="Simulated field of view.",
        optical_channel=OpticalChannel(
            name="Green", description="Simulated green fluorescence.", emission_lambda=525.0
        ),
        device=device,
        excitation_lambda=470.0,
        indicator="GCaMP6f (simulated)",
        location="none (simulated)",
        imaging_rate=field.rate_hz,
        grid_spacing=[field.pixel_size_um] * 2,
        grid_spacing_unit="micrometers",
    )


def _later(shape: tuple[int, ...], chunks: tuple[int, ...]) -> H5DataIO:
    """Reserve a data set whose values come block by block."""
    sizes = tuple(min(a, b) for a, b in zip(shape, chunks, strict=True))
    return H5DataIO(
        shape=shape, dtype=np.dtype("f4"), chunks=sizes, compression="gzip", compression_opts=4,
        shuffle=True,
    )  # fmt: skip


def _shifts(field: TrueField) -> TimeSeries:
    return TimeSeries(
        name="xy_translation" + field.suffix,
        description="True correction of every recorded frame: the displacement, x then y, that "
        "brings the frame onto the motion-free field; minus the motion of the tissue. x grows to "
        "the right, y downward.",
        data=_later((len(field.time_s), 2), (TRACE_CHUNK[0], 2)),
        unit="pixels",
        timestamps=H5DataIO(field.time_s, compression="gzip", shuffle=True),
        comments="Timestamps are the true times of the recorded frames; the raw time stamps come "
        "later by the delay of the computer.",
    )


def _block_shifts(field: TrueField, shifts: TimeSeries) -> TimeSeries:
    return TimeSeries(
        name="BlockShifts" + field.suffix,
        description="True correction at the middle of each block of MotionBlocks, x then y, the "
        "rigid part included; between the middles it is interpolated bicubically.",
        data=_later((len(field.time_s), field.n_blocks, 2), (1024, field.n_blocks, 2)),
        unit="pixels",
        timestamps=shifts,
    )


def _blocks_table(field: TrueField) -> Any:
    places = [(*x, *y) for y in pairwise(field.y_edges) for x in pairwise(field.x_edges)]
    columns = np.array(places, np.int64).T
    return make_table(
        "MotionBlocks" + field.suffix,
        "The blocks of the field that BlockShifts refers to.",
        [
            Column(
                "block", "number of the block, its place in BlockShifts", np.arange(field.n_blocks)
            ),
            Column("x_start", "first column, px", columns[0]),
            Column("x_stop", "column after the last, px", columns[1]),
            Column("y_start", "first row, px", columns[2]),
            Column("y_stop", "row after the last, px", columns[3]),
        ],
    )


def _summary(field: TrueField) -> Images:
    return Images(
        name="SummaryImages" + field.suffix,
        description="Images of the whole field of view.",
        images=[
            GrayscaleImage(
                name="template",
                description="The field without motion, activity, bleaching and noise; stored as "
                "(width, height), in grey levels of the raw movie.",
                data=image_to_nwb(field.template),
            )
        ],
    )


def _segmentation(field: TrueField, plane: ImagingPlane) -> tuple[PlaneSegmentation, H5DataIO]:
    cells, (height, width) = field.cells, field.template.shape
    masks = _later((len(cells), width, height), (1, width, height))
    columns = {
        "image_mask": ("footprint in the motion-free field, (width, height); 1 at the peak", masks),
        "in_focus": ("whether the cell lies in the focal plane", cells.in_focus),
        "overlaps": ("whether the footprint shares pixels with another one, counting pixels above "
                     "a tenth of the peak", cells.overlaps),
        "center_x": ("weighted centroid, column, px", cells.center_x),
        "center_y": ("weighted centroid, row, px", cells.center_y),
        "npix": ("number of non-zero pixels of the footprint", cells.npix),
        "amplitude": ("peak of the transient of a single spike, grey levels, before the vignette",
                      cells.amplitude),
    }  # fmt: skip
    segmentation = PlaneSegmentation(
        name="PlaneSegmentation" + field.suffix,
        description="The planted cells.",
        imaging_plane=plane,
        columns=[
            VectorData(name=key, description=text, data=data)
            for key, (text, data) in columns.items()
        ],
        id=np.arange(len(cells)),
    )
    return segmentation, masks


def _traces(
    field: TrueField, segmentation: PlaneSegmentation, shifts: TimeSeries
) -> list[RoiResponseSeries]:
    texts = {
        "Fluorescence": (
            "Noiseless calcium fluorescence of each planted cell at the peak of its footprint, "
            "before vignette and bleaching, without background.",
            "grey levels",
        ),
        "Deconvolved": (
            "Planted spikes of each cell: how many since the recorded frame before.",
            "spikes",
        ),
    }
    everyone = list(range(len(field.cells)))
    return [
        RoiResponseSeries(
            name=key,
            description=text,
            data=_later((len(field.time_s), len(field.cells)), TRACE_CHUNK),
            unit=unit,
            rois=segmentation.create_roi_table_region(
                description="all planted cells", region=everyone
            ),
            timestamps=shifts,
        )
        for key, (text, unit) in texts.items()
    ]
