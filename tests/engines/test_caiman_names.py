"""Names of CaImAn's own parameters are checked before any work is done."""

from __future__ import annotations

import os

import pytest
from engines.stand_in import NAMES, make_stand_in

from miniscope_nwb.engines.caiman.engine import CaimanEngine
from miniscope_nwb.errors import EngineError

WRONG = [
    ({"gsig": [3, 3]}, "no parameter 'gsig'; the nearest is 'gSig'"),
    ({"init": {"ringsize_factor": 2}}, "'ringsize_factor' in init; the nearest is 'ring_size_fac"),
    ({"motion": {"max_shift": 3}}, "'max_shift' in motion; the nearest is 'max_shifts'"),
]


@pytest.fixture
def stand_in(tmp_path):
    if os.name != "posix":
        pytest.skip("the stand-in is a script with #!")
    return make_stand_in(tmp_path, NAMES)


@pytest.mark.parametrize(("extra", "told"), WRONG)
def test_an_unknown_name(stand_in, extra, told):
    with pytest.raises(EngineError, match=told) as error:
        CaimanEngine(stand_in).check_extra(extra)
    assert str(error.value).endswith("mend it in the section caiman of the parameters.")
    assert str(error.value).count("\n") == 0


def test_each_interpreter_is_asked_once(stand_in):
    asked = stand_in.parent / "asked"
    CaimanEngine(stand_in).check_extra({})
    assert not asked.exists()  # nothing was given: there is nothing to ask
    for extra in ({"gSig": [3, 3]}, {"init": {"nb": 1}, "max_shifts": [4, 4]}):
        CaimanEngine(stand_in).check_extra(extra)
    assert asked.read_text() == "once "


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("extra", "told"), WRONG)
def test_the_real_one_is_asked(caiman_python, extra, told):
    engine = CaimanEngine(caiman_python)
    engine.check_extra({"gSig": [3, 3], "init": {"ssub_B": 1}, "data": {"decay_time": 0.4}})
    with pytest.raises(EngineError, match=told):
        engine.check_extra(extra)
