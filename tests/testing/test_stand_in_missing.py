"""Without the packages of the tests the stand-in says what it needs."""

from __future__ import annotations

import sys

import pytest

from miniscope_nwb.errors import MiniscopeError
from miniscope_nwb.testing.archive import StandIn


@pytest.mark.parametrize(
    ("missing", "found"), [("moto", "moto.s3"), ("flask", "flask"), ("flask_cors", "flask_cors")]
)
def test_what_is_missing_is_one_sentence_with_what_to_install(missing, found, monkeypatch):
    for name in list(sys.modules):
        if name.partition(".")[0] == "moto":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MiniscopeError) as told:
        StandIn()
    assert str(told.value) == (
        f"The stand-in archive needs moto[server], of which {found} is not installed: "
        '`pip install "miniscope-nwb[test]"` brings it.'
    )
    assert told.value.__suppress_context__
