"""A run's model as what predicts: the transforms and the precision of its validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from specbuild.data.failure import Unusable
from specbuild.data.mixing import averaged, repeated
from specbuild.data.operations import Pipeline
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.network.inference import infer
from specbuild.network.samples import normalized_layers
from specbuild.predicting.form import Form, form_of
from specbuild.predicting.given import Array
from specbuild.runs.run import Run
from specbuild.training.device import choose
from specbuild.training.evaluation import copy_of
from specbuild.training.indexing import lookups_told
from specbuild.training.layout import memory_format
from specbuild.training.passes import Feed
from specbuild.training.precision import autocast, recorded


class RunNetwork:
    """The model of a run, on a device. Its inputs go the way of those that the run is evaluated on, to the bit."""

    def __init__(self, run: Run, device: str | None = None) -> None:
        """device: by default a GPU if there is one. Raises `DataError` (SB407) where it is not there."""
        spec = run.spec
        self.spec, self.plan = spec, run.plan
        self.form: Form = form_of(spec, run.plan, str(run.path), run.preprocessing, run.samples)
        self.batch_size = spec.data.loader_of("val").batch_size if spec.data is not None else 64
        self.device = choose(spec, device or "auto")
        self.pipeline = Pipeline(self.form.transforms, spec.train.seed, 1)
        settled = infer(spec.at({})) if spec.dims else run.plan
        layout = memory_format(spec, settled, self.device)
        self.model = averaged(copy_of(run.model, self.device, layout), self.pipeline.views).eval()
        self.feed = Feed(settled, layout)
        self.precision = autocast(self.device, recorded(run.environment))
        self.doubled = any(True for _ in normalized_layers(settled, training=False))
        """Whether torch refuses a batch of one."""

    def __call__(self, batch: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
        """The outputs of the inputs, float32 where they are floating point."""
        count = len(batch)
        given = self.prepared([*batch, *batch] if count == 1 and self.doubled else batch)
        with torch.inference_mode(), lookups_told(self.spec, self.plan, self.model), self.precision:
            outputs = self.model(*self.feed(given))
        named = outputs if isinstance(outputs, Mapping) else {next(iter(self.plan.outputs)): outputs}
        return {name: as_array(output)[:count] for name, output in named.items()}

    def prepared(self, batch: Sequence[Mapping[str, Array]]) -> dict[str, torch.Tensor]:
        """The inputs after the transforms, on the device."""
        image, names = self.form.image, tuple(self.plan.inputs)
        moved = image in names and bool(self.form.transforms)
        given = {name: stacked([each[name] for each in batch]) for name in names if not (moved and name == image)}
        if moved:
            alike = len({each[image].shape for each in batch}) == 1
            groups = [batch] if alike else [[each] for each in batch]
            images = [self.transformed(stacked([each[image] for each in group])) for group in groups]
            given = {**given, image: torch.cat(images)}
            if self.pipeline.views > 1:
                given = repeated(given, image, names, self.pipeline.views)
        return {name: given[name].to(self.device) for name in names}

    def transformed(self, images: torch.Tensor) -> torch.Tensor:
        """Images of one size after the transforms; nothing in them draws."""
        try:
            return self.pipeline(images, torch.zeros(len(images), dtype=torch.int64), 0)
        except Unusable as unusable:  # of a plug-in
            raise RunError([Diagnostic("SB514", unusable.message, file=self.form.file, fix=unusable.fix)]) from None


def stacked(values: Sequence[Array]) -> torch.Tensor:
    """Arrays of one shape as a batch of their own."""
    return torch.from_numpy(np.stack(values))


def as_array(output: torch.Tensor) -> Array:
    """An output on the CPU; bfloat16 and float16 as float32."""
    output = output.float() if output.is_floating_point() else output
    return output.cpu().numpy()
