"""The loop of a training, and what it evaluates by."""

from __future__ import annotations

import re
from typing import Any, cast

from specbuild.catalogue.schedulers import Scheduler
from specbuild.exporting.python.expressions import rendered
from specbuild.exporting.python.judging import Judging, read_from
from specbuild.exporting.python.refusing import inexpressible
from specbuild.exporting.python.stepping import frozen, optimizer_of, rested, scheduler_of
from specbuild.language.document import Spec
from specbuild.language.training import mode_of
from specbuild.network.metrics import best_of
from specbuild.network.plan import Plan
from specbuild.network.scheduling import metric_of

EVALUATE = '''
@torch.no_grad()
def evaluate(network: nn.Module, split: DataLoader, device: torch.device) -> dict[str, float]:
    """The means over a split."""
    network.eval()
    results = Results(device)
    for SAMPLE in split:
        TAKEN
        OUTPUT
        JUDGED
    return results.means()
'''


BRIEFLY = '''
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
"""The same of a training without anything special."""


class Fitting:
    """The texts of a document's loop."""

    def __init__(self, spec: Spec, plan: Plan, judging: Judging) -> None:
        self.spec, self.plan, self.judging = spec, plan, judging
        assert spec.data is not None
        self.data, self.train = spec.data, spec.train
        self.val = spec.data.val is not None
        self.scheduler = cast("Scheduler | None", spec.scheduler)
        self.interval = None if self.scheduler is None else self.scheduler.settled_interval
        self.best = best_of(spec, val=self.val)
        self.kept = read_from(self.best.metric, judging, val=self.val, path=("train", "best", "metric"))
        self.less = self.best.settled_mode == "min"
        self.plateau: tuple[str, str] | None = None
        metric = None if self.scheduler is None else metric_of(self.scheduler, val=self.val)
        if metric is not None:
            self.plateau = read_from(metric, judging, val=self.val, path=("scheduler", "metric"))
        self.stopping: tuple[str, str] | None = None
        stopping = self.train.early_stopping
        if stopping is not None:
            path = ("train", "early_stopping", "metric")
            self.stopping = read_from(stopping.metric or self.best.metric, judging, val=self.val, path=path)
        names = (self.kept, self.plateau, self.stopping)
        self.tracked = not self.val or any(name is not None and name[0] == "learned" for name in names)
        """Whether what is measured in learning is needed."""
        self.counted = self.train.max_steps is not None or (self.train.ema is not None and self.train.ema.every > 1)
        if self.train.accumulate > 1 and any(judging.sums):
            fix = "accumulate: 1, or reduction: mean"
            raise inexpressible(spec, "`accumulate` with a loss that is a sum", ("train", "accumulate"), fix)

    @property
    def brief(self) -> bool:
        """Whether the loop is that of a training without anything special."""
        train, judging = self.train, self.judging
        special = self.tracked or judging.measured or any(judging.sums) or judging.fields
        lower = train.precision in ("bfloat16", "float16")
        return not special and not lower and not getattr(self.spec.optimizer, "closure", False)

    @property
    def sample(self) -> str:
        """What a batch is taken as."""
        return "batch" if self.judging.fields else "x, target"

    @property
    def taken(self) -> str:
        """The statement that brings a batch to the device."""
        if self.judging.fields:
            return "batch = {name: values.to(device) for name, values in batch.items()}"
        return "x, target = x.to(device), target.to(device)"

    @property
    def called(self) -> str:
        """The network on a batch."""
        if not self.judging.fields:
            return "network(x)"
        return f"network({', '.join(f'batch[{rendered(name)}]' for name in self.spec.inputs)})"

    @property
    def size(self) -> str:
        """The samples of a batch."""
        return f"len(batch[{rendered(next(iter(self.spec.inputs)))}])" if self.judging.fields else "len(x)"

    def forward(self, keep: str) -> list[str]:
        """The statements from a batch to what is judged of it, `keep`; in lower precision where that is asked for."""
        precision = self.train.precision
        lines = [f"output = {self.called}", f"{keep} = judge({self.judging.call})"]
        if self.brief:
            return [f'loss = judge({self.called}, x, target)["loss"]']
        if precision in ("bfloat16", "float16"):
            context = f"with torch.autocast(device.type, torch.{precision}):"
            return [context, *(f"    {line}" for line in lines)]
        return lines

    def added(self, results: str) -> list[str]:
        """The statements that add a batch to what a pass comes to."""
        lines = [f"{results}.add(judged, {self.size})"]
        if self.judging.measured:
            given = "output, batch" if self.judging.fields else "output, x, target"
            lines.append(f"measure({results}.metrics, {given})")
        return lines

    def evaluate(self) -> str:
        """The function that evaluates a split."""
        if self.brief:
            return BRIEFLY
        text = EVALUATE.replace("SAMPLE", self.sample).replace("TAKEN", self.taken)
        text = text.replace("        OUTPUT\n", "".join(f"        {line}\n" for line in self.forward("judged")))
        return text.replace("        JUDGED\n", "".join(f"        {line}\n" for line in self.added("results")))

    def total(self) -> tuple[list[str], str, str]:
        """Statements, and then how often the scheduler goes on in the training and in an epoch."""
        steps = 'len(splits["train"])'
        lines: list[str] = []
        if self.train.accumulate > 1:
            steps = f"-(-{steps} // ACCUMULATE)"
        if self.interval != "step":
            total = "epochs"
            if self.train.max_steps is not None:
                total = f"min(epochs, -(-MAX_STEPS // {steps}))" if "//" not in steps else (
                    f"min(epochs, -(-MAX_STEPS // ({steps})))"
                )  # fmt: skip
            return lines, total, "1"
        if self.train.accumulate > 1:
            lines.append(f"steps_per_epoch = {steps}")
            steps = "steps_per_epoch"
        total = f"epochs * {steps}"
        if self.train.max_steps is not None:
            lines.append(f"total_steps = min({total}, MAX_STEPS)")
            total = "total_steps"
        return lines, total, steps

    def beginning(self) -> list[str]:
        """The statements before the first epoch."""
        train = self.train
        lines = ["torch.manual_seed(SEED)"]
        if train.deterministic:
            lines.append("torch.use_deterministic_algorithms(True)")
        to = "device, memory_format=torch.channels_last" if train.memory_format == "channels_last" else "device"
        lines += [f"device = torch.device({self.device()})", "splits = batches()", f"network = build().to({to})"]
        lines += frozen(self.plan)
        if train.compile:
            mode = f"mode={rendered(train.compile)}" if isinstance(train.compile, str) else ""
            lines.append(f"network.compile({mode})")
        if train.ema is not None:
            average = f"multi_avg_fn=get_ema_multi_avg_fn({rendered(train.ema.decay)})"
            lines.append(f"averaged = AveragedModel(network, {average}, use_buffers=True)")
        lines.append(f"optimizer = {optimizer_of(self.spec, self.plan)}")
        if self.scheduler is not None:
            more, total, steps = self.total()
            lines += [*more, f"scheduler = {scheduler_of(self.spec, total, steps)}"]
        if train.precision == "float16":
            lines.append("scaler = torch.amp.GradScaler(device.type)")
        lines.append("best = None")
        if self.stopping is not None and not self.stops_by_best:
            lines.append("reached = None")
        if self.stopping is not None:
            lines.append("waited = 0")
        if self.counted:
            lines.append("steps = 0")
        if train.max_minutes is not None:
            lines.append("end = monotonic() + 60 * MAX_MINUTES")
        return lines

    @property
    def stops_by_best(self) -> bool:
        """Whether the training ends early by what the best epoch is chosen by."""
        stopping = self.train.early_stopping
        return stopping is not None and self.stopping == self.kept and not stopping.min_delta and (
            self.stops_for_less == self.less
        )  # fmt: skip

    @property
    def stops_for_less(self) -> bool:
        """Whether less is better of what the training ends early by."""
        stopping = self.train.early_stopping
        assert stopping is not None
        metric = stopping.metric or self.best.metric
        mode = stopping.mode or (self.best.settled_mode if metric == self.best.metric else None)
        return mode_of(metric, mode) == "min"

    def step(self) -> list[str]:
        """The statements of a step, from what was judged on."""
        train = self.train
        if getattr(self.spec.optimizer, "closure", False):
            return ["optimizer.step(closure)", *self.stepped()]
        scaled = train.precision == "float16"
        loss = "loss" if self.brief else 'judged["loss"]'
        many = train.accumulate > 1
        if many:
            loss = f"({loss} / group)"
        backward = f"scaler.scale({loss}).backward()" if scaled else f"{loss}.backward()"
        lines = [] if many else ["optimizer.zero_grad()"]
        lines.append(backward)
        step: list[str] = []
        if scaled and (train.clip_grad_norm or train.clip_grad_value):
            step.append("scaler.unscale_(optimizer)")
        if train.clip_grad_norm is not None:
            step.append(f"nn.utils.clip_grad_norm_(network.parameters(), {rendered(train.clip_grad_norm)})")
        if train.clip_grad_value is not None:
            step.append(f"nn.utils.clip_grad_value_(network.parameters(), {rendered(train.clip_grad_value)})")
        step += ["scaler.step(optimizer)", "scaler.update()"] if scaled else ["optimizer.step()"]
        if many:
            step.append("optimizer.zero_grad()")
        step += self.stepped()
        if not many:
            return lines + step
        return [*lines, "if (number + 1) % ACCUMULATE == 0 or number + 1 == len(splits[\"train\"]):",
                *(f"    {line}" for line in step)]  # fmt: skip

    def stepped(self) -> list[str]:
        """The statements after a step of the optimizer."""
        lines = ["steps += 1"] if self.counted else []
        ema = self.train.ema
        if ema is not None:
            update = "averaged.update_parameters(network)"
            lines += [f"if steps % {ema.every} == 0:", f"    {update}"] if ema.every > 1 else [update]
        if self.interval == "step":
            lines.append("scheduler.step()")
        if self.train.max_steps is not None:
            lines += ["if steps == MAX_STEPS:", "    break"]
        return lines

    def learning(self) -> list[str]:
        """The statements of an epoch's batches."""
        many = self.train.accumulate > 1
        lines = [self.taken]
        if many:
            lines.append('group = min(ACCUMULATE, len(splits["train"]) - number // ACCUMULATE * ACCUMULATE)')
        if getattr(self.spec.optimizer, "closure", False):
            if many or self.train.precision in ("bfloat16", "float16"):
                what = "`accumulate`" if many else "a lower precision"
                path = ("train", "accumulate" if many else "precision")
                raise inexpressible(self.spec, f"{what} with an optimizer that evaluates a batch as it likes", path)
            inner = [*self.forward("judged"), "optimizer.zero_grad()", 'judged["loss"].backward()',
                     'return judged["loss"]']  # fmt: skip
            bound = ", ".join(f"{name}={name}" for name in self.sample.split(", "))
            lines += [f"def closure({bound}) -> Tensor:", *(f"    {line}" for line in inner)]
            if self.tracked:
                lines += ["with torch.no_grad():", *(f"    {line}" for line in [*self.forward("judged"),
                          *self.added("passed")])]  # fmt: skip
            lines += self.step()
        else:
            lines += self.forward("judged")
            if self.tracked:
                lines += self.added("passed")
            lines += self.step()
        if self.train.max_minutes is not None:
            lines += ["if monotonic() >= end:", "    break"]
        each = f"for number, ({self.sample}) in enumerate(splits[\"train\"]):" if many and "," in self.sample else (
            f"for number, {self.sample} in enumerate(splits[\"train\"]):"
            if many
            else f'for {self.sample} in splits["train"]:'
        )  # fmt: skip
        return [each, *(f"    {line}" for line in lines)]

    def loop(self) -> str:
        """The function that trains."""
        judged = "averaged.module" if self.train.ema is not None else "network"
        split = "val" if self.val else "train"
        epoch = ["network.train()", *rested(self.plan)]
        if self.tracked:
            epoch.append("passed = Results(device)")
        epoch += self.learning()
        if self.val:
            if self.tracked:
                epoch.append("learned = passed.means()")
            epoch.append(f'results = evaluate({judged}, splits["val"], device)')
        else:
            epoch.append("results = passed.means()")
        if self.interval == "epoch":
            told = f"{self.plateau[0]}[{rendered(self.plateau[1])}]" if self.plateau is not None else ""
            epoch.append(f"scheduler.step({told})")
        epoch += [
            'said = ", ".join(f"{name} {value:.4f}" for name, value in results.items())',
            f'print(f"epoch {{epoch + 1}}: {split} {{said}}")',
        ]
        epoch += self.ending(judged)
        lines = [*self.beginning(), "for epoch in range(epochs):", *(f"    {line}" for line in epoch)]
        if self.data.test is not None:
            lines += [
                "load_model(network, weights)",
                'results = evaluate(network, splits["test"], device)',
                'print("test:", ", ".join(f"{name} {value:.4f}" for name, value in results.items()))',
            ]
        document = ['"""Train the network, and keep the weights of the best epoch.', *self.beginnings(), '"""']
        if len(document) == 2:
            document = [document[0] + document[1]]
        head = "def train(weights: str = WEIGHTS, epochs: int = EPOCHS) -> None:\n"
        return head + "\n".join(f"    {line}" for line in [*document, *lines])

    def beginnings(self) -> list[str]:
        """What is said of weights that the document begins with."""
        names = [re.sub(r"[^0-9A-Za-z_./ -]", "?", weights.name) for weights in self.spec.weights]
        if not names:
            return []
        return [
            "",
            f"The document begins with the weights of {', '.join(names)};",
            "this begins with new ones: load others once the network is built.",
        ]

    def ending(self, judged: str) -> list[str]:
        """The statements that keep an epoch's weights, and that end the training before its last epoch."""
        value = f"{self.kept[0]}[{rendered(self.kept[1])}]"
        also = self.stops_by_best
        lines = [
            f"if best is None or {value} {'<' if self.less else '>'} best:",
            f"    best{', waited' if also else ''} = {value}{', 0' if also else ''}",
            f"    save_model({judged}, weights)",
        ]
        stopping = self.train.early_stopping
        if also:
            lines += ["else:", "    waited += 1"]
        elif stopping is not None and self.stopping is not None:
            value = f"{self.stopping[0]}[{rendered(self.stopping[1])}]"
            delta = rendered(stopping.min_delta) if stopping.min_delta else ""
            bar = f"reached {'-' if self.stops_for_less else '+'} {delta}" if delta else "reached"
            lines += [
                f"if reached is None or {value} {'<' if self.stops_for_less else '>'} {bar}:",
                f"    reached, waited = {value}, 0",
                "else:",
                "    waited += 1",
            ]
        ends: list[str] = []
        if stopping is not None:
            ends.append(f"waited == {max(1, stopping.patience)}")
        if self.train.max_steps is not None:
            ends.append("steps == MAX_STEPS")
        if self.train.max_minutes is not None:
            ends.append("monotonic() >= end")
        return [*lines, f"if {' or '.join(ends)}:", "    break"] if ends else lines

    def device(self) -> str:
        """Where the network is trained."""
        if self.train.device == "auto":
            return '"cuda" if torch.cuda.is_available() else "cpu"'
        return rendered(self.train.device)


def constants(spec: Spec, weights: str) -> str:
    """The numbers of a training that one changes."""
    train: Any = spec.train
    lines = [f"EPOCHS = {train.epochs}"]
    if train.accumulate > 1:
        lines.append(f"ACCUMULATE = {train.accumulate}")
    if train.max_steps is not None:
        lines.append(f"MAX_STEPS = {train.max_steps}")
    if train.max_minutes is not None:
        lines.append(f"MAX_MINUTES = {rendered(train.max_minutes)}")
    return "\n".join([*lines, f"SEED = {train.seed}", f"WEIGHTS = {rendered(weights)}"]) + "\n"
