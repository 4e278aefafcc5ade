"""Frames left out, motion, extraction and traces of a run, in sentences."""

from __future__ import annotations

import math

from miniscope_nwb.methods import words
from miniscope_nwb.methods.facts import Parameter, RunFacts
from miniscope_nwb.methods.references import (
    CAIMAN,
    CNMF,
    CNMFE,
    COARSE_RING,
    NORMCORRE,
    OASIS,
    Cited,
)

# Of CaImAn's hundred and more parameters, those that decide what is found.
_OF_CAIMAN = (
    "fr", "decay_time", "pw_rigid", "gSig_filt", "max_shifts", "strides", "overlaps",
    "max_deviation_rigid", "gSig", "gSiz", "K", "min_corr", "min_pnr", "ssub", "tsub",
    "ring_size_factor", "ssub_B", "nb", "rf", "stride", "p", "s_min", "merge_thr", "min_SNR",
    "rval_thr", "use_cnn", "min_cnn_thr",
)  # fmt: skip

# What an engine does with means of consecutive frames; others do nothing that we know of.
_AVERAGED = {
    "builtin": "Cells were searched on means of {:g} frames each and traces made of every frame.",
    "caiman": "CaImAn averaged {:g} frames each for its initialization.",
}


def describe_processing(run: RunFacts, cited: Cited) -> str:
    """Return the sentences on how a run came to its components."""
    parts = [_who(run, cited), _preparation(run), _motion(run, cited), _extraction(run, cited)]
    return " ".join(filter(None, [*parts, _traces(run), _parameters(run)]))


def _who(run: RunFacts, cited: Cited) -> str:
    ours = run.versions.get("miniscope-nwb", "")
    program = f"miniscope-nwb {ours}" if ours else "miniscope-nwb of unknown version"
    if run.imported_from:
        engine = f"CaImAn {run.engine_version or 'of unknown version'}"
        return (
            f"Results of {engine} {cited(CAIMAN)} were imported with {program} from "
            f"{run.imported_from}."
        )
    if run.engine == "builtin":
        return f"The movie was processed with {program}."
    version = run.engine_version or "of unknown version"
    if run.engine == "caiman":
        return f"The movie was processed with {program} and CaImAn {version} {cited(CAIMAN)}."
    return (
        f"The movie was processed with {program} and its engine {run.engine} {version}, whose "
        "methods are not known from the file."
    )


def _preparation(run: RunFacts) -> str:
    sentences = []
    n_out, n_all = run.number("n_left_out"), run.number("n_frames")
    if math.isfinite(n_out) and math.isfinite(n_all):
        sentences.append(_left_out(run, int(n_out), int(n_all)))
    n_pixels = run.figures.get("n_defective_pixels", 0)
    if n_pixels:
        what = words.count(int(n_pixels), "defective pixel")
        sentences.append(f"{what} {words.were(int(n_pixels))} read from the neighbours.")
    x0, y0, x1, y1 = (run.number(f"crop_{edge}") for edge in ("x0", "y0", "x1", "y1"))
    if run.value("preprocess", "crop") is not None and math.isfinite(x0 + y0 + x1 + y1):
        sentences.append(
            f"Columns {x0:g} to {x1 - 1:g} and rows {y0:g} to {y1 - 1:g} were processed."
        )
    factor = run.number("spatial_factor")
    if factor > 1:
        sentences.append(f"Pixels were averaged in squares of {factor:g} x {factor:g}.")
    temporal = run.number("temporal_factor")
    if run.engine in _AVERAGED and not run.imported_from and temporal > 1:
        sentences.append(_AVERAGED[run.engine].format(temporal))
    if run.value("preprocess", "remove_glow") is True:
        sentences.append("The glow was taken off and the vignette divided out.")
    detrend = run.value("preprocess", "detrend")
    if detrend not in (None, "none"):
        sentences.append(f"Bleaching was taken off ({detrend}).")
    normalise = run.value("preprocess", "normalise")
    if normalise not in (None, "none"):
        name = {"dff": "dF/F", "sqrt": "the square root of the fluorescence"}.get(
            str(normalise), str(normalise)
        )
        sentences.append(f"The movie was transformed to {name}.")
    return " ".join(sentences)


def _left_out(run: RunFacts, n_out: int, n_all: int) -> str:
    if n_out == 0:
        return f"All {n_all} frames were used."
    kinds = {
        name: int(run.figures.get(f"n_{name}", 0))
        for name in ("black", "flash", "torn")
        if run.figures.get(f"n_{name}", 0)
    }
    said = [f"{n} {'flashed' if name == 'flash' else name}" for name, n in kinds.items()]
    rest = n_out - sum(kinds.values())
    if rest > 0 and kinds:
        said.append(f"{rest} that could not be aligned well")
    inside = f" ({words.listed(said)})" if said else ""
    return f"{n_out} of {n_all} frames {words.were(n_out)} left out{inside}."


def _motion(run: RunFacts, cited: Cited) -> str:
    still = run.number("shift_std_x") == 0 and run.number("shift_std_y") == 0
    if run.imported_from and still:
        return "The imported results hold no shifts; whether motion was corrected is not known."
    if run.value("motion", "method") == "none" and not run.imported_from:
        return "Motion was not corrected."
    if run.engine not in ("builtin", "caiman"):
        return f"Motion was corrected {_kind(run)} by the engine. {_left(run)}".strip()
    had = "had been" if run.imported_from else "was"
    whose = "an implementation of" if run.engine == "builtin" else "CaImAn's"
    return (
        f"Motion {had} corrected {_kind(run)} with {whose} NoRMCorre {cited(NORMCORRE)}. "
        f"{_left(run)}"
    ).strip()


