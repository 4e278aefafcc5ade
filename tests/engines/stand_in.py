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
