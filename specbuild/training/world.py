"""The processes that train one network together; here one, which has it all."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from specbuild.data import Split
from specbuild.language.document import Spec
from specbuild.network.plan import Plan
from specbuild.training.device import choose, require_room
from specbuild.training.interruption import Signals
from specbuild.training.objective import Judged, Objective

if TYPE_CHECKING:
    from specbuild.runs.checkpoints import Aside
    from specbuild.training.fitting import Fit
    from specbuild.training.sharding import Taken


class World:
    """One process. Another kind of world answers the same questions for several.

    What a process asks, every process asks, in the same order: an answer may be talked over.
    """

    rank: int = 0
    size: int = 1
    has_whole: bool = True
    """Whether this process has the whole network, and can call it on its own."""

    @property
    def writer(self) -> bool:
        """Whether this process records the run and reports."""
        return self.rank == 0

    def settled(self, spec: Spec, plan: Plan, asked: str | None) -> torch.device:
        """The device of this process; asked: the one of the command line. Raises `DataError`."""
        return choose(spec, asked)

    def require_room(self, spec: Spec, plan: Plan, device: torch.device) -> None:
        """Raise `DataError` (SB311) where the device has too little memory."""
        require_room(spec, plan, device)

    def shared(self, splits: Mapping[str, Split], plan: Plan) -> None:
        """Give each split the part of every batch that is this process's."""

    def wrapped(self, model: nn.Module) -> nn.Module:
        """The model as it is called in training; its parameters are those that the optimizer is given."""
        return model

    def unsynced(self, model: nn.Module) -> AbstractContextManager[None]:
        """While entered, what `wrapped` gave keeps its gradients to itself: more batches of the step are to come."""
        return nullcontext()

    def fed(self, batch: Mapping[str, torch.Tensor]) -> None:
        """Hear of a batch before it goes through the network in training."""

    def weighed(self, objective: Objective, judged: Judged, batch: Mapping[str, torch.Tensor]) -> tuple[Judged, Judged]:
        """What a meter is given of a batch that is learned from, and what is sent back."""
        return judged, judged

    def measured(self, objective: Objective, judged: Judged, batch: Mapping[str, torch.Tensor]) -> Judged:
        """What a meter is given of a batch that is only judged."""
        return judged

    def aligned(self, model: nn.Module) -> None:
        """Give all processes the same buffers, before they measure."""

    def summed(self, tensors: list[torch.Tensor]) -> list[torch.Tensor]:
        """Each tensor summed over all processes."""
        return tensors

    def agreed(self, flag: bool) -> bool:
        """Whether any process says so."""
        return flag

    def whole(self, tensor: torch.Tensor) -> torch.Tensor:
        """A tensor that may be in parts, put together."""
        return tensor

    def state_of(self, model: nn.Module) -> dict[str, torch.Tensor]:
        """The whole `state_dict` of the unwrapped model."""
        return model.state_dict()

    def barrier(self) -> None:
        """Wait until all are here."""

    def told(self, text: str) -> str:
        """What the writer says, in every process; text: that of the writer counts."""
        return text

    def parts(self, fit: Fit) -> Taken | None:
        """What this process has of a network in parts, copied to host memory; None where it has all."""
        return None

    def written(
        self, aside: Aside, state: Mapping[str, Any], own: Mapping[str, Any], parts: Taken | None, run_id: str
    ) -> Path:
        """Write a checkpoint, in a thread of its own; own: what this process has for itself. Raises `OSError`.

        state: what all have alike, in the writer. parts: as above.
        """
        aside.begin()
        aside.put({**state, **own})
        return aside.appear(run_id)

    def read(self, fit: Fit, folder: Path, state: Mapping[str, Any]) -> Mapping[str, Any]:
        """What this process had for itself in a checkpoint; state: the writer's part of it."""
        return state

    def ended(self, error: BaseException, signals: Signals) -> BaseException:
        """What ended the training, where `error` ended it in this process."""
        return error


ALONE = World()
"""The world of a training in one process."""
