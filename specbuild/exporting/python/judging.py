"""How a training is judged: the losses of a batch, and what is measured beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specbuild.catalogue.losses import Loss
from specbuild.catalogue.metrics import Metric
from specbuild.diagnostics.diagnostic import Path
from specbuild.exporting.python.data import by_fields
from specbuild.exporting.python.expressions import Call, Formula, rendered
from specbuild.exporting.python.refusing import WITHOUT, inexpressible
from specbuild.exporting.python.transforming import defaults, mixing
from specbuild.language.document import Spec
from specbuild.network.metrics import judged_output, metrics_of
from specbuild.network.plan import Plan
from specbuild.network.samples import loss_path

TORCH_IGNORES = -100
PLAIN = ("accuracy", "mae", "mse")
"""Metrics that are the mean of their batches', and need no torchmetrics."""
CLASSES = {
    "accuracy": "Accuracy", "precision": "Precision", "recall": "Recall", "f1": "F1Score", "dice": "F1Score",
    "mean_iou": "JaccardIndex", "auroc": "AUROC", "average_precision": "AveragePrecision",
}  # fmt: skip
"""What torchmetrics calls the metrics of labels, after the task."""
AVERAGED = ("precision", "recall", "f1", "dice", "mean_iou")
OTHERS = {
    "rmse": "MeanSquaredError", "r2": "R2Score", "psnr": "image.PeakSignalNoiseRatio",
    "ssim": "image.StructuralSimilarityIndexMeasure", "perplexity": "text.Perplexity",
    "mae": "MeanAbsoluteError", "mse": "MeanSquaredError",
}  # fmt: skip
"""What torchmetrics calls the others."""

RESULTS = '''
class Results:
    """What a pass over a split comes to."""

    def __init__(self, device: torch.device) -> None:
        self.totals: dict[str, Any] = {}
        self.count = 0
        METRICS

    def add(self, judged: dict[str, Tensor], count: int) -> None:
        """One batch."""
        for name, value in judged.items():
            self.totals[name] = self.totals.get(name, 0.0) + value.detach() * WEIGHT
        self.count += count

    def means(self) -> dict[str, float]:
        """The means over the samples so far."""
        RETURNED
'''


LOOP = "        for name, value in judged.items():\n"
LONG = 60
"""Characters of an expression that has a line of its own."""


