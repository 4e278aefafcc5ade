"""Parameters of an engine's own reach the engine that takes them, and count for no other."""

from __future__ import annotations

import numpy as np
import pytest
from nwb.foreign_files import write_foreign

from miniscope_nwb.engines.builtin import BuiltinEngine
from miniscope_nwb.engines.choose import Choice
from miniscope_nwb.errors import EngineError
from miniscope_nwb.params.load import load_parameters
from miniscope_nwb.pipeline.job import open_job
from miniscope_nwb.pipeline.options import ProcessOptions, Watch
from miniscope_nwb.pipeline.process import run_job


class Reached(Exception):
    """Holds what the engine was given."""


class Plain(BuiltinEngine):
    """Does not take them."""

    def motion(self, job, resources):
        raise Reached(dict(job.extra))


class Tunable(Plain):
    """Takes `excess`."""

    name = "tunable"

    def check_extra(self, extra):
        for name in extra.keys() - {"excess"}:
            raise EngineError(f"there is no {name}")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    frames = np.random.default_rng(0).integers(90, 110, (120, 40, 56)).astype(np.uint8)
    return write_foreign(tmp_path_factory.mktemp("file") / "movie.nwb", frames, rate=20.0)


def job_of(path, engine, *given, **options):
    made = ProcessOptions(parameters=load_parameters(assignments=given), **options)
    return open_job(path, made, choose=lambda task: Choice(engine, "asked for", None))


def test_they_have_no_effect_on_an_engine_that_does_not_take_them(path):
    with_them = job_of(path, Plain(), "caiman.p=1", "caiman.gSig=[3,3]", "max_cells=9")
    without = job_of(path, Plain(), "max_cells=9")
    assert with_them.identity == without.identity
    assert with_them.keys == without.keys
    assert with_them.given.values == without.given.values
    assert with_them.given.sources == without.given.sources
    (warning,) = with_them.warnings
    assert "caiman.gSig, caiman.p have no effect: the engine is builtin." in warning
    assert without.warnings == ()


def test_an_engine_that_takes_them_gets_them(path, tmp_path):
    job = job_of(path, Tunable(), "caiman.excess=3", scratch=tmp_path)
    assert job.warnings == ()
    assert job.identity != job_of(path, Tunable()).identity
    with pytest.raises(Reached) as reached:
        run_job(job, Watch())
    assert reached.value.args == ({"excess": 3},)


def test_an_engine_that_takes_them_refuses_what_it_does_not_know(path):
    with pytest.raises(EngineError, match="no exces"):
        job_of(path, Tunable(), "caiman.exces=3")
