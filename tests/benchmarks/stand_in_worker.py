"""An opponent that finds what it is told, slowly, greedily or not at all."""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, os.environ["STAND_IN_SAVED"])
from saved import save_result


def main():
    job = json.loads(Path(sys.argv[1]).read_text())
    how = job["parameters"]
    if how.get("fail"):
        raise ValueError(f"no good: {job['scratch']}/x, {how['fail']}")
    if how.get("quiet"):
        return
    block = np.ones(how.get("megabytes", 1) * 125_000)
    (Path(job["scratch"]) / "left").write_bytes(bytes(200_000))
    until = time.process_time() + how.get("cpu_s", 0)
    while time.process_time() < until:
        pass
    time.sleep(how.get("sleep_s", 0))
    del block
    n_frames, height, width = job["shape"]
    frames = np.memmap(job["path"], np.uint8, "r", job["offset"], (n_frames, height, width))
    with np.load(how["truth"]) as truth:
        parts = {name: truth[name] for name in ("data", "indices", "indptr")}
        n_cells = len(truth["in_focus"]) if not how.get("nothing") else 0
        shifts, traces = truth["shifts"], truth["fluorescence"][:n_cells]
        spikes = truth["spikes"][:n_cells]

    class Masks:
        shape = (height * width, n_cells)
        data = parts["data"] * (np.nan if how.get("nan") else 1) if n_cells else np.zeros(0)
        indices = parts["indices"] if n_cells else np.zeros(0, int)
        indptr = parts["indptr"][: n_cells + 1]

    save_result(
        job["result"], Masks, np.ones(n_cells, bool),
        {"raw": traces, "denoised": traces, "deconvolved": spikes}, shifts,
        seconds={"mean": float(frames.mean())}, version="1",
    )  # fmt: skip


if __name__ == "__main__":
    main()
