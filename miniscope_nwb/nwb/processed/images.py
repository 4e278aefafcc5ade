"""The summary images of a run, over the whole field of view of the raw movie."""

from __future__ import annotations

import numpy as np
from hdmf.backends.hdf5 import H5DataIO
from pynwb.base import Images
from pynwb.image import GrayscaleImage

from miniscope_nwb.nwb.axes import image_to_nwb
from miniscope_nwb.nwb.processed.context import Context
from miniscope_nwb.results import SummaryImages

IMAGES = {
    "template": "What the frames are registered to.",
    "mean": "Mean of the corrected movie.",
    "max": "Maximum of the corrected movie.",
    "std": "Standard deviation of the corrected movie over time.",
    "variance": "Variance of the corrected movie over time.",
    "correlation": "Correlation of each pixel with its neighbours, high-passed movie.",
    "pnr": "Peak-to-noise ratio of each pixel, high-passed movie.",
}


def add_images(context: Context) -> None:
    """Add the images; NaN outside what was processed."""
    found: SummaryImages = context.run.images
    images = [
        GrayscaleImage(
            name=name,
            description=f"{text} Stored as (width, height); NaN where nothing was computed.",
            data=H5DataIO(
                image_to_nwb(context.frame.whole(np.asarray(getattr(found, name), np.float32))),
                compression="gzip",
                compression_opts=1,
                shuffle=True,
            ),
        )
        for name, text in IMAGES.items()
    ]
    context.module.add(
        Images(
            name=context.names.images,
            description=f"Images of the corrected movie {context.run.series}, whole field of view, "
            "in pixels of the raw movie.",
            images=images,
        )
    )
