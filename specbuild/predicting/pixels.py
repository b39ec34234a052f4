"""The transforms of a validation without torch: those that draw nothing and are exact enough in NumPy and Pillow.

Equal to the operations of `specbuild.data.operations` to the bit, but for Grayscale and Resize on bytes (they may
differ by 1 of 255) and Resize on floating point (by 1e-5 of the largest value).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np

from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms import Transform
from specbuild.catalogue.transforms.combining import Compose
from specbuild.catalogue.transforms.conversions import Identity, PILToTensor, ToDtype, ToImage, ToPureTensor
from specbuild.catalogue.transforms.crops import CenterCrop
from specbuild.catalogue.transforms.sizes import Pad, Resize
from specbuild.catalogue.transforms.transform import pair
from specbuild.catalogue.transforms.values import RGB, Grayscale, Normalize, ToTensor
from specbuild.predicting.given import Array

Apply = Callable[[Any, Array], Array]
"""A transform on one image `[C, H, W]`, uint8 or float32."""


def nothing(transform: Transform, image: Array) -> Array:
    """As it is."""
    return image


def to_tensor(transform: ToTensor, image: Array) -> Array:
    """Bytes to float32 from 0 to 1."""
    return scaled_down(image) if image.dtype == np.uint8 else image.astype(np.float32)


def scaled_down(image: Array) -> Array:
    """0 to 255 as 0 to 1."""
    return cast(Array, image.astype(np.float32) * np.float32(1 / 255))


def to_dtype(transform: ToDtype, image: Array) -> Array:
    """Another type, by v2's arithmetic."""
    if transform.dtype == str(image.dtype):
        return image
    if not transform.scale:
        return image.astype(transform.dtype)
    if transform.dtype == "float32":
        return scaled_down(image)
    return (image * np.float32(255 + 1 - 1e-3)).astype(np.uint8)


def normalize(transform: Normalize, image: Array) -> Array:
    """Less the mean, divided by the deviation."""
    mean, std = (np.array(values, np.float32).reshape(-1, 1, 1) for values in (transform.mean, transform.std))
    return cast(Array, (image - mean) / std)


def grayscale(transform: Grayscale, image: Array) -> Array:
    """The brightness."""
    if image.shape[0] == 3:
        red, green, blue = image.astype(np.float32)
        gray = red * np.float32(0.2989) + green * np.float32(0.587) + blue * np.float32(0.114)
        image = gray[None].astype(image.dtype)
    return np.repeat(image, transform.num_output_channels, 0)


def rgb(transform: RGB, image: Array) -> Array:
    """Three equal channels of one."""
    return image if image.shape[0] == 3 else np.repeat(image, 3, 0)


def pad(transform: Pad, image: Array) -> Array:
    """A border."""
    return padded(image, transform.edges(), transform.fill, transform.padding_mode)


def padded(image: Array, edges: tuple[int, int, int, int], fill: Any, mode: str) -> Array:
    """An image with a border; edges: left, top, right, bottom."""
    left, top, right, bottom = edges
    widths = ((0, 0), (top, bottom), (left, right))
    if mode != "constant":
        return np.pad(image, widths, mode)  # type: ignore[call-overload,no-any-return]
    found = np.pad(image, widths)
    values = np.array(fill or 0.0, np.float64).reshape(-1, 1, 1).astype(image.dtype)
    outside = np.pad(np.zeros(image.shape[1:], bool), widths[1:], constant_values=True)
    return np.where(outside, values, found)


