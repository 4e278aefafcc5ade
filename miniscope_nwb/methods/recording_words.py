"""How a movie was taken, in sentences."""

from __future__ import annotations

import math

from miniscope_nwb.methods import words
from miniscope_nwb.methods.facts import RecordingFacts
from miniscope_nwb.methods.references import NWB, Cited

_EVIDENCE = {
    "counter": "the frame counter of the hardware",
    "interval": "gaps between time stamps",
    "file": "damaged or missing video files",
}


def describe_recording(facts: RecordingFacts, cited: Cited) -> str:
    """Return the sentences on one movie, and what the file does not say of it."""
    sentences = [
        _acquisition(facts),
        _optics(facts),
        _frames(facts),
        _losses(facts),
        _left_out(facts),
        _storage(facts, cited),
        _unknown(facts),
    ]
    return " ".join(filter(None, sentences))


def _acquisition(facts: RecordingFacts) -> str:
    scope = f"the {facts.model}" if facts.model else "a one-photon miniscope"
    maker = f" ({facts.manufacturer})" if facts.manufacturer else ""
    where = f" in {facts.location}" if facts.location else ""
    with_what = f" with {words.listed(facts.software)}" if facts.software else ""
    return (
        f"One-photon calcium imaging{where} of {_animal(facts)} was recorded through {scope}"
        f"{maker}{with_what}."
    )


def _animal(facts: RecordingFacts) -> str:
    said = facts.subject
    kind = " ".join(
        filter(None, [words.sex(said.get("sex", "")), said.get("strain"), said.get("species")])
    )
    article = f"one {kind}" if kind else "one animal"
    more = [
        f"aged {words.age(said['age'])}" if "age" in said else "",
        f"genotype {said['genotype']}" if "genotype" in said else "",
    ]
    inside = ", ".join(filter(None, more))
    return f"{article} ({inside})" if inside else article


def _optics(facts: RecordingFacts) -> str:
    lights = [
        f"{name} {words.number(value)} nm"
        for name, value in (("excitation", facts.excitation_nm), ("emission", facts.emission_nm))
        if math.isfinite(value)
    ]
    if not facts.indicator:
        return f"The light was filtered ({', '.join(lights)})." if lights else ""
    inside = f" ({', '.join(lights)})" if lights else ""
    return f"The indicator was {facts.indicator}{inside}."


def _frames(facts: RecordingFacts) -> str:
    size = ""
    if facts.width is not None and facts.height is not None:
        size = f" of {facts.width} x {facts.height} pixels"
        x, y = facts.pixel_um
        if math.isfinite(x) and math.isfinite(y):
            how = "nominally " if facts.is_pixel_nominal else ""
            basis = " by the documented optics, not measured" if facts.is_pixel_nominal else ""
            size += f" ({how}{words.number(x)} x {words.number(y)} µm each in the tissue{basis})"
    rate = ""
    if math.isfinite(facts.rate_hz):
        how = "measured from the time stamps" if facts.is_rate_measured else "as stated in the file"
        rate = f" at {words.number(facts.rate_hz)} frames/s ({how})"
    time = f" over {words.duration(facts.duration_s)}" if math.isfinite(facts.duration_s) else ""
    what = "Frames" if facts.n_frames is None else words.count(facts.n_frames, "frame")
    verb = words.were(2 if facts.n_frames is None else facts.n_frames)
    joined = f", in {facts.n_recordings} recordings joined" if facts.n_recordings > 1 else ""
    return f"{what}{size} {verb} stored{rate}{time}{joined}."


def _losses(facts: RecordingFacts) -> str:
    if facts.n_lost is None:
        return ""
    if facts.n_lost == 0:
        return f"No frame was lost{' between them' if facts.n_without_frame else ''}."
    how = [_EVIDENCE.get(name, name) for name in facts.loss_evidence]
    known = f", as told by {words.listed(how)}" if how else ""
    share = ""
    if facts.n_frames is not None:
        share = f" ({words.number(100 * facts.n_lost / (facts.n_frames + facts.n_lost))} %)"
    verb = words.were(facts.n_lost)
    return f"{words.count(facts.n_lost, 'frame')}{share} {verb} lost{known}."


def _left_out(facts: RecordingFacts) -> str:
    kinds = (
        (facts.n_without_frame, "time stamp", "without a frame in the videos"),
        (facts.n_without_stamp, "frame", "without a time stamp"),
    )
    told = [f"{words.count(n, what)} {why}" for n, what, why in kinds if n]
    n_all = facts.n_without_frame + facts.n_without_stamp
    return f"{words.listed(told)} {words.were(n_all)} left out." if told else ""


def _storage(facts: RecordingFacts, cited: Cited) -> str:
    codec = ""
    if facts.codec:
        codec = f"The videos were recorded with the {'lossy' if facts.is_lossy else 'lossless'} "
        codec += f"codec {facts.codec}. "
    if not facts.converter:
        return codec.strip()
    repaired = ""
    if facts.n_repaired:
        what = words.count(facts.n_repaired, "time stamp or frame").replace(
            "stamp or frames", "stamps or frames"
        )
        repaired = f"; {what} {words.were(facts.n_repaired)} repaired, as listed in the file"
    return (
        f"{codec}The recording was converted to Neurodata Without Borders {cited(NWB)} with "
        f"{facts.converter}{repaired}."
    )


def _unknown(facts: RecordingFacts) -> str:
    """Name what a paper needs and the file does not tell."""
    checks = {
        "species": "species" in facts.subject,
        "sex": bool(words.sex(facts.subject.get("sex", ""))),
        "age": "age" in facts.subject,
        "model of the miniscope": bool(facts.model),
        "indicator": bool(facts.indicator),
        "excitation wavelength": math.isfinite(facts.excitation_nm),
        "emission wavelength": math.isfinite(facts.emission_nm),
        "recorded region": bool(facts.location),
        "pixel size": all(map(math.isfinite, facts.pixel_um)),
        "frame rate": math.isfinite(facts.rate_hz),
        "number of lost frames": facts.n_lost is not None,
    }
    missing = [name for name, is_told in checks.items() if not is_told]
    if not missing:
        return ""
    verb = "is" if len(missing) == 1 else "are"
    return f"Not known from the file {verb} the {words.listed(missing)}."
