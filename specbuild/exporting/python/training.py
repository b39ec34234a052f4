"""The training of a document as a plain loop: loss, optimizer, scheduler, and what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from specbuild.catalogue.entry import Entry
from specbuild.catalogue.schedulers import Scheduler
from specbuild.exporting.python.data import data_of, inexpressible
from specbuild.exporting.python.expressions import Call, Formula, rendered
from specbuild.language.document import Spec
from specbuild.language.training import mode_of
from specbuild.network.plan import Plan

LABELS = ("CrossEntropyLoss", "NLLLoss")
NUMBERS = ("BCELoss", "BCEWithLogitsLoss", "HuberLoss", "L1Loss", "MSELoss", "SmoothL1Loss")
LENGTHS = ("T_max", "total_iters", "total_steps")
"""Arguments of schedulers that are the length of the training where they are null."""
COMBINED = ("ChainedScheduler", "ReduceLROnPlateau", "SequentialLR")
WITHOUT = {
    "max_steps": None, "max_minutes": None, "accumulate": 1, "ema": None, "early_stopping": None,
}  # fmt: skip
"""What the loop does not do, with the value at which a document does not ask for it."""

EVALUATE = '''
@torch.no_grad()
def evaluate(network: nn.Module, split: DataLoader, device: torch.device) -> dict[str, float]:
    """The means over a split."""
    network.eval()
    totals: dict[str, float] = {}
    count = 0
    for x, target in split:
        x, target = x.to(device), target.to(device)
        for name, value in judge(network(x), x, target).items():
            totals[name] = totals.get(name, 0.0) + value.item() * len(x)
        count += len(x)
    return {name: total / count for name, total in totals.items()}
'''

MAIN = """
if __name__ == "__main__":
    parser = ArgumentParser(description="Train the network.")
    parser.add_argument("--weights", default=WEIGHTS, help="where the best weights go")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    arguments = parser.parse_args()
    train(arguments.weights, arguments.epochs)
"""


def training_of(spec: Spec, plan: Plan, weights: str | None) -> Iterator[str]:
    """The constants, functions and the entry of a training. Raises `RunError` (SB512) for what it cannot express."""
    for name, value in WITHOUT.items():
        if getattr(spec.train, name) != value:
            raise inexpressible(spec, f"`train.{name}`", ("train", name), f"--set train.{name}={plain(value)}")
    if len(spec.inputs) > 1:
        raise inexpressible(spec, "a training on several inputs", ("inputs",), "leave out --with-training")
    optimizer: Any = spec.optimizer
    if not spec.losses or optimizer is None:
        what = "loss" if not spec.losses else "optimizer"
        raise inexpressible(spec, f"a training without `{what}`", (), f"leave out --with-training, or write `{what}`")
    file = rendered(weights or "model.safetensors")
    yield f"EPOCHS = {spec.train.epochs}\nSEED = {spec.train.seed}\nWEIGHTS = {file}\n"
    yield from data_of(spec)
    yield judging(spec)
    yield EVALUATE
    yield loop(spec)
    yield MAIN


def plain(value: Any) -> str:
    """A value as `--set` takes it."""
    return "null" if value is None else str(value)


def judging(spec: Spec) -> str:
    """The function that gives the loss of a batch, and its accuracy where the loss is of labels."""
    lines = ['"""The loss, and the accuracy where there is one."""']
    terms: list[str] = []
    several = len(spec.outputs) > 1
    accuracy = ""
    for index, (output, loss) in enumerate(spec.losses.items()):
        path = ("loss", output) if several else ("loss",)
        if loss.type not in (*LABELS, *NUMBERS) or loss.plugged:
            raise inexpressible(spec, f"the loss {loss.type}", path, "leave out --with-training")
        if loss.target not in ("target", "input"):
            raise inexpressible(spec, f"the target {loss.target}", path, "target: target")
        given = f"output[{rendered(output)}]" if several else "output"
        target = "x" if loss.target == "input" else "target"
        arguments = loss.torch_arguments()
        for name in ("weight", "pos_weight"):
            if arguments.get(name) is not None:
                if arguments[name] == "balanced":
                    raise inexpressible(spec, f"`{name}: balanced`", path, "a list of weights")
                value = arguments[name]
                values = f"[{', '.join(map(rendered, value))}]" if isinstance(value, (tuple, list)) else rendered(value)
                arguments[name] = Formula(f"torch.tensor({values}, device=x.device)")
        fields = loss.__class__.model_fields
        criterion = rendered(Call(f"nn.{loss.type}", arguments, {k: f.default for k, f in fields.items()}, frozenset()))
        last = getattr(loss, "class_dim", 1) == -1
        if loss.type in LABELS:
            term = f"{criterion}({given + '.movedim(-1, 1)' if last else given}, {target})"
            guess = f"{given}.argmax({-1 if last else 1}) == {target}"
        else:
            term = f"{criterion}({given}, {target}.float().view_as({given}))"
            limit = 0.5 if loss.type == "BCELoss" else 0
            guess = f"({given} > {limit}) == {target}.view_as({given}).bool()" if loss.threshold is not None else ""
        scale = getattr(loss, "scale", 1.0)
        terms.append(term if scale == 1 else f"{rendered(scale)} * {term}")
        if index == 0 and guess:
            accuracy = f'"accuracy": ({guess}).float().mean()'
    lines.append(f"loss = {' + '.join(terms)}")
    lines.append(f'return {{"loss": loss{", " + accuracy if accuracy else ""}}}')
    kind = "dict[str, Tensor]" if several else "Tensor"
    head = f"def judge(output: {kind}, x: Tensor, target: Tensor) -> dict[str, Tensor]:\n"
    return head + "\n".join(f"    {line}" for line in lines)


def loop(spec: Spec) -> str:
    """The function that trains."""
    data = spec.data
    assert data is not None
    scheduler = cast("Scheduler | None", spec.scheduler)
    name, mode = kept(spec)
    split = "val" if data.val is not None else "train"
    lines = [
        "torch.manual_seed(SEED)",
        f"device = torch.device({device(spec)})",
        "splits = batches()",
        "network = build().to(device)",
        f"optimizer = {optimizer_of(spec)}",
    ]
    if scheduler is not None:
        lines.append(f"scheduler = {scheduler_of(spec, scheduler)}")
    lines += [
        "best = None",
        "for epoch in range(epochs):",
        "    network.train()",
        '    for x, target in splits["train"]:',
    ]
    body = [
        "x, target = x.to(device), target.to(device)",
        'loss = judge(network(x), x, target)["loss"]',
        "optimizer.zero_grad()",
        "loss.backward()",
    ]
    if spec.train.clip_grad_norm is not None:
        body.append(f"nn.utils.clip_grad_norm_(network.parameters(), {rendered(spec.train.clip_grad_norm)})")
    if spec.train.clip_grad_value is not None:
        body.append(f"nn.utils.clip_grad_value_(network.parameters(), {rendered(spec.train.clip_grad_value)})")
    body.append("optimizer.step()")
    if scheduler is not None and scheduler.settled_interval == "step":
        body.append("scheduler.step()")
    lines += [f"        {line}" for line in body]
    if scheduler is not None and scheduler.settled_interval == "epoch":
        lines.append("    scheduler.step()")
    sign = "<" if mode == "min" else ">"
    lines += [
        f'    results = evaluate(network, splits["{split}"], device)',
        '    said = ", ".join(f"{name} {value:.4f}" for name, value in results.items())',
        f'    print(f"epoch {{epoch + 1}}: {split} {{said}}")',
        f'    if best is None or results["{name}"] {sign} best:',
        f'        best = results["{name}"]',
        "        save_model(network, weights)",
    ]
    if data.test is not None:
        lines += [
            "load_model(network, weights)",
            'results = evaluate(network, splits["test"], device)',
            'print("test:", ", ".join(f"{name} {value:.4f}" for name, value in results.items()))',
        ]
    document = '"""Train the network, and keep the weights of the best epoch."""'
    head = "def train(weights: str = WEIGHTS, epochs: int = EPOCHS) -> None:\n"
    return head + "\n".join(f"    {line}" for line in [document, *lines])


def kept(spec: Spec) -> tuple[str, str]:
    """The number by which an epoch's weights are kept, and whether less of it is better."""
    best = spec.train.best
    first: Any = next(iter(spec.losses.values()))
    accuracy = first.labelled and first.type in (*LABELS, "BCELoss", "BCEWithLogitsLoss")
    if best is None:
        metrics = spec.metrics
        wanted = accuracy and (metrics is None or bool(metrics)) and spec.data is not None and spec.data.val is not None
        return ("accuracy", "max") if wanted else ("loss", "min")
    name = best.metric.partition("_")[2]
    if name not in ("loss", *(["accuracy"] if accuracy else [])):
        fix = "metric: val_accuracy, or val_loss"
        raise inexpressible(spec, f"the metric {best.metric}", ("train", "best", "metric"), fix)
    return name, mode_of(best.metric, best.mode)