def center_crop(transform: CenterCrop, image: Array) -> Array:
    """The middle, padded with 0 where it is too small."""
    height, width = pair(transform.size)
    tall, wide = max(0, height - image.shape[1]), max(0, width - image.shape[2])
    if tall or wide:
        image = padded(image, (wide // 2, tall // 2, (wide + 1) // 2, (tall + 1) // 2), 0.0, "constant")
    top, left = round((image.shape[1] - height) / 2.0), round((image.shape[2] - width) / 2.0)
    return image[:, top : top + height, left : left + width]


def resize(transform: Resize, image: Array) -> Array:
    """Interpolated to another size."""
    found = transform.infer(SampleType(image.shape, str(image.dtype), image=image.dtype == np.uint8))
    _, height, width = cast(tuple[int, int, int], found.shape)
    if image.shape[1:] == (height, width):
        return image
    kind = transform.interpolation
    if kind.startswith("nearest"):
        rows, columns = (nearest(old, new, kind) for old, new in zip(image.shape[1:], (height, width), strict=True))
        return image[:, rows][:, :, columns]
    if transform.antialias:
        return smoothed(image, height, width, kind)
    taps = [window(old, new, kind) for old, new in zip(image.shape[1:], (height, width), strict=True)]
    values = image.astype(np.float32)
    for axis, (places, weights) in ((2, taps[1]), (1, taps[0])):
        parts = values.take(places, axis)  # [..., new, taps, ...]
        shape = (1, 1, *weights.shape) if axis == 2 else (1, *weights.shape, 1)
        values = (parts * weights.reshape(shape)).sum(axis + 1, dtype=np.float32)
    return as_stored(values, image)


def as_stored(values: Array, image: Array) -> Array:
    """Floating point as it is; bytes rounded."""
    return np.rint(values.clip(0, 255)).astype(np.uint8) if image.dtype == np.uint8 else values.astype(np.float32)


def smoothed(image: Array, height: int, width: int, kind: str) -> Array:
    """By Pillow, which smooths while it shrinks, as v2 does with `antialias`."""
    from PIL import Image

    filter = Image.Resampling.BILINEAR if kind == "bilinear" else Image.Resampling.BICUBIC
    return np.stack([np.array(Image.fromarray(channel).resize((width, height), filter)) for channel in image])


def nearest(old: int, new: int, kind: str) -> Array:
    """The pixel that each new one is."""
    half = 0.5 if kind == "nearest-exact" else 0.0
    places = np.floor((np.arange(new, dtype=np.float32) + np.float32(half)) * np.float32(old / new))
    return cast(Array, np.minimum(places.astype(np.int64), old - 1))


def window(old: int, new: int, kind: str) -> tuple[Array, Array]:
    """For each new pixel the old ones that it is made of, and how much of each."""
    middle = (np.arange(new) + 0.5) * (old / new) - 0.5
    reach = 1 if kind == "bilinear" else 2
    if reach == 1:
        middle = middle.clip(0)
    first = np.floor(middle).astype(np.int64) - (reach - 1)
    places = first[:, None] + np.arange(2 * reach)
    away = np.abs(middle[:, None] - places)
    weights = np.maximum(0, 1 - away) if reach == 1 else cubic(away)
    return places.clip(0, old - 1), weights.astype(np.float32)


def cubic(away: Array) -> Array:
    """Keys' kernel with a slope of -0.75, as torch has it where nothing is smoothed."""
    a = -0.75
    near = ((a + 2) * away - (a + 3)) * away * away + 1
    far = ((a * away - 5 * a) * away + 8 * a) * away - 4 * a
    return cast(Array, np.where(away <= 1, near, np.where(away < 2, far, 0)))


def compose(transform: Compose, image: Array) -> Array:
    """One after another."""
    return applied(transform.transforms, image)


APPLY: Mapping[type[Any], Apply] = {
    Identity: nothing,
    ToImage: nothing,
    PILToTensor: nothing,
    ToPureTensor: nothing,
    ToTensor: to_tensor,
    ToDtype: to_dtype,
    Normalize: normalize,
    Grayscale: grayscale,
    RGB: rgb,
    Pad: pad,
    CenterCrop: center_crop,
    Resize: resize,
    Compose: compose,
}
"""What is done without torch, by the class of the transform."""


def missing(transforms: tuple[Transform, ...]) -> str | None:
    """The first transform that is not done without torch."""
    for transform in transforms:
        inner = missing(transform.transforms) if isinstance(transform, Compose) else None
        if inner is not None or type(transform) not in APPLY:
            return inner or transform.type
    return None


def applied(transforms: tuple[Transform, ...], image: Array) -> Array:
    """An image `[C, H, W]` after the transforms."""
    for transform in transforms:
        image = APPLY[type(transform)](transform, image)
    return np.ascontiguousarray(image)