def _kind(run: RunFacts) -> str:
    return f"piecewise in {run.n_blocks} blocks" if run.n_blocks else "rigidly"


def _left(run: RunFacts) -> str:
    """Say how far frames were moved and what motion is left."""
    parts = []
    x, y = run.number("shift_std_x"), run.number("shift_std_y")
    if math.isfinite(x) and math.isfinite(y):
        parts.append(
            f"the shifts had a standard deviation of {words.number(x)} px (x) and "
            f"{words.number(y)} px (y)"
        )
    residual = run.number("residual_motion_px")
    if math.isfinite(residual):
        parts.append(f"{words.number(residual)} px (RMS) of motion remained")
    text = words.listed(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _extraction(run: RunFacts, cited: Cited) -> str:
    masks = run.value("run", "masks")
    start = f" starting from the masks given in {masks}" if masks else ""
    if run.engine == "builtin":
        return f"{_builtin(run, cited, start)} {_own_deconvolution(run, cited)}"
    if run.engine != "caiman":
        return f"Components were extracted by the engine{start}."
    done = "had been extracted" if run.imported_from else "were extracted"
    method = run.of_caiman("method_init")
    if method == "corr_pnr":
        what = f"with CNMF-E {cited(CNMFE)}{start}"
    elif method is not None:
        what = f"with CNMF {cited(CNMF)} ({method}){start}"
    else:
        what = f"with CaImAn{start}; which of its methods is not known"
    return f"Components {done} {what}. {_deconvolution_of_caiman(run, cited)}"


def _builtin(run: RunFacts, cited: Cited, start: str) -> str:
    own = cited(CNMFE)
    text = f"Components were extracted with an implementation of CNMF-E {own}{start}"
    factor = run.value("extract", "background_factor")
    if isinstance(factor, int) and factor > 1:
        text += f", with the ring model of the background on a coarser grid {cited(COARSE_RING)}"
    return f"{text}."


def _own_deconvolution(run: RunFacts, cited: Cited) -> str:
    is_done = run.value("extract", "deconvolve")
    if is_done is not True:
        return (
            "Traces were not deconvolved."
            if is_done is False
            else "Whether traces were deconvolved is not known from the file."
        )
    order = run.value("extract", "ar_order")
    model = f" with an autoregressive model of order {order}" if order is not None else ""
    decay = run.find("extract", "decay_time_s")
    time = ""
    if decay is not None and isinstance(decay.value, int | float):
        time = f", the decay time starting from {words.number(decay.value)} s"
        time += f" ({decay.basis})" if decay.basis else ""
    own = cited(OASIS)
    return f"Traces were deconvolved by OASIS {own}{model}{time}."


def _deconvolution_of_caiman(run: RunFacts, cited: Cited) -> str:
    order, method = run.of_caiman("p"), run.of_caiman("method_deconvolution")
    had = "had been" if run.imported_from else "were"
    if order == 0:
        return f"Traces {'had not been' if run.imported_from else 'were not'} deconvolved."
    if method != "oasis":
        return (
            "How traces were deconvolved is not known."
            if method is None
            else f"Traces {had} deconvolved ({method})."
        )
    own = cited(OASIS)
    model = f" with an autoregressive model of order {order}" if order is not None else ""
    return f"Traces {had} deconvolved by OASIS {own}{model}."


def _traces(run: RunFacts) -> str:
    share, window = run.value("traces", "f0_percentile"), run.value("traces", "f0_window_s")
    if not run.has_dff or share is None or window is None:
        return ""
    return (
        f"For dF/F, F0 was the running {words.value(share)}th percentile over "
        f"{words.value(window)} s of the motion-corrected fluorescence, background included."
    )


def _is_used(run: RunFacts, row: Parameter) -> bool:
    """Whether a derived value had an effect: only these engines average frames."""
    return row.name != "temporal_factor" or (run.engine in _AVERAGED and not run.imported_from)


def _parameters(run: RunFacts) -> str:
    """List what somebody set, then what was derived: all that is not at its default."""
    given = [f"{p.stage}.{p.name} = {words.value(p.value)}" for p in run.given]
    derived = [
        f"{p.stage}.{p.name} = {words.value(p.value)}"
        for p in run.parameters
        if p.source == "derived" and not isinstance(p.value, dict) and _is_used(run, p)
    ]
    own = [
        f"{name} = {words.value(value)}"
        for name in _OF_CAIMAN
        if run.imported_from and (value := run.of_caiman(name)) is not None
    ]
    preset = run.value("run", "preset")
    name = f" (preset {preset})" if preset else ""
    sentences = []
    if run.parameters:
        sentences.append(
            f"Parameters that were set{name}: {', '.join(given)}."
            if given
            else f"No parameter was set to anything but its default{name}."
        )
        if derived:
            sentences.append(f"Derived from the recording: {', '.join(derived)}.")
        if own:
            sentences.append(f"CaImAn's parameters were: {', '.join(own)}.")
    else:
        sentences.append("The parameters are not known from the file.")
    return " ".join(sentences)
