"""BatchNorm over the batches of all processes, on any device."""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


class Summed(torch.autograd.Function):
    """A tensor summed over all processes; so is its gradient, for what is made small is the sum of all losses."""

    @staticmethod
    def forward(ctx: Any, tensor: torch.Tensor) -> torch.Tensor:
        """The sum."""
        summed = tensor.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        """The sum of the gradients."""
        summed = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(summed)
        return summed


class SyncedBatchNorm(_BatchNorm):
    """`(N, C, *) → (N, C, *)`: BatchNorm whose mean and variance in training are those of the whole batch.

    `torch.nn.SyncBatchNorm` computes the same, on GPUs alone. The keys of the state are BatchNorm's.
    """

    counts: bool = True
    """Whether the samples that this process sees now are of the batch: one that only fills up is not."""

    def _check_input_dim(self, input: torch.Tensor) -> None:
        if input.dim() < 2:
            raise ValueError(f"expected at least 2 dimensions, got {input.dim()}")

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Normalized by the whole batch in training, by the running statistics else."""
        if not self.training:
            return super().forward(input)
        axes = [0, *range(2, input.dim())]
        shape = [1, -1, *[1] * (input.dim() - 2)]
        exact = input.float()
        share = 1.0 if self.counts else 0.0
        number = share * (exact.numel() // exact.shape[1])
        sums = Summed.apply(torch.cat([exact.sum(axes) * share, exact.new_tensor([number])]))  # type: ignore[no-untyped-call]
        whole = sums[-1].detach()
        mean = sums[:-1] / whole
        centred = exact - mean.view(shape)
        variance = Summed.apply(centred.square().sum(axes) * share) / whole  # type: ignore[no-untyped-call]
        self.follow(mean.detach(), variance.detach(), whole)
        output = centred * torch.rsqrt(variance + self.eps).view(shape)
        if self.affine:
            output = output * self.weight.view(shape) + self.bias.view(shape)
        return cast(torch.Tensor, output.to(input.dtype))

    def follow(self, mean: torch.Tensor, variance: torch.Tensor, number: torch.Tensor) -> None:
        """Take one batch into the running statistics, as torch does."""
        if not self.track_running_stats:
            return
        assert self.num_batches_tracked is not None
        assert self.running_mean is not None
        assert self.running_var is not None
        self.num_batches_tracked.add_(1)
        part = self.momentum if self.momentum is not None else 1.0 / float(self.num_batches_tracked)
        unbiased = variance * (number / (number - 1).clamp(min=1))
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), part)
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), part)


def synced(model: nn.Module, device: torch.device) -> list[SyncedBatchNorm]:
    """Put synced modules in place of all BatchNorms, the parameters the same objects; those of them that are told.

    On a GPU they are torch's own.
    """
    made: list[SyncedBatchNorm] = []
    for parent in list(model.modules()):
        for name, module in list(parent.named_children()):
            if not isinstance(module, _BatchNorm) or isinstance(module, (SyncedBatchNorm, nn.SyncBatchNorm)):
                continue
            if device.type == "cuda":
                put: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
            else:
                put = SyncedBatchNorm(
                    module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats
                )
                put._parameters, put._buffers, put.training = module._parameters, module._buffers, module.training
                made.append(put)
            parent._modules[name] = put
    return made
