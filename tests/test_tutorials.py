"""Every tutorial runs from its first cell to its last."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

TUTORIALS = sorted((Path(__file__).resolve().parents[1] / "tutorials").glob("*.ipynb"))


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_runs(path, tmp_path, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    # The notebook's shell lines find the command of this environment, activated or not.
    bin_folder = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", bin_folder + os.pathsep + os.environ["PATH"])
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    text = "".join(out.get("text", "") for out in outputs)
    assert "Error:" not in text
    assert "Traceback" not in text
    assert len(text) > 1000


def test_tutorials_are_stored_clean():
    """No outputs and no absolute paths in the repository."""
    import nbformat

    assert TUTORIALS
    for path in TUTORIALS:
        for cell in nbformat.read(path, as_version=4).cells:
            assert not cell.get("outputs"), f"{path.name}: clear the outputs before you commit"
