"""Metrics: what is measured beside the loss. Names in lower case, as torchmetrics' short names."""

from typing import final

from specbuild.catalogue.entry import Entry, Size


@final
class Accuracy(Entry):
    """The share of samples whose label is among the `top_k` highest outputs.

    With one output a sample (a BCE loss) it is the share on the right side of a half.

    ```yaml
    metrics: [accuracy, {type: accuracy, top_k: 5}]
    ```
    """

    top_k: Size = 1
    """How many of the highest outputs count as an answer."""

    @property
    def type(self) -> str:
        """The name that a document uses."""
        return "accuracy"

    @property
    def label(self) -> str:
        """The name in the results, after the split's: `accuracy`, `accuracy_top5`."""
        return "accuracy" if self.top_k == 1 else f"accuracy_top{self.top_k}"


METRICS: dict[str, type[Entry]] = {"accuracy": Accuracy}
"""Every metric, by the name that a document uses."""
