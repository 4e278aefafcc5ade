"""Rounds of curation: what the components of a run are held to be, by rule or by a person.

Rounds stand side by side and none is changed afterwards; the last one is current, and the table of
cells repeats it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.nwb.processed import records
from miniscope_nwb.nwb.processed.cells import DECISION_COLUMNS
from miniscope_nwb.nwb.processed.decisions_csv import (
    ROUND_COLUMNS,
    DecisionRow,
    write_decision_file,
)
from miniscope_nwb.nwb.processed.names import DECISIONS, GROUP, ROUNDS, RUNS
from miniscope_nwb.nwb.processed.new_version import new_version
from miniscope_nwb.nwb.processed.read import (
    cells_table,
    find_run,
    read_all_decisions,
    read_decisions,
    read_rounds,
)
from miniscope_nwb.nwb.processed.rows import append_rows, set_cell, set_columns
from miniscope_nwb.nwb.processed.runs import RunRow
from miniscope_nwb.nwb.read import Columns, open_nwb
from miniscope_nwb.nwb.tables import is_all_nan
from miniscope_nwb.results import Decisions

MANUAL = "manual"
_BY_HAND = "decided by hand"


@dataclass(frozen=True, slots=True)
class NewRound:
    """What a round of curation changed."""

    run: str
    round: int
    n_components: int
    n_accepted: int
    n_named: int  # components that the decisions named
    n_changed: int  # of them, those that are now held to be something else
    is_new: bool = True  # False: the decisions say what the current round says, and add none


def curate(
    path: Path,
    rows: Sequence[DecisionRow],
    *,
    source: str = "the decisions",
    run: str | None = None,
    note: str = "",
    by: str = "",
) -> NewRound:
    """Add a round of curation to a file; it becomes the current one.

    Components that are not named keep what they are held to be, and so does what a row does not
    say; a row that changes nothing leaves the component's method and reason as they were. The
    reason of a rule, which stands in every row of an exported round, is no reason of a person's.
    Where no row changes anything no round is added, and the file stays as it is.

    Parameters
    ----------
    path
        A processed NWB file.
    rows
        Decisions, one a component.
    source
        Where the rows come from, for messages.
    run
        Name of the run; None: the one that the rows name, else the last one.
    note, by
        Remark, and who decided.

    Raises
    ------
    NwbContentError
        If there is no such run, the rows are of another one, or a row names a component that it
        does not have.
    OutputError
        If the file cannot be replaced; it is unchanged then.
    """
    with open_nwb(path) as file:
        row = find_run(file, _run_of(rows, run, source))
        old = _current(file, row)
        of_rules = _reasons_of_rules(file, row)
        _check_rows(rows, len(old["roi"]), row, source)
    decisions, methods, changed, says_anything = _merge(old, rows, of_rules)
    n_accepted = int(decisions.accepted.sum())
    if not says_anything:
        current = int(row.values["curation_round"])
        return NewRound(row.run, current, len(methods), n_accepted, len(rows), 0, is_new=False)
    with new_version(path) as version:
        with version.edit() as (file, _):
            row = find_run(file, row.run)
            number = max(int(value) for value in read_rounds(file, row)["round"]) + 1
            _store(file, row, number, decisions, methods, note=note, by=by)
        from miniscope_nwb.nwb.processed.recheck import check_kept, recheck_round

        check_kept(version)
        recheck_round(version, row.run, number, decisions.accepted)
        version.is_checked = True
    return NewRound(row.run, number, len(methods), n_accepted, len(rows), changed)


def export_round(path: Path, target: Path, *, run: str | None, number: int | None) -> NewRound:
    """Write a round of curation as text, by default the current one of the last run.

    Returns
    -------
    NewRound
        Which round it was.
    """
    with open_nwb(path) as file:
        row = find_run(file, run)
        decisions = read_decisions(file, row, number)
    if not decisions:
        decisions = {name: [] for name in ROUND_COLUMNS}
    write_decision_file(target, decisions, run=row.run)
    n_cells = len(decisions["roi"])
    chosen = int(row.values["curation_round"]) if number is None else number
    return NewRound(row.run, chosen, n_cells, int(np.sum(decisions["accepted"])), n_cells, 0)


def _run_of(rows: Sequence[DecisionRow], run: str | None, source: str) -> str | None:
    """Return the run that the decisions are for: components of other runs have the same numbers."""
    named = next((row.run for row in rows if row.run), None)
    if run is not None and named not in (None, run):
        raise NwbContentError(
            f"{source} holds decisions on the components of run {named}, not of run {run}: give "
            f"--run {named}, or, if they do hold for {run}, take the column run out of it."
        )
    return run if named is None else named


def _current(file: h5py.File, row: RunRow) -> Columns:
    decisions = read_decisions(file, row)
    if not decisions or not len(decisions["roi"]):
        raise NwbContentError(
            f"run {row.run} in {Path(file.filename).name} found no component: there is nothing to "
            "decide on."
        )
    return decisions


def _check_rows(rows: Sequence[DecisionRow], n_cells: int, run: RunRow, source: str) -> None:
    for row in rows:
        if row.roi >= n_cells:
            raise NwbContentError(
                f"{source}, line {row.line}: there is no roi {row.roi} in run {run.run}, whose "
                f"components are 0 to {n_cells - 1}."
            )


def _reasons_of_rules(file: h5py.File, run: RunRow) -> dict[int, set[str]]:
    """Return the reasons that the rules gave for each component, in any of the rounds."""
    rows = read_all_decisions(file, run)
    found: dict[int, set[str]] = defaultdict(set)
    for roi, reason, method in zip(rows["roi"], rows["reason"], rows["method"], strict=True):
        if method != MANUAL:
            found[int(roi)].add(reason)
    return found


def _merge(
    old: Columns, rows: Sequence[DecisionRow], of_rules: Mapping[int, Set[str]]
) -> tuple[Decisions, list[str], int, bool]:
    """Put decisions over the current round.

    Parameters
    ----------
    old
        The current round.
    rows
        What a person says.
    of_rules
        Reasons that the rules gave, by component: they came with the export and say nothing.

    Returns
    -------
    decisions, methods
        The new round.
    n_changed
        Components that are now held to be something else.
    says_anything
        Whether the rows say what the current round does not: a reason or a confidence too.
    """
    accepted = np.array(old["accepted"], np.bool_)
    reason, mask_type, method = list(old["reason"]), list(old["mask_type"]), list(old["method"])
    confidence = np.array(old["confidence"], np.float64)
    n_changed, says_anything = 0, False
    for row in rows:
        cell = row.roi
        kind = row.mask_type or mask_type[cell]
        said = None if row.reason in of_rules.get(cell, ()) else row.reason
        is_same = (row.accepted, kind) == (bool(accepted[cell]), mask_type[cell])
        says_more = said not in (None, reason[cell]) or _differs(row.confidence, confidence[cell])
        if is_same and not says_more:
            continue
        says_anything = True
        n_changed += not is_same
        if kind != mask_type[cell] and row.confidence is None:
            confidence[cell] = np.nan  # the old one was of another type
        if row.confidence is not None:
            confidence[cell] = row.confidence
        accepted[cell], mask_type[cell], method[cell] = row.accepted, kind, MANUAL
        if said is not None or not is_same:
            reason[cell] = said if said not in (None, reason[cell]) else _BY_HAND
    decisions = Decisions(
        accepted=accepted,
        reason=tuple(reason),
        mask_type=tuple(mask_type),
        confidence=confidence.astype(np.float32),
        method=MANUAL,
    )
    return decisions, method, n_changed, says_anything


def _differs(said: float | None, stored: float) -> bool:
    """Whether a confidence is another than the stored one, which a file gives in six digits."""
    return said is not None and not abs(said - stored) < 1e-5


def _store(
    file: h5py.File,
    row: RunRow,
    number: int,
    decisions: Decisions,
    methods: list[str],
    *,
    note: str,
    by: str,
) -> None:
    now = datetime.now(UTC).astimezone()
    append_rows(
        file[f"{GROUP}/{ROUNDS}"],
        records.round_rows(number, row.run, made_at=now, made_by=by, note=note, is_manual=True),
    )
    append_rows(
        file[f"{GROUP}/{DECISIONS}"],
        records.decision_rows(number, row.run, decisions, methods=methods),
    )
    values: dict[str, Any] = {
        "accepted": decisions.accepted,
        "reason": list(decisions.reason),
        "mask_type": list(decisions.mask_type),
        "mask_type_confidence": np.asarray(decisions.confidence, np.float64),
        "mask_type_method": methods,
    }
    table = cells_table(file, row)
    if is_all_nan(values["mask_type_confidence"]) and "mask_type_confidence" not in table:
        del values["mask_type_confidence"]
    set_columns(table, {name: (DECISION_COLUMNS[name], found) for name, found in values.items()})
    set_cell(file[f"{GROUP}/{RUNS}"], "curation_round", row.row, number)
    set_cell(file[f"{GROUP}/{RUNS}"], "n_accepted", row.row, int(decisions.accepted.sum()))
