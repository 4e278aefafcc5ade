"""The page `docs/parameters.md`, made of the models.

Write it anew with ``python -m miniscope_nwb.params.describe > docs/parameters.md``.
"""

from __future__ import annotations

import sys
from typing import Any

from miniscope_nwb.params import names
from miniscope_nwb.params.presets import PRESETS
from miniscope_nwb.params.values import allowed

_HEAD = """\
# Parameters of `process`

<!-- Made by `python -m miniscope_nwb.params.describe > docs/parameters.md`; a test keeps it so. -->

None has to be given. `null` stands for a value that is derived from the movie, the file or another
parameter, or for a threshold that is not applied; what was derived, and from what, is told in the
file (`ProcessingParameters`, columns `value_json` and `source`: default, preset, user, derived).

    miniscope-nwb process FILE.nwb --preset GCaMP6f -p motion.method=rigid -p min_pnr=8
    miniscope-nwb process FILE.nwb --params lab.yaml

Later ones win: defaults, `--preset`, `--params` files in their order, `-p` in their order. A bare
key does where only one section has it. Lengths are in micrometers or in pixels of the raw movie,
times in seconds; where both `_um` and `_px` are given, `_px` wins. A file has a section a stage:

```yaml
motion:
  method: rigid
extract:
  min_pnr: 8
```
"""
_ABOUT = {
    "preprocess": "Which pixels and frames are processed, and what is taken off them.",
    "motion": "How frames are brought onto each other.",
    "images": "Summary images.",
    "extract": "Source extraction (CNMF-E) and deconvolution.",
    "traces": "Which traces are made of the components.",
    "quality": "How components are judged.",
}


def parameters_page() -> str:
    """Return the page that describes every parameter and preset, in Markdown."""
    parts = [_HEAD]
    for stage, model in names.stages().items():
        rows = [
            f"| `{key}` | {_default(field)} | {allowed(field).replace('|', '/')} "
            f"| {field.description or ''} |"
            for key, field in model.model_fields.items()
        ]
        table = "\n".join(["| parameter | default | allowed | |", "|---|---|---|---|", *rows])
        parts.append(f"## {stage}\n\n{_ABOUT[stage]}\n\n{table}\n")
    parts.append(_CAIMAN)
    parts.append("## Presets\n\n" + "\n".join(_preset(name) for name in PRESETS))
    return "\n".join(parts)


_CAIMAN = """\
## caiman

Every key below `caiman:`, or as `-p caiman.NAME=VALUE`, goes to CaImAn under its own name (`gSig`,
`min_SNR`, ...) and wins over what was derived for it. An engine of another package may read it,
too. For `builtin`, and for results that are imported, it has no effect: a warning says so, and the
run is the same as without it.
"""


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "`null`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _preset(name: str) -> str:
    preset = PRESETS[name]
    lines = [f"**{name}**: {preset.summary}.\n"]
    lines += [f"- `{key}={value}`: {preset.reasons[key]}." for key, value in preset.values.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(parameters_page())
