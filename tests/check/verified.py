"""What the tests of `verify` share."""

from __future__ import annotations

from pathlib import Path

from miniscope_nwb.convert.folder import plan_folder
from miniscope_nwb.nwb.io import write_plan
from miniscope_nwb.session import ConvertOptions

SCOPE = "acquisition/OnePhotonSeries"
CAMERA = "acquisition/BehaviorVideoBehavCam_0"
MODULE = "processing/recording"


def convert(raw: Path, output: Path, **choices) -> Path:
    (file,) = plan_folder(raw, output=output, metadata_files=(), options=ConvertOptions(**choices))
    write_plan(file.plan, file.output)
    return output


def kinds(report):
    assert sum(report.counts.values()) == report.n_differences
    return report.counts
