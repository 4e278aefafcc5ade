"""Sizes are told in one convention: decimal units, three digits."""

from __future__ import annotations

import re

import pytest
from test_layers import MODULES, module_name

from miniscope_nwb.sizes import size

# What is to be typed as an option, and the archive's parts of 64 MiB.
MAY_WRITE = {"cli.amounts", "pipeline.resources", "share.verify"}


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (428_213, "428 kB"),
        (999_400, "999 kB"), (999_600, "1 MB"), (10**7, "10 MB"), (300 * 2**20, "315 MB"),
        (3 * 2**30, "3.22 GB"), (2.5e12, "2.5 TB"), (5e15, "5000 TB"), (1234.5, "1.23 kB"),
    ],
)  # fmt: skip
def test_sizes_for_people(n_bytes, text):
    assert size(n_bytes) == text


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_no_module_writes_sizes_in_its_own_way(path):
    code = path.read_text(encoding="utf-8")
    told = re.findall(r"\{[^{}]*\} ?(?:[kMGT]i?B)\b", code)
    if module_name(path) not in MAY_WRITE:
        assert told == [], f"write sizes by miniscope_nwb.sizes.size, not {told}"
