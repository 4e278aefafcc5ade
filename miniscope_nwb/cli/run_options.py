"""The options that `process` and `plan` share, and what they become."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from miniscope_nwb.cli.amounts import Amount

if TYPE_CHECKING:
    from miniscope_nwb.pipeline.options import ProcessOptions

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS: dict[str, Callable[[Any], Any]] = {
    "params_files": click.option(
        "--params",
        "params_files",
        multiple=True,
        metavar="FILE.yaml",
        type=click.Path(path_type=Path),
        help="Parameters, a section a stage; several are merged in order, the later wins.",
    ),
    "assignments": click.option(
        "-p",
        "assignments",
        multiple=True,
        metavar="STAGE.KEY=VALUE",
        help="One parameter, over all files; the bare KEY where only one stage has it. See "
        "docs/parameters.md.",
    ),
    "preset": click.option(
        "--preset", help="Parameters of an indicator: GCaMP6f, GCaMP6s, GCaMP8m, ..."
    ),
    "engine": click.option(
        "--engine",
        default="auto",
        show_default=True,
        metavar="NAME",
        help="builtin, caiman or a plug-in; auto: CaImAn where it is installed and fits.",
    ),
    "run": click.option(
        "--run", metavar="NAME", help="Name of the run; run1, run2, ... by default."
    ),
    "force": click.option(
        "--force", is_flag=True, help="Compute again and replace the run of this name."
    ),
    "series": click.option(
        "--series", metavar="NAME", help="Which movie, where the file holds several."
    ),
    "masks": click.option(
        "--masks",
        metavar="FILE[:RUN]",
        help="Footprints of another run or session to be found again in this movie; without RUN "
        "those of the first run.",
    ),
    "crop": click.option("--crop", metavar="X0,Y0,X1,Y1", help="Part of the field, raw pixels."),
    "corrected": click.option(
        "--corrected",
        type=click.Choice(["preview", "full", "none"]),
        default="preview",
        show_default=True,
        help="What is stored of the motion-corrected movie; alone it makes no other run.",
    ),
    "max_memory_bytes": click.option(
        "--max-memory",
        "max_memory_bytes",
        type=Amount(),
        metavar="SIZE",
        help="4GB or 500MB, with a unit; by default what is free.",
    ),
    "n_threads": click.option(
        "--threads", "n_threads", type=click.IntRange(min=1), help="By default every processor."
    ),
    "seed": click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True),
    "scratch": click.option(
        "--scratch",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Where finished stages are kept until the end; by default a hidden folder beside "
        "FILE.nwb.",
    ),
    "drop_curation": click.option(
        "--drop-curation",
        is_flag=True,
        help="With --force: replace a run even where rounds of curation made by hand go with it.",
    ),
    "keep_scratch": click.option(
        "--keep-scratch", is_flag=True, help="Keep finished stages for the next run."
    ),
    "caiman_python": click.option(
        "--caiman-python",
        type=click.Path(path_type=Path),
        metavar="PYTHON",
        help="Interpreter of an environment with CaImAn; else MINISCOPE_NWB_CAIMAN_PYTHON.",
    ),
}


def run_options(*, without: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """Give a command every option of a run but those left out, named as its argument is."""

    def decorate(command: Command) -> Command:
        for name, option in reversed(_OPTIONS.items()):
            if name not in without:
                command = option(command)
        return command

    return decorate


def make_options(
    *,
    params_files: tuple[Path, ...],
    assignments: tuple[str, ...],
    preset: str | None,
    crop: str | None,
    **choices: Any,
) -> ProcessOptions:
    """Put the options of the command line together.

    Raises
    ------
    ParameterError
        A parameter, preset or value is not known.
    """
    from miniscope_nwb.params.load import load_parameters
    from miniscope_nwb.pipeline.options import ProcessOptions

    given = load_parameters(files=params_files, assignments=assignments, preset=preset)
    if crop is not None:
        given = given.with_value("preprocess", "crop", crop, where="--crop")
    return ProcessOptions(parameters=given, **choices)
