"""Operations that sharpen, blur, add noise or compress."""

from __future__ import annotations

import math
from io import BytesIO

import torch
from torch.nn import functional

from specbuild.catalogue.transforms.filters import JPEG, GaussianBlur, GaussianNoise, RandomAdjustSharpness
from specbuild.catalogue.transforms.transform import pair
from specbuild.data.operations.adjusting import Amounts, sharpened, with_probability
from specbuild.data.operations.drawing import between
from specbuild.data.operations.operation import Builders, Draws, Operation
from specbuild.data.randomness import generator_of


def random_adjust_sharpness(transform: RandomAdjustSharpness) -> Operation:
    """Sharpened or softened."""

    def change(images: torch.Tensor) -> torch.Tensor:
        return sharpened(images, torch.full((len(images),), transform.sharpness_factor, dtype=torch.float64))

    return Operation(with_probability(transform.p, change), streams=1)


def gaussian_blur(transform: GaussianBlur) -> Operation:
    """Each image by a Gaussian of its own."""
    wide, tall = pair(transform.kernel_size)
    limits = transform.deviations()

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        return blurred(images, between(draws[0], limits), wide, tall)

    return Operation(apply, streams=1)


def blurred(images: torch.Tensor, deviations: Amounts, wide: int, tall: int) -> torch.Tensor:
    """`gaussian_blur`, with a deviation for each image."""
    count, channels, height, width = images.shape
    kernels = (gaussian(tall, deviations)[:, :, None] * gaussian(wide, deviations)[:, None, :]).float()
    kernels = kernels.to(images.device).repeat_interleave(channels, 0)[:, None]
    padded = functional.pad(images.float(), (wide // 2, wide // 2, tall // 2, tall // 2), mode="reflect")
    # Every channel of every image is a group of one convolution: each has a kernel of its own.
    found = functional.conv2d(padded.reshape(1, count * channels, *padded.shape[2:]), kernels, groups=count * channels)
    found = found.view(count, channels, height, width)
    return found if images.is_floating_point() else found.round_().to(torch.uint8)


def gaussian(size: int, deviations: Amounts) -> torch.Tensor:
    """For each deviation the weights of a window, float64 `[B, size]`, spaced as v2's are."""
    limit = (size - 1) / (2.0 * math.sqrt(2.0))
    places = torch.linspace(-limit, limit, size, dtype=torch.float64)
    return places.div(deviations[:, None]).square().neg().softmax(1)


def gaussian_noise(transform: GaussianNoise) -> Operation:
    """Normal noise, drawn on the CPU from a generator for each image: the same on every device."""
    mean, sigma = transform.mean, transform.sigma

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        noise = torch.stack([torch.randn(images.shape[1:], generator=generator_of(float(draw))) for draw in draws[0]])
        noise = noise.to(images.device, non_blocking=True)
        if images.is_floating_point():
            found = images + noise.mul_(sigma).add_(mean)
            return found.clamp_(0, 1) if transform.clip else found
        whole = images + noise.mul_(sigma * 255).add_(mean * 255).to(torch.int16)
        return (whole.clamp_(0, 255) if transform.clip else whole).to(torch.uint8)

    return Operation(apply, streams=1)


def jpeg(transform: JPEG) -> Operation:
    """Compressed and opened again, one by one, by Pillow."""
    least, most = transform.qualities()

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        qualities = least + draws[0].mul(most - least + 1).long()
        found = [compressed(image, int(quality)) for image, quality in zip(images.cpu(), qualities, strict=True)]
        return torch.stack(found).to(images.device)

    return Operation(apply, streams=1, batched=False)


def compressed(image: torch.Tensor, quality: int) -> torch.Tensor:
    """An image `[1 or 3, H, W]` of bytes as JPEG gives it back."""
    import numpy
    from PIL import Image

    written = BytesIO()
    rows = image.permute(1, 2, 0)
    Image.fromarray((rows.squeeze(2) if len(image) == 1 else rows).numpy()).save(
        written, format="JPEG", quality=quality
    )
    with Image.open(written) as opened:
        found = torch.from_numpy(numpy.array(opened))
    return found[None] if len(image) == 1 else found.permute(2, 0, 1)


BUILDERS: Builders = {
    RandomAdjustSharpness: random_adjust_sharpness,
    GaussianBlur: gaussian_blur,
    GaussianNoise: gaussian_noise,
    JPEG: jpeg,
}
