"""What a training leaves for TensorBoard, in the run's `tensorboard/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import DataError
from specbuild.language.document import Spec
from specbuild.network.samples import image_field
from specbuild.training.reporting import Silent

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

    from specbuild.training.fitting import Fit

FOLDER = "tensorboard"
EVENTS = "events.out.tfevents"
IMAGES = 32


def require(spec: Spec) -> None:
    """SB410 where TensorBoard is asked for and not installed."""
    if spec.train.tensorboard and find_spec("tensorboard") is None:
        problem = Diagnostic(
            "SB410", "tensorboard is true, but the package tensorboard is not installed", ("train", "tensorboard"),
            fix="pip install 'specbuild[tensorboard]', or tensorboard: false",
        )  # fmt: skip
        raise DataError(spec.place([problem]))


class Board(Silent):
    """Scalars twice a second and by epoch, a batch of training samples, the weights' histograms, the graph."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say_line = say
        self.writer: SummaryWriter | None = None
        self.fit: Fit | None = None
        self.length = 1
        """Steps of an epoch."""

    def ready(self, fit: Fit, folder: Path) -> None:
        """Open the folder; draw the graph and the first samples."""
        from torch.utils.tensorboard import SummaryWriter

        place = folder / FOLDER
        self.writer, self.fit = SummaryWriter(str(place), purge_step=fit.position.epoch), fit
        self.length = -(-fit.splits["train"].steps // fit.spec.train.accumulate)
        self.say_line(f"to look at it: tensorboard --logdir {place}")
        batch = next(iter(fit.splits["train"].batches(1, "cpu")))
        field = image_field(fit.spec.inputs)
        images = batch[field][:IMAGES] if field is not None else torch.zeros(0)
        if images.dim() == 4 and images.shape[1] in (1, 3):
            low, high = images.min(), images.max()
            self.writer.add_images("train/samples", (images - low) / (high - low).clamp(min=1e-12), 0)
        self.draw_graph({name: tensor[:2].to(fit.device) for name, tensor in batch.items()})

    def draw_graph(self, batch: Mapping[str, torch.Tensor]) -> None:
        """The network's graph, traced in eval mode; left out where it cannot be traced."""
        import warnings
        from copy import deepcopy

        assert self.writer is not None
        assert self.fit is not None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                model = deepcopy(self.fit.model).eval()
                self.writer.add_graph(model, tuple(self.fit.feed(batch)), use_strict_trace=False)
            except Exception as error:  # what cannot be traced is torch's to know
                reason = str(error).partition("\n")[0]
                self.say_line(f"TensorBoard has no graph of it, which torch cannot trace: {reason}")

    def batch(self, epoch: int, done: int, total: int, loss: float) -> None:
        """The running loss of the epoch and the learning rate, by the step."""
        assert self.writer is not None
        assert self.fit is not None
        step = round((epoch - 1 + done / max(total, 1)) * self.length)
        self.writer.add_scalar("loss/running", loss, step)
        for name, rate in self.fit.schedule.rates.items():
            self.writer.add_scalar(f"{name}/step", rate, step)

    def epoch(self, record: Mapping[str, Any]) -> None:
        """Everything that was measured, and a histogram of each weight, by the epoch."""
        assert self.writer is not None
        assert self.fit is not None
        for name, value in record.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool) and name != "epoch":
                self.writer.add_scalar(tag(name), value, record["epoch"])
        for name, parameter in self.fit.model.named_parameters():
            self.writer.add_histogram(f"weights/{name}", parameter.detach(), record["epoch"])
        self.writer.flush()

    def close(self, fit: Fit, folder: Path, status: str) -> None:
        """Close the file; its name then says nothing of the machine."""
        assert self.writer is not None
        self.writer.close()
        for number, path in enumerate(sorted((folder / FOLDER).glob(f"{EVENTS}.*"))):
            began = path.name.removeprefix(f"{EVENTS}.").partition(".")[0]
            path.rename(path.with_name(f"{EVENTS}.{began}.{number}"))


def tag(name: str) -> str:
    """`loss/train` of `train_loss`, so that train and val stand beside each other."""
    split, _, rest = name.partition("_")
    return f"{rest}/{split}" if split in ("train", "val") else name
