"""Where each pixel of an image comes from: a grid for each image of a batch, by v2's arithmetic.

The grids are computed element by element, not by a product of matrices, whose rounding depends on the
size of the batch: so an image comes out the same, to the bit, in any batch.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from specbuild.catalogue.transforms.borders import Fill

Pair = tuple[torch.Tensor, torch.Tensor]


def sampled(images: torch.Tensor, grid: torch.Tensor, interpolation: str, fill: Fill) -> torch.Tensor:
    """Images at the places of a grid `[B, H, W, 2]`; outside is `fill`, or None: 0 without v2's second weighing."""
    floating = images.is_floating_point()
    grid = grid.to(images.device, images.dtype if floating else torch.float32, non_blocking=True)
    values = images if floating else images.to(grid.dtype)
    nearest = interpolation == "nearest"
    inside = None
    if fill is not None and not (nearest and fill == 0):  # what nearest finds outside is 0 already
        ones = torch.ones_like(values[:, :1])
        values = torch.cat([values, ones], 1)
    found = functional.grid_sample(values, grid, mode=interpolation, padding_mode="zeros", align_corners=False)
    if values.shape[1] > images.shape[1]:
        found, inside = found[:, :-1], found[:, -1:]
        outside = torch.tensor(fill, dtype=grid.dtype).view(1, -1, 1, 1).to(grid.device)
        if nearest:
            found = torch.where(inside < 0.5, outside, found)
        else:
            found = (found - outside).mul_(inside).add_(outside)
    return found if floating else found.round_().to(images.dtype)


def from_middle(center: tuple[float, float] | None, height: int, width: int) -> tuple[float, float]:
    """A center, x and y, counted from the middle of the image; None is the middle."""
    if center is None:
        return 0.0, 0.0
    return center[0] - width * 0.5, center[1] - height * 0.5


def inverse_affine(
    center: tuple[float, float], angles: torch.Tensor, shift: Pair, scale: torch.Tensor, slant: Pair
) -> torch.Tensor:
    """For each image the matrix from where a pixel goes to where it comes from: float64 `[B, 6]`, row by row."""
    turn = angles.deg2rad()
    along, across = slant[0].deg2rad(), slant[1].deg2rad()
    a = (turn - across).cos() / across.cos()
    b = -(a * along.tan() + turn.sin())
    c = (turn - across).sin() / across.cos()
    d = turn.cos() - c * along.tan()
    first, second, third, fourth = d / scale, -b / scale, -c / scale, a / scale
    x, y = center[0] + shift[0], center[1] + shift[1]
    return torch.stack(
        [
            first,
            second,
            center[0] - first * x - second * y,
            third,
            fourth,
            center[1] - third * x - fourth * y,
        ],
        1,
    )


def affine(images: torch.Tensor, matrices: torch.Tensor) -> torch.Tensor:
    """The grid of each image, as grid_sample counts: float32 `[B, H, W, 2]`."""
    height, width = images.shape[-2:]
    halves = torch.tensor([0.5 * width] * 3 + [0.5 * height] * 3)
    matrices = (matrices.float() / halves).to(images.device, non_blocking=True)
    a, b, c, d, e, f = matrices.view(-1, 6, 1, 1).unbind(1)
    x = centered(width, images.device)
    y = centered(height, images.device).unsqueeze(1)
    grid = torch.empty(len(matrices), height, width, 2, device=images.device)
    torch.add(a * x + b * y, c, out=grid[..., 0])
    torch.add(d * x + e * y, f, out=grid[..., 1])
    return grid


def centered(size: int, device: torch.device) -> torch.Tensor:
    """The places of a row's pixels, counted from its middle."""
    return torch.linspace((1.0 - size) * 0.5, (size - 1.0) * 0.5, size, device=device)


def perspective_coefficients(corners: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """The eight coefficients for which moved corners `[B, 4, 2]` come from an image's own: float32 `[B, 8]`.

    Not finite where there are none: three of the corners lie on one line.
    """
    origin = torch.tensor([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], dtype=torch.float64)
    corners = corners.double()
    one, zero = torch.ones_like(corners[..., :1]), torch.zeros_like(corners)
    straight = torch.cat([corners, one], 2)
    nothing = torch.cat([zero, one * 0], 2)
    rows = torch.stack(
        [
            torch.cat([straight, nothing, -origin[:, :1] * corners], 2),
            torch.cat([nothing, straight, -origin[:, 1:] * corners], 2),
        ],
        2,
    ).flatten(1, 2)
    found, info = torch.linalg.solve_ex(rows, origin.flatten().expand(len(rows), 8))
    found = torch.where((info != 0).unsqueeze(1), torch.nan, found)
    return found.float()


def perspective(images: torch.Tensor, coefficients: torch.Tensor) -> torch.Tensor:
    """The grid of each image, as grid_sample counts: float32 `[B, H, W, 2]`."""
    height, width = images.shape[-2:]
    halves = torch.tensor([0.5 * width] * 3 + [0.5 * height] * 3 + [1.0, 1.0])
    coefficients = (coefficients / halves).to(images.device, non_blocking=True)
    a, b, c, d, e, f, g, h = coefficients.view(-1, 8, 1, 1).unbind(1)
    x = torch.linspace(0.5, width - 0.5, width, device=images.device)
    y = torch.linspace(0.5, height - 0.5, height, device=images.device).unsqueeze(1)
    below = g * x + h * y + 1.0
    return torch.stack([(a * x + b * y + c) / below - 1.0, (d * x + e * y + f) / below - 1.0], 3)


def identity(height: int, width: int) -> torch.Tensor:
    """The grid `[1, H, W, 2]` that leaves an image as it is."""
    x = torch.linspace((1.0 - width) / width, (width - 1.0) / width, width)
    y = torch.linspace((1.0 - height) / height, (height - 1.0) / height, height)
    return torch.stack([x.expand(height, width), y.unsqueeze(1).expand(height, width)], 2).unsqueeze(0)
