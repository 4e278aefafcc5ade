"""Which components were taken for cells, by which rules and by whom, in sentences."""

from __future__ import annotations

from miniscope_nwb.methods import words
from miniscope_nwb.methods.facts import Round, RunFacts
from miniscope_nwb.methods.references import CAIMAN, Cited

# What each threshold of the rules asks for; one of null is not applied.
_RULES = {
    "event_enter": "an event of at least {} noise standard deviations",
    "min_snr": "a signal-to-noise ratio by event exceptionality {paper} of at least {}",
    "min_r_value": "a spatial correlation (r-value) of at least {}",
    "min_event_correlation": "a correlation of at least {} between footprint and mean event image",
    "least_r_value": "an r-value of at least {} beside an event image",
    "min_lone_r_value": "an r-value of at least {} without one",
    "min_relative_area": "an area of at least {} times that of the run's own cells",
    "max_relative_area": "an area of at most {} times that of the run's own cells",
    "max_event_area": "an area lit by its events of at most {} times the same",
    "soft_edge": "an edge at most {} radii wider than that of the run's own cells, unless small "
    "and well shown by its events",
    "max_motion_correlation": "a correlation of at most {} between trace and motion",
    "max_inverted_share": "at most {} times as many events in the inverted trace",
}


def describe_decisions(run: RunFacts, cited: Cited) -> str:
    """Return the sentences on acceptance, curation and the number of cells."""
    return " ".join(filter(None, [_rules(run, cited), _rounds(run), _cells(run)]))


def _rules(run: RunFacts, cited: Cited) -> str:
    asked = [
        text.format(
            words.value(run.value("quality", name)),
            paper=cited(CAIMAN) if name == "min_snr" else "",  # whose measure it is
        )
        for name, text in _RULES.items()
        if run.value("quality", name) is not None
    ]
    if run.value("quality", "use_cnn") is True:
        least = words.value(run.value("quality", "min_cnn"))
        asked.append(f"a score of CaImAn's network of at least {least}")
    if not asked:
        return "By which rules components were accepted is not known from the file."
    if run.value("quality", "twin_overlap") is not None:
        asked.append("no better component on the same cell")
    return f"A component was accepted by rule with {words.listed(asked)}."


def _rounds(run: RunFacts) -> str:
    if not run.rounds:
        return "Whether the components were curated is not known from the file."
    manual = [item for item in run.rounds if item.is_manual]
    said = [_describe(item) for item in run.rounds] if len(run.rounds) > 1 else []
    by_hand = "" if manual else "Components were not curated by hand."
    if not said:
        return by_hand
    n = words.count(len(run.rounds), "round")
    return f"Decisions were made in {n}: {'; '.join(said)}. {by_hand}".strip()


def _describe(item: Round) -> str:
    who = f" by {item.made_by}" if item.made_by else " by a person who is not named"
    how = "by hand" if item.is_manual else "automatically"
    note = f", noted {item.note!r}" if item.is_manual and item.note else ""
    changed = f", {item.n_changed} changed" if item.number > 1 else ""
    current = ", current" if item.is_current else ""
    return (
        f"round {item.number} {how}{who} on {item.made_at[:10]}{note} "
        f"({item.n_accepted} accepted{changed}{current})"
    )


def _cells(run: RunFacts) -> str:
    n, n_accepted = int(run.number("n_components")), int(run.number("n_accepted"))
    if n == 0:
        why = str(run.values.get("emptied_by", ""))
        return f"No component was found{f' ({why})' if why else ''}."
    kinds = [f"{count} {kind}" for kind, count in run.mask_types.items()]
    inside = f" ({', '.join(kinds)})" if kinds else ""
    return (
        f"Of {words.count(n, 'component')}, {n_accepted} {words.were(n_accepted)} accepted{inside}."
    )
