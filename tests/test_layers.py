"""Data flows one way: every module imports only what stands before it in the pipeline."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "miniscope_nwb"

# A layer (longest matching prefix wins) and what of ours it may import besides itself.
RECORDS = {"errors", "recording", "session", "sizes", "text_file"}
# What the stages of the processing share: arrays and records, no file and no other stage.
STAGES = {"prepare", "correct", "images", "deconvolve", "extract", "traces", "metrics"}
PROCESSING = {"errors", "recording", "medians", "movie", "results", "params", "engines.base"}
ALLOWED = {
    "errors": set(),
    "sizes": set(),
    "text_file": set(),
    "recording": set(),
    "session": {"recording"},
    "video": {"errors", "recording"},
    "convert.readers": {"errors", "recording", "video"},
    "entry_points": set(),
    "plugins": {"entry_points", "errors", "recording", "convert.readers.base"},
    "medians": set(),
    "movie": {"recording"},
    "cell_size": {"movie", "recording", "results"},
    "results": {"recording"},
    "params": {"errors", "results"},
    "engines": {*PROCESSING, "entry_points", "correct", "images", "extract", "deconvolve.times"},
    "engines.choose": {*PROCESSING, "engines", "sizes"},
    "engines.base": {"movie", "params.models", "recording", "results"},
    **dict.fromkeys(("correct", "deconvolve"), PROCESSING),
    "prepare": {*PROCESSING, "cell_size", "deconvolve.times"},
    "images": {*PROCESSING, "cell_size"},
    "extract": {*PROCESSING, "images", "deconvolve"},
    "traces": {*PROCESSING, "deconvolve"},
    "metrics": {*PROCESSING, "deconvolve"},
    "testing": {*PROCESSING, "simulate"},
    "pipeline": {
        *PROCESSING,
        "sizes",
        "engines",
        "prepare",
        "correct",
        "images",
        "traces",
        "metrics",
        "nwb",
        "plugins",
    },
    "remote": {"errors"},
    "nwb": {*RECORDS, "video", "movie", "results", "params", "remote"},
    "convert": {*RECORDS, "plugins", "video"},
    "convert.interfaces": {*RECORDS, "plugins", "video", "convert", "nwb"},
    "check": {*RECORDS, "plugins", "engines", "video", "nwb", "convert.names"},
    "share": {*RECORDS, "check", "convert.names", "nwb"},
    "simulate": {*RECORDS, "video", "nwb"},
    "demo": {
        *RECORDS,
        "convert",
        "check",
        "simulate",
        "nwb",
        "pipeline",
        "params",
        "engines",
        "reading",
        "testing",
    },
    "methods": {*RECORDS, "params", "nwb"},
    "reading": {*RECORDS, "movie", "results", "correct", "prepare", "nwb", "remote"},
    "reading.remote": {"errors", "remote", "share.instances", "share.keys", "share.redact"},
    "cli": {
        *RECORDS,
        "plugins",
        "video",
        "convert",
        "nwb",
        "check",
        "share",
        "simulate",
        "demo",
        "pipeline",
        "params",
        "engines",
        "results",
        "reading",
        "methods",
    },
}
# Libraries that only one edge of the package knows.
EDGES = {
    "pynwb": ("nwb", "convert.interfaces", "check.validate"),
    "hdmf": ("nwb", "convert.interfaces"),
    "neuroconv": ("convert.interfaces",),
    "dandi": ("check", "share"),
    "nwbinspector": ("check",),
    "click": ("cli",),
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports(path: Path) -> set[str]:
    """Names of all imported modules and of what is taken from them, at any depth of the code."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def is_below(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def layer_of(name: str) -> str | None:
    return max((layer for layer in ALLOWED if is_below(name, layer)), key=len, default=None)


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_point_one_way(path):
    name = module_name(path)
    layer = layer_of(name)
    if layer is None:
        assert name in {"", "__main__"}, f"{name} belongs to no layer: add it to ALLOWED"
        return
    ours = {i.removeprefix("miniscope_nwb.") for i in imports(path) if is_below(i, "miniscope_nwb")}
    allowed = {*ALLOWED[layer], layer, "__version__", "miniscope_nwb.__version__"}
    wrong = {i for i in ours if not any(is_below(i, prefix) for prefix in allowed)}
    assert not wrong, f"{name} ({layer}) must not import {sorted(wrong)}"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_libraries_stay_at_their_edge(path):
    name = module_name(path)
    for library, edges in EDGES.items():
        if any(is_below(i, library) for i in imports(path)):
            assert any(is_below(name, edge) for edge in edges), f"{name} imports {library}"


def test_help_imports_nothing_heavy():
    """The command line answers at once because nothing slow is imported for it."""
    code = (
        "import sys\n"
        "from miniscope_nwb.cli.main import run\n"
        "assert run(['--help']) == 0\n"
        "heavy = {'pynwb', 'hdmf', 'neuroconv', 'nwbinspector', 'dandi', 'cv2', 'av', 'scipy'}\n"
        "heavy |= {'numba', 'pydantic'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "convert" in done.stdout
