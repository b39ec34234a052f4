"""Every layer of the catalogue as Python source: `python -m tests.exporting.every_layer [DRAWS] [LAYER...]`.

Prints for each how many networks were drawn, and the first whose module gives other keys or other outputs.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from specbuild.catalogue.layers import LAYERS
from tests.exporting.python.apart import laid_out, verdicts_of
from tests.exporting.python.layers import trials_of


def main(arguments: list[str]) -> int:
    draws = int(arguments[0]) if arguments and arguments[0].isdigit() else 25
    kinds = [argument for argument in arguments if not argument.isdigit()] or sorted(LAYERS)
    trials = [trial for kind in kinds for trial in trials_of(kind, draws)]
    with tempfile.TemporaryDirectory() as folder:
        verdicts, texts = verdicts_of(trials, Path(folder))
        layout = laid_out(Path(folder))
    wrong = {label: verdict for label, verdict in verdicts.items() if verdict is not None}
    print("| layer | networks | keys and outputs |\n|---|---|---|")
    for kind in kinds:
        mine = [label for label in verdicts if label.split(" ")[0] == kind]
        bad = [label for label in mine if label in wrong]
        print(f"| {kind} | {len(mine)} | {'equal' if mine and not bad else f'{len(bad)} differ'} |")
    for label, verdict in list(wrong.items())[:20]:
        print(f"\n{label}\n  {verdict}\n{texts[label] if len(kinds) < 4 else ''}")
    if layout:
        print(layout[:4000])
    empty = [kind for kind in kinds if not any(label.split(" ")[0] == kind for label in verdicts)]
    print(f"\n{len(kinds)} layers, {len(verdicts)} networks: {len(wrong)} differ; not drawn: {empty or 'none'}")
    return 1 if wrong or layout or empty else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