class Judging:
    """The names and texts by which the loop of a document judges."""

    def __init__(self, spec: Spec, plan: Plan) -> None:
        self.spec, self.plan = spec, plan
        self.fields = by_fields(spec)
        self.several = len(spec.outputs) > 1
        self.sums = [getattr(loss, "reduction", "mean") == "sum" for loss in spec.losses.values()]
        if len({*self.sums}) > 1:
            output = list(spec.losses)[self.sums.index(True)]
            raise inexpressible(spec, "means and sums together", (*loss_path(spec, output), "reduction"), WITHOUT)
        found = [metric for metric in metrics_of(spec) if metric.number]
        for index, metric in enumerate(found):
            self.require_whole(metric, ("metrics", index))
            if metric.plugged:
                raise inexpressible(spec, f"the metric {metric.short}", ("metrics", index))
        self.plain = [metric for metric in found if self.is_plain(metric)]
        self.measured = [metric for metric in found if not self.is_plain(metric)]

    def require_whole(self, metric: Metric, path: Path) -> None:
        """SB512 for a mean over classes one of which does not count: torchmetrics counts the answers that name it."""
        output, loss = self.loss_of(metric)
        ignored, shape = loss.ignored, self.plan.outputs[output].shape
        if metric.short in AVERAGED and ignored is not None and loss.targets == "labels" and ignored >= 0 and (
            getattr(metric, "average", "macro") != "micro"
        ):  # fmt: skip
            count = shape[-1 if getattr(loss, "class_dim", 1) == -1 else 0]
            if not isinstance(count, int) or ignored < count:
                what = f"{metric.short} over classes of which {ignored} is ignored"
                raise inexpressible(self.spec, what, path, "leave it out of `metrics`")

    def loss_of(self, metric: Metric) -> tuple[str, Loss]:
        """The output that a metric is of, and its loss."""
        output = metric.output or judged_output(self.spec) or ""
        return output, self.spec.losses[output]

    def is_plain(self, metric: Metric) -> bool:
        """Whether a metric is the mean over its batches."""
        _, loss = self.loss_of(metric)
        counted = metric.short != "accuracy" or loss.ignored in (None, TORCH_IGNORES)
        return metric.short in PLAIN and counted

    @property
    def names(self) -> tuple[str, ...]:
        """What is measured, by the names in the results."""
        losses = [f"{output}_loss" for output in self.spec.losses] if len(self.spec.losses) > 1 else []
        return ("loss", *losses, *(metric.label for metric in (*self.plain, *self.measured)))

    def given(self, output: str) -> str:
        """An output of the network."""
        return f"output[{rendered(output)}]" if self.several else "output"

    def target(self, loss: Loss) -> str:
        """What a loss holds its output against."""
        if self.fields:
            return f"batch[{rendered(loss.target)}]"
        return "x" if loss.target in self.spec.inputs else "target"

    @property
    def head(self) -> str:
        """The parameters of what judges."""
        kind = "dict[str, Tensor]" if self.several else "Tensor"
        return f"output: {kind}, " + ("batch: dict[str, Tensor]" if self.fields else "x: Tensor, target: Tensor")

    @property
    def call(self) -> str:
        """The arguments of what judges."""
        return "output, batch" if self.fields else "output, x, target"

    def judge(self) -> str:
        """The function that gives the loss of a batch, and the metrics that are means."""
        lines = ['"""The loss, and the accuracy where there is one."""' if self.accurate else '"""The loss."""']
        terms: dict[str, str] = {}
        for output, loss in self.spec.losses.items():
            number = str(len(terms) + 1) if len(self.spec.losses) > 1 else ""
            criterion, called, wanted = self.term(output, loss)
            short = len(criterion) > LONG
            if short:
                lines.append(f"criterion{number} = {criterion}")
            criterion = f"criterion{number}" if short else criterion
            if len(called) + len(criterion) + len(wanted) > LONG - 16 * self.several and ".view_as(" in wanted:
                lines.append(f"wanted{number} = {wanted}")
                wanted = f"wanted{number}"
            scale = "" if loss.scale == 1 else f"{rendered(loss.scale)} * "
            terms[output] = f"{scale}{criterion}({self.argument(output, loss)}, {wanted}){called}"
        if len(terms) > 1:
            pairs = [(rendered(f"{output}_loss"), term) for output, term in terms.items()]
            if max(len(name) + len(term) for name, term in pairs) > LONG:
                lines.append("losses: dict[str, Tensor] = {}")
                lines += [f"losses[{name}] = {term}" for name, term in pairs]
            else:
                lines.append(f"losses = {{{', '.join(f'{name}: {term}' for name, term in pairs)}}}")
            results = ['"loss": sum(losses.values())', "**losses"]
        else:
            lines.append(f"loss = {next(iter(terms.values()))}")
            results = ['"loss": loss']
        for metric in self.plain:
            lines += [line for line in self.shares(metric) if line not in lines]
            compared, mean = self.mean(metric)
            if len(compared) + len(mean) > LONG:
                variable = "right" if metric.short == "accuracy" else "error"
                variable += "" if len(self.plain) == 1 else str(self.plain.index(metric) + 1)
                lines.append(f"{variable} = {compared}")
                compared = variable
            results.append(f"{rendered(metric.label)}: {compared}{mean}")
        lines.append(f"return {{{', '.join(results)}}}")
        return f"def judge({self.head}) -> dict[str, Tensor]:\n" + "\n".join(f"    {line}" for line in lines)

    @property
    def accurate(self) -> bool:
        """Whether more than losses is judged."""
        return bool(self.plain)

    def argument(self, output: str, loss: Loss) -> str:
        """An output as its loss takes it."""
        given = self.given(output)
        if loss.targets == "labels" and getattr(loss, "class_dim", 1) == -1:
            given += ".movedim(-1, 1)"
        if getattr(loss, "contiguous", False) and len(self.plan.outputs[output].shape) > 1:
            given += ".contiguous()"
        return given

    def term(self, output: str, loss: Loss) -> tuple[str, str, str]:
        """One loss: what makes its criterion, what is made of its result, and what the output is held against."""
        path = loss_path(self.spec, output)
        if loss.plugged:
            raise inexpressible(self.spec, f"the loss {loss.type}", path)
        given, target = self.given(output), self.target(loss)
        arguments = loss.torch_arguments()
        for name in ("weight", "pos_weight"):
            if arguments.get(name) == "balanced":
                raise inexpressible(self.spec, f"`{name}: balanced`", (*path, name), "a list of weights")
            if arguments.get(name) is not None:
                values = ", ".join(map(rendered, arguments[name]))
                arguments[name] = Formula(f"torch.tensor([{values}], device={given}.device)")
        criterion = rendered(Call(f"nn.{loss.type}", arguments, defaults(loss), frozenset()))
        if loss.targets not in ("labels", "label lists") and not self.alike(output, loss):
            target += f".float().view_as({given})"
        # of KLDivLoss, whose mean torch warns of
        return criterion, ".mean()" if arguments.get("reduction") == "none" else "", target

    def alike(self, output: str, loss: Loss) -> bool:
        """Whether an output and what it is held against are known to be of one type."""
        wanted = self.plan.inputs.get(loss.target)
        return wanted is not None and wanted == self.plan.outputs[output]

    def mean(self, metric: Any) -> tuple[str, str]:
        """A metric of a batch: what is compared, and what is made of that."""
        output, loss = self.loss_of(metric)
        given, target = self.given(output), self.target(loss)
        dim = getattr(loss, "class_dim", 1)
        if metric.short == "accuracy" and loss.targets == "labels":
            target = self.labels(target, dim)
            if metric.top_k == 1:
                return f"({given}.argmax({dim}) == {target})", ".float().mean()"
            highest = f"{given}.topk({metric.top_k}, dim={dim}).indices"
            return f"({highest} == {target}.unsqueeze({dim}))", f".any({dim}).float().mean()"
        if metric.short == "accuracy":
            return f"(({given} > {rendered(loss.threshold)}) == ({target}.view_as({given}) > 0.5))", ".float().mean()"
        if not self.alike(output, loss):
            target += f".view_as({given})"
        difference = f"({self.numbers(given, loss)} - {target})"
        return difference, ".abs().mean()" if metric.short == "mae" else ".square().mean()"

    def labels(self, target: str, dim: int) -> str:
        """Labels, also where samples are mixed."""
        return target if self.spec.data is None or mixing(self.spec.data) is None else "labels"

    def shares(self, metric: Metric) -> Iterator[str]:
        """The statement that makes labels of the shares that mixed samples have of several."""
        _, loss = self.loss_of(metric)
        target, dim = self.target(loss), getattr(loss, "class_dim", 1)
        if loss.targets == "labels" and self.labels(target, dim) != target:
            yield f"labels = {target}.argmax({dim}) if {target}.is_floating_point() else {target}"

    def numbers(self, given: str, loss: Loss) -> str:
        """What an output says, where its loss takes a logit or a logarithm."""
        if loss.threshold == 0:
            return f"{given}.sigmoid()"
        return f"{given}.exp()" if getattr(loss, "log_input", False) else given

    def results(self) -> Iterator[str]:
        """The class of what a pass comes to."""
        made = ", ".join(f"{rendered(metric.label)}: {self.made(metric)}.to(device)" for metric in self.measured)
        weight = "count"
        if any(self.sums):
            weight = "weight"
        means = "{name: float(total) / self.count for name, total in self.totals.items()}"
        returned = f"return {means}"
        if made:
            returned = (
                f"means = {means}\n        "
                "measured = {name: float(metric.compute()) for name, metric in self.metrics.items()}\n        "
                "return {**means, **measured}"
            )
        text = RESULTS.replace("RETURNED", returned).replace("WEIGHT", weight)
        if weight != "count":
            text = text.replace(LOOP, LOOP + '            weight = 1 if name.endswith("loss") else count\n')
        yield text.replace("        METRICS\n", f"        self.metrics = {{{made}}}\n" if made else "")
        if made:
            yield self.measuring()

    def measuring(self) -> str:
        """The function that hands a batch to torchmetrics."""
        lines = ['"""Let each metric see a batch."""']
        for metric in self.measured:
            lines += [line for line in self.shares(metric) if line not in lines]
            lines.append(f"metrics[{rendered(metric.label)}].update({self.seen(metric)})")
        head = f"def measure(metrics: dict[str, torchmetrics.Metric], {self.head}) -> None:\n"
        return head + "\n".join(f"    {line}" for line in lines)

    def task(self, metric: Metric) -> tuple[str, int]:
        """How torchmetrics calls what is asked of an output, and of how many classes or labels."""
        output, loss = self.loss_of(metric)
        shape = self.plan.outputs[output].shape
        if loss.targets == "labels":
            return "Multiclass", int(shape[-1 if getattr(loss, "class_dim", 1) == -1 else 0])
        count = int(shape[-1 if loss.type == "MultiLabelSoftMarginLoss" else 0]) if shape else 1
        return ("Binary", 1) if count == 1 else ("Multilabel", count)

    def made(self, metric: Any) -> str:
        """What makes one of torchmetrics' metrics."""
        _, loss = self.loss_of(metric)
        own = {name: value for name, value in metric.arguments().items() if name != "output"}
        known = defaults(metric)
        if metric.short not in CLASSES:
            known.pop("data_range", None)  # torchmetrics has another default
            if metric.short == "rmse":
                own = {"squared": False}
            if metric.short == "perplexity" and loss.ignored not in (None, TORCH_IGNORES):
                own["ignore_index"] = loss.ignored
            return rendered(Call(f"torchmetrics.{OTHERS[metric.short]}", own, known, frozenset()))
        task, count = self.task(metric)
        arguments: dict[str, Any] = {}
        if task != "Binary":
            arguments["num_classes" if task == "Multiclass" else "num_labels"] = count
            if metric.short == "accuracy":
                arguments["average"] = "micro"
        else:
            own.pop("average", None)
        if loss.ignored not in (None, TORCH_IGNORES):
            arguments["ignore_index"] = loss.ignored
        made = {**arguments, **{name: value for name, value in own.items() if value != known.get(name)}}
        name = f"torchmetrics.classification.{task}{CLASSES[metric.short]}"
        return rendered(Call(name, made, {}, frozenset()))

    def seen(self, metric: Any) -> str:
        """What a metric is shown of a batch."""
        output, loss = self.loss_of(metric)
        given, target = self.given(output), self.target(loss)
        dim = getattr(loss, "class_dim", 1)
        if metric.short == "perplexity":
            classes = given if dim == -1 else f"{given}.movedim(1, -1)"
            count = self.task(metric)[1]
            return f"{classes}.reshape(1, -1, {count}), {target}.reshape(1, -1)"
        if metric.short not in CLASSES:
            numbers = self.numbers(given, loss)
            target = target if self.alike(output, loss) else f"{target}.view_as({given})"
            if metric.short == "r2":
                return f"{numbers}.flatten(1).squeeze(-1), {target}.flatten(1).squeeze(-1)"
            return f"{numbers}, {target}"
        scores = metric.takes == "scores"
        if loss.targets == "labels":
            target = self.labels(target, dim)
            if dim == -1:
                given += ".movedim(-1, 1)"
            return f"{given}.softmax(1), {target}" if scores else f"{given}, {target}"
        task, _ = self.task(metric)
        wanted = f"({target}.view_as({given}) > 0.5).long()"
        if scores:
            said = given if loss.takes_shares else f"{given}.sigmoid()"
        else:
            said = f"({given} > {rendered(loss.threshold)}).long()"
        if task == "Binary":
            return f"{said}.flatten(), {wanted}.flatten()"
        last = loss.type == "MultiLabelSoftMarginLoss" and len(self.plan.outputs[output].shape) > 1
        return f"{said}.movedim(-1, 1), {wanted}.movedim(-1, 1)" if last else f"{said}, {wanted}"


def read_from(metric: str, judging: Judging, *, val: bool, path: Path) -> tuple[str, str]:
    """The variable that holds a number of the results, and its name in it; SB512 for one that is not measured."""
    split, _, name = metric.partition("_")
    if name not in judging.names:
        fix = "metric: val_accuracy, or val_loss"
        raise inexpressible(judging.spec, f"the metric {metric}", path, fix)
    return ("learned" if split == "train" and val else "results"), name