def device(spec: Spec) -> str:
    """Where the network is trained."""
    if spec.train.device == "auto":
        return '"cuda" if torch.cuda.is_available() else "cpu"'
    return rendered(spec.train.device)


def optimizer_of(spec: Spec) -> str:
    """The optimizer of all parameters."""
    entry: Any = spec.optimizer
    if getattr(entry, "groups", None):
        raise inexpressible(spec, "groups of parameters", ("optimizer", "groups"), "leave out --with-training")
    if entry.closure or entry.plugged or entry.type == "Muon":
        raise inexpressible(spec, f"the optimizer {entry.type}", ("optimizer",), "leave out --with-training")
    arguments = {name: value for name, value in entry.given().items() if name != "groups"}
    text = rendered(Call(f"torch.optim.{entry.type}", arguments, defaults(entry), frozenset()))
    inner = text.partition("(")[2][:-1]
    if set(arguments) and inner and "=" not in inner:  # its only argument, which is not the first here
        inner = f"{next(iter(arguments))}={inner}"
    return f"torch.optim.{entry.type}(network.parameters(){', ' + inner if inner else ''})"


def scheduler_of(spec: Spec, entry: Scheduler) -> str:
    """The scheduler, whose length is the training's where the document leaves it open."""
    if entry.type in COMBINED or entry.plugged:
        raise inexpressible(spec, f"the scheduler {entry.type}", ("scheduler",), "leave out --with-training")
    steps = 'len(splits["train"])'
    length = Formula(f"epochs * {steps}" if entry.settled_interval == "step" else "epochs")
    arguments = {name: value for name, value in entry.given().items() if name not in ("interval", "metric")}
    for name in LENGTHS:
        if name in arguments and arguments[name] is None and not arguments.get("epochs"):
            arguments[name] = length
    parts = [
        f"{name}={rendered(value)}" for name, value in arguments.items()
        if name not in defaults(entry) or value != defaults(entry)[name]
    ]  # fmt: skip
    return f"torch.optim.lr_scheduler.{entry.type}(optimizer, {', '.join(parts)})"


def defaults(entry: Entry) -> dict[str, Any]:
    """The defaults of an entry's arguments, which are torch's."""
    return {name: field.default for name, field in entry.__class__.model_fields.items() if not field.is_required()}
