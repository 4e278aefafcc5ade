"""The cells of a run: footprints in the pixels of the raw movie, and what they are held to be."""

from __future__ import annotations

from typing import Any

import numpy as np
from hdmf.common import VectorData, VectorIndex
from pynwb.ophys import ImageSegmentation, PlaneSegmentation

from miniscope_nwb.nwb.axes import image_to_nwb
from miniscope_nwb.nwb.processed.context import Context
from miniscope_nwb.nwb.processed.geometry import enlarge
from miniscope_nwb.nwb.processed.later import Later, Packed, pack, reserve
from miniscope_nwb.nwb.processed.names import SEGMENTATIONS
from miniscope_nwb.recording import FloatArray, IntArray
from miniscope_nwb.results import Decisions, ExtractionResult

DECISION_COLUMNS = {
    "accepted": "Whether the component is held to be a cell, by the current round of curation.",
    "reason": "Why it is accepted or not, by the current round of curation.",
    "mask_type": "soma, axon, dendrite, neuropil, artefact or unknown, by the current round.",
    "mask_type_confidence": "Confidence of the mask type, 0 to 1; NaN: not stated.",
    "mask_type_method": "How the decision was made.",
}


def add_cells(context: Context) -> PlaneSegmentation:
    """Add the table of cells; the masks themselves come later, one at a time."""
    extraction, frame = context.run.extraction, context.frame
    n_cells = extraction.n_cells
    columns = _no_masks()
    if n_cells:
        masks, _ = reserve((n_cells, frame.width, frame.height), (1, frame.width, frame.height))
        context.later.append(Later(masks, list(range(n_cells)), _mask_maker(context)))
        columns = [_column("image_mask", *_MASK, data=masks), *_columns(context)]
    table = PlaneSegmentation(
        name=context.names.segmentation,
        description=f"Components that {context.run.engine} {context.run.engine_version} found in "
        f"{context.run.series} (run {context.run.name}); accepted says which are held to be cells.",
        imaging_plane=context.raw.imaging_plane,
        reference_images=[context.raw],  # of the masks' size, as a preview is not
        columns=columns,
        id=list(range(n_cells)),
    )
    if SEGMENTATIONS not in context.module.data_interfaces:
        context.module.add(ImageSegmentation(name=SEGMENTATIONS))
    context.module[SEGMENTATIONS].add_plane_segmentation(table)
    return table


_MASK = (
    "Footprint in the field of view of the raw movie, stored as (width, height); 1 at the peak, 0 "
    "outside.",
)


def _no_masks() -> list[VectorData]:
    """Columns of a table without rows.

    A mask column must be there, or pynwb cannot read the table; and it must hold something, or NWB
    Inspector fails: so there is a list of pixels, with one of weight 0 that no row refers to.
    """
    pixels = np.zeros(1, [("x", "u4"), ("y", "u4"), ("weight", "f4")])
    masks = _column("pixel_mask", "No component was found: no row, no mask.", data=pixels)
    index = VectorIndex(name="pixel_mask_index", data=np.zeros(0, np.uint8), target=masks)
    return [index, masks]


def _mask_maker(context: Context) -> Any:
    """Return the function that makes the chunk of one cell."""
    extraction, frame = context.run.extraction, context.frame
    footprints = extraction.footprints.tocsc()
    rows, columns = frame.area

    def make(cell: int) -> Packed:
        inner = np.zeros(extraction.height * extraction.width, np.float32)
        first, stop = footprints.indptr[cell : cell + 2]
        inner[footprints.indices[first:stop]] = footprints.data[first:stop]
        whole = np.zeros((frame.height, frame.width), np.float32)
        whole[rows, columns] = enlarge(
            inner.reshape(extraction.height, extraction.width), frame.factor
        )
        return [((cell, 0, 0), pack(image_to_nwb(whole)[None], (1, frame.width, frame.height)))]

    return make


def _columns(context: Context) -> list[VectorData]:
    quality, frame = context.run.quality, context.frame
    columns = [
        _column(name, DECISION_COLUMNS[name], data=values)
        for name, values in decision_values(quality.decisions).items()
    ]
    x, y, n_pixels = centroids(context.run.extraction)
    columns += [
        _column("npix", "Number of non-zero pixels of the mask.", data=n_pixels * frame.factor**2),
        _column("center_x", "Weighted centroid of the mask, column, px.", data=frame.x(x)),
        _column("center_y", "Weighted centroid of the mask, row, px.", data=frame.y(y)),
    ]
    for name in ("snr", "r_value"):
        metric = quality.metrics.get(name)
        if metric is not None and np.isfinite(metric.values).any():
            columns.append(
                _column(name, metric.description, data=np.asarray(metric.values, np.float64))
            )
    return columns


def decision_values(decisions: Decisions) -> dict[str, Any]:
    """Columns of the table of cells that repeat a round of curation.

    A confidence that nobody stated is left out.
    """
    values: dict[str, Any] = {
        "accepted": np.asarray(decisions.accepted, np.bool_),
        "reason": list(decisions.reason),
        "mask_type": list(decisions.mask_type),
        "mask_type_confidence": np.asarray(decisions.confidence, np.float64),
        "mask_type_method": [decisions.method] * len(decisions.accepted),
    }
    if not np.isfinite(values["mask_type_confidence"]).any():
        del values["mask_type_confidence"]
    return values


def centroids(extraction: ExtractionResult) -> tuple[FloatArray, FloatArray, IntArray]:
    """Weighted centroid (x, y) and number of non-zero pixels of each footprint, prepared px."""
    footprints = extraction.footprints.tocsc()
    n_cells = extraction.n_cells
    cell = np.repeat(np.arange(n_cells), np.diff(footprints.indptr))
    weight = footprints.data.astype(np.float64)
    row, column = np.divmod(footprints.indices, extraction.width)
    total = np.bincount(cell, weight, n_cells)
    with np.errstate(invalid="ignore"):
        x = np.bincount(cell, weight * column, n_cells) / total
        y = np.bincount(cell, weight * row, n_cells) / total
    return x, y, np.bincount(cell, weight != 0, n_cells).astype(np.int64)


def _column(name: str, description: str, *, data: Any) -> VectorData:
    return VectorData(name=name, description=description, data=data)
