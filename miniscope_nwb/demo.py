"""From nothing to a processed NWB file: the whole pipeline on a simulated recording."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from miniscope_nwb.convert.folder import plan_folder, read_recordings
from miniscope_nwb.convert.template import write_template
from miniscope_nwb.errors import OutputError
from miniscope_nwb.recording import ReadOptions
from miniscope_nwb.session import ConvertOptions

if TYPE_CHECKING:
    from miniscope_nwb.simulate.options import SimulateOptions
    from miniscope_nwb.testing.score import Score

# What only a person knows of a recording; here the person is the simulator.
COMPLETED = """\
# What `init` marked as REQUIRED, filled in; merged over session.yaml, key by key.
subject:
  species: Mus musculus
  sex: F
  age: P90D
imaging:
  indicator: GCaMP6f
  excitation_wavelength_nm: 470
  emission_wavelength_nm: 525
  location: CA1
  pixel_size_um: 1.64
session:
  session_description: A simulated session of miniscope-nwb demo.
  experimenter: Doe, Jane
  institution: Nowhere University
  keywords: [simulation, miniscope]
"""


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo made, and whether all of it was found right."""

    raw: Path
    nwb: Path
    is_verified: bool
    is_valid: bool
    n_planted: int  # cells that can be found: in focus, active, inside the field
    n_found: int  # of them, found and accepted
    n_false: int  # accepted components that are no such cell


def run_demo(folder: Path, *, seed: int, say: Callable[[str], None]) -> Demo:
    """Simulate, convert, verify, process and validate one recording.

    Parameters
    ----------
    folder
        A folder that does not exist yet, or is empty.
    seed
        Of the simulation; the same seed gives the same recording.
    say
        Told what is being done, a line a step.

    Raises
    ------
    OutputError
        If the folder holds something already.
    """
    from miniscope_nwb.check.validate import validate
    from miniscope_nwb.check.verify import verify
    from miniscope_nwb.nwb.io import write_plan
    from miniscope_nwb.pipeline.options import ProcessOptions
    from miniscope_nwb.pipeline.process import process
    from miniscope_nwb.simulate.folder import simulate
    from miniscope_nwb.simulate.options import SimulateOptions

    if folder.exists() and any(folder.iterdir()):
        raise OutputError(f"{folder} is not empty: name a new folder for the demo.")
    raw = folder / "raw"
    say(f"1. simulate    a Miniscope V4 recording with known cells -> {raw}")
    options = SimulateOptions(seed=seed)
    simulated = simulate(raw, format="v4", options=options)
    say("2. init        a metadata template, and what only a person knows")
    files = _write_metadata(raw, folder)
    say("3. convert     into one NWB file")
    (planned,) = plan_folder(raw, output=folder, metadata_files=files, options=ConvertOptions())
    result = write_plan(planned.plan, planned.output)
    say(f"4. verify      every frame and time stamp, with another decoder: {result.path}")
    verified = verify(result.path, raw)
    say("5. process     motion, cells, traces and quality, into the same file")
    process(result.path, ProcessOptions(engine="builtin", seed=seed))
    say("6. validate    pynwb, NWB Inspector, DANDI")
    validated = validate(result.path)
    found = _compare(result.path, simulated.truth, options)
    return Demo(
        raw=raw,
        nwb=result.path,
        is_verified=verified.is_identical,
        is_valid=validated.is_valid,
        n_planted=found.n_true,
        n_found=found.n_right,
        n_false=found.n_found - found.n_right,
    )


def _write_metadata(raw: Path, folder: Path) -> list[Path]:
    session, completed = folder / "session.yaml", folder / "completed.yaml"
    template = write_template(read_recordings(raw, ReadOptions()))
    session.write_text(template, encoding="utf-8", newline="\n")
    completed.write_text(COMPLETED, encoding="utf-8", newline="\n")
    return [session, completed]


def _compare(path: Path, truth_path: Path, options: SimulateOptions) -> Score:
    """Compare the accepted components with the planted cells.

    The place of a template is arbitrary: the constant between found and true shifts says where the
    found field lies in the true one.
    """
    import h5py
    import numpy as np

    from miniscope_nwb import reading
    from miniscope_nwb.testing.score import score, simulated_truth

    with h5py.File(truth_path, "r") as file:
        true_shifts = file["processing/ophys/xy_translation/data"][()]
    with reading.open(path) as session:
        run = session.run()
        offset = np.median(run.shifts_px - true_shifts, axis=0)
        return score(
            run.footprints,
            simulated_truth(options),
            accepted=run.cells.accepted.to_numpy(bool),
            offset_px=(float(offset[0]), float(offset[1])),
        )
