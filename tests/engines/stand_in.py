"""A stand-in for an interpreter with CaImAn: a script that answers as it is told to.

It is made executable and named as CaImAn's interpreter; so it is called with `probe.py` or with
`start.py FOLDER`, as a real one would be.
"""

from __future__ import annotations

import sys
from pathlib import Path

FOUND = '{"state": "found", "version": "1.12.1", "python": "3.12.0"}'
HEAD = """#!{python}
import json, os, signal, sys, time
from pathlib import Path

if sys.argv[1].endswith("probe.py"):
    print({answer!r})
    sys.exit(0)
folder = Path(sys.argv[2])
job = json.loads((folder / "job.json").read_text())


def tell(**message):
    print(json.dumps(message), flush=True)


"""

NAMES = """
assert job == {"task": "names"}
names = {"init": ["gSig", "nb", "ring_size_factor"], "motion": ["max_shifts"]}
with open(Path(sys.argv[0]).parent / "asked", "a") as count:
    count.write("once ")
tell(done={"names": names})
"""

MOTION = """
import numpy as np

frames = np.load(job["movie"])
shifts = np.tile([1.0, -2.0], (len(frames), 1))
np.savez(folder / "motion.npz", rigid=shifts, template=frames.mean(axis=0))
tell(beat=0.1)
tell(step=1, of=1, what="motion")
tell(say="Half way.")
parameters = {"motion": {"max_shifts": [9, 9]}, "data": {"fnames": [job["movie"]], "fr": 20.0}}
tell(done={"parameters": parameters, "versions": {"caiman": "1.12.1"}, "seconds": {}})
"""


def make_stand_in(folder: Path, body: str, *, answer: str = FOUND, name: str = "python") -> Path:
    """Write the stand-in and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(HEAD.format(python=sys.executable, answer=answer) + body)
    path.chmod(0o755)
    return path


EXTRACT = """
import numpy as np

n_pixels = job["height"] * job["width"]
n_frames = int(Path(job["movie"]).stem.rsplit("_", 1)[1])
for name in ("C", "S", "YrA"):
    np.save(folder / (name + ".npy"), np.ones((3, n_frames), np.float32))
np.savez(
    folder / "estimates.npz",
    A_data=np.ones(3), A_indices=np.array([5, 50, 500]), A_indptr=np.arange(4),
    A_shape=np.array([n_pixels, 3]), SNR_comp=np.array([9.0, 1.0, 9.0]),
    r_values=np.array([0.9, 0.1, 0.9]), cnn_preds=np.array([0.9, 0.2, 0.1]),
    accepted=np.array([True, False, False]),
)
quality = {"min_SNR": 3, "SNR_lowest": 0.5, "rval_thr": 0.85, "rval_lowest": -1,
           "min_cnn_thr": 0.95, "cnn_lowest": 0.15}
parameters = {"quality": quality, "init": {"min_corr": 0.8, "min_pnr": 10}, "data": {}}
tell(done={"parameters": parameters, "versions": {"caiman": "1.12.1"}, "seconds": {}})
"""
