"""Tables of numbers and categories."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from annotated_types import MinLen

from specbuild.catalogue.datasets.dataset import LABEL, Dataset
from specbuild.catalogue.entry import Bool, Str
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType

Columns = Annotated[tuple[Str, ...], MinLen(1)]


class Table(Dataset):
    """Rows of a CSV or Parquet file: an `input` of `[features]` and a `target`.

    Numbers are standardized by mean and deviation, categories become one 0 or 1 each; both are learned from the
    samples that train keeps, hold for val and test as well, and are kept in the run. A category that train does
    not have is all zeros. A target of numbers is float32 `[targets]`, as it is; one of categories is a label,
    the classes being numbered in their sorted order.

    ```yaml
    dataset: {type: Table, path: houses.csv, target: price}
    ```
    """

    refused: ClassVar = {
        **Dataset.refused,
        "encoding": "text is UTF-8",
        "sep": "called `delimiter`",
    }

    path: Str
    """A `.parquet` file (with the extra `parquet`), or else CSV: UTF-8, values quoted by `"` where need be."""
    target: Str | Columns
    """The column to predict, or several columns of numbers."""
    features: Columns | None = None
    """The columns to predict from; null is all but the target."""
    categorical: tuple[Str, ...] | None = None
    """The columns that hold categories, the target's maybe; null is those that hold no numbers."""
    standardize: Bool = True
    """Whether the mean is taken from each numeric feature, and the rest divided by the standard deviation."""
    missing: Literal["fail", "mean", "drop"] = "fail"
    """What is done where a value is missing: end with its line, take the column's mean (a category that is missing is
    all zeros), or leave the row out. A target that is missing can only be left out."""
    header: Bool = True
    """Whether the first line of a CSV names the columns; if not, they are called 0, 1, 2, ..."""
    delimiter: Str = ","
    """What stands between the values of a CSV: `","`, `";"`, `"\\t"`."""

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns to predict."""
        return (self.target,) if isinstance(self.target, str) else self.target

    def check(self) -> None:
        """Columns that are named once, and categories among them."""
        if len(self.delimiter) != 1:
            raise Violation(
                "SB410",
                f"a delimiter is one character; got {self.delimiter!r}",
                field="delimiter",
                fix='";", "|", "\\t"',
            )
        if self.delimiter in '"\r\n\0':
            raise Violation(
                "SB410", f"{self.delimiter!r} has a meaning of its own in CSV", field="delimiter", fix='";", "|"'
            )
        require_once(self.targets, "target")
        require_once(self.features or (), "features")
        require_once(self.categorical or (), "categorical")
        for name in self.features or ():
            if name in self.targets:
                raise Violation(
                    "SB410", f"`{name}` is the target and a feature: the network would be told what it is to predict",
                    field="features", fix=f"leave {name} out of features",
                )  # fmt: skip
        for name in self.categorical or ():
            if name in self.targets and len(self.targets) > 1:
                raise Violation(
                    "SB410", f"several targets are numbers, but `{name}` is to be categorical", field="categorical",
                    fix=f"target: {name}, or leave it out of categorical",
                )  # fmt: skip
            if self.features is not None and name not in (*self.features, *self.targets):
                raise Violation(
                    "SB410", f"`{name}` is categorical, but neither a feature nor the target", field="categorical",
                    fix=f"add {name} to features, or leave it out",
                )  # fmt: skip
        if self.path.lower().endswith(".parquet"):
            for field in ("header", "delimiter"):
                if field in self.model_fields_set:
                    raise Violation(
                        "SB410", f"{field} is about CSV, but {self.path} is Parquet", field=field, fix="leave it out"
                    )

    def check_beside(self, train: Dataset) -> None:
        """Train is a table of the same columns."""
        if not isinstance(train, Table):
            raise Violation("SB410", f"a Table is prepared by what is learned from train, and train is {train.type}")
        for field, own, learned in (
            ("features", self.features, train.features),
            ("target", self.targets, train.targets),
        ):
            if own is not None and learned is not None and own != learned:
                columns = ", ".join(learned)
                raise Violation(
                    "SB410", f"{field} is {', '.join(own)}, but train's is {columns}", field=field,
                    fix=f"{field}: {columns if field == 'target' and len(learned) == 1 else f'[{columns}]'}",
                )  # fmt: skip

    def sample(self) -> Mapping[str, SampleType]:
        """What is written of the columns; what they hold is known when the file is opened."""
        features: int | None = None
        target = SampleType((len(self.targets),), "float32") if len(self.targets) > 1 else SampleType()
        if self.categorical is not None:
            if self.features is not None and not set(self.features) & set(self.categorical):
                features = len(self.features)
            if self.targets[0] in self.categorical:
                target = LABEL
            else:
                target = SampleType((len(self.targets),), "float32")
        return {"input": SampleType((features,), "float32"), "target": target}

    def length(self) -> None:
        """Known when the file is opened."""
        return None


def require_once(names: Sequence[str], field: str) -> None:
    """No column twice."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise Violation("SB410", f"`{twice[0]}` is named twice", field=field, fix="name it once")
