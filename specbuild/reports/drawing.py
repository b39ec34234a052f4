"""Pictures put together with Pillow: tensors as images, texts, grids."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import NamedTuple

import torch
from PIL import Image, ImageDraw, ImageFont

PAPER, INK, FAINT, RIGHT, WRONG = "#ffffff", "#222222", "#888888", "#228833", "#bb3344"
LEAST = 96
"""Pixels that a small image is enlarged to, by a whole factor."""
MOST = 192
"""Pixels that a large one is made smaller than."""
LINE = 15
"""Pixels of a line of text."""
PALETTE = (
    "#000000", "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb", "#ee8866", "#44bb99",
    "#99ddff", "#ffaabb", "#aaaa00", "#eedd88", "#77aadd", "#dddddd",
)  # fmt: skip
"""Colours of the labels of a mask; they repeat."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


class Tile(NamedTuple):
    """A cell of a sheet: images side by side, and lines below, each in a colour."""

    images: Sequence[Image.Image]
    lines: Sequence[tuple[str, str]] = ()


def as_png(image: Image.Image) -> bytes:
    """The image as the bytes of a PNG file."""
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def font(size: int = 12) -> Font:
    """Pillow's own."""
    return ImageFont.load_default(size)


def picture(tensor: torch.Tensor, low: float | None = None, high: float | None = None) -> Image.Image | None:
    """An image of (channels, height, width) or (height, width); None for what is none.

    Bytes are as they are; of numbers, `low` is black and `high` white: 0 and 1 where they lie between, else their
    least and greatest.
    """
    if tensor.dim() == 2:
        tensor = tensor.unsqueeze(0)
    if tensor.dim() != 3 or 0 in tensor.shape:
        return None
    tensor = tensor.detach().cpu()
    channels = tensor.shape[0] if tensor.shape[0] in (1, 3) else 3 if tensor.shape[0] > 3 else 1
    tensor = tensor[:channels]
    if tensor.dtype != torch.uint8:
        tensor = torch.nan_to_num(tensor.float())
        if low is None or high is None:
            low, high = float(tensor.min()), float(tensor.max())
            low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
        tensor = ((tensor - low) / max(high - low, 1e-12)).clamp(0, 1).mul(255).round().to(torch.uint8)
    array = tensor.permute(1, 2, 0).contiguous().numpy()
    return sized(Image.fromarray(array[:, :, 0] if channels == 1 else array).convert("RGB"))


def mask(tensor: torch.Tensor) -> Image.Image | None:
    """A mask of labels (height, width), a colour for each."""
    if tensor.dim() == 3 and tensor.shape[0] == 1:
        tensor = tensor[0]
    if tensor.dim() != 2 or 0 in tensor.shape:
        return None
    table = torch.tensor([[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for colour in PALETTE], dtype=torch.uint8)
    labels = tensor.detach().cpu().long() % len(PALETTE)
    return sized(Image.fromarray(table[labels].numpy()))


def sized(image: Image.Image) -> Image.Image:
    """Small images enlarged by a whole factor, each pixel kept; large ones made smaller."""
    longest = max(image.size)
    if longest < LEAST:
        factor = -(-LEAST // longest)
        return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    if longest > MOST:
        share = MOST / longest
        size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
        return image.resize(size, Image.Resampling.BILINEAR)
    return image


def fitted(text: str, width: float, face: Font) -> str:
    """The text, cut to a width."""
    if face.getlength(text) <= width:
        return text
    while text and face.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def sheet(tiles: Sequence[Tile], title: str, columns: int = 8) -> Image.Image:
    """Tiles in rows, a title above them."""
    face, gap = font(), 10
    widths = [sum(image.width for image in tile.images) + 2 * (len(tile.images) - 1) for tile in tiles]
    wide = max(*widths, 96, 96)
    tall = max(max((image.height for image in tile.images), default=0) for tile in tiles)
    lines = max(len(tile.lines) for tile in tiles)
    columns = max(1, min(columns, len(tiles), 1600 // (wide + gap)))
    rows = -(-len(tiles) // columns)
    height = tall + lines * LINE + gap + 4
    width = max(columns * (wide + gap) + gap, round(face.getlength(title)) + 2 * gap)
    page = Image.new("RGB", (width, rows * height + 30 + gap), PAPER)
    brush = ImageDraw.Draw(page)
    brush.text((gap, 8), title, fill=INK, font=font(13))
    for number, tile in enumerate(tiles):
        left, top = gap + number % columns * (wide + gap), 30 + gap // 2 + number // columns * height
        x = left
        for image in tile.images:
            page.paste(image, (x, top))
            x += image.width + 2
        for k, (text, colour) in enumerate(tile.lines):
            brush.text((left, top + tall + 3 + k * LINE), fitted(text, wide, face), fill=colour, font=face)
    return page


def matrix(counts: Sequence[Sequence[int]], names: Sequence[str], title: str) -> Image.Image:
    """A confusion matrix: a row for each true class, shaded by its share of the row, with the counts."""
    size = len(counts)
    face = font(11)
    side = max(8, min(44, 900 // size))
    label = min(140.0, max(face.getlength(name) for name in names) + 8)
    written = side >= 20
    left, top = round(label) + 30 if written else 40, 50
    across = any(face.getlength(name) > side - 4 for name in names)
    below = round(label) + 8 if across and written else 20 if written else 6
    width = max(left + size * side + 16, round(font(13).getlength(title)) + 20)
    page = Image.new("RGB", (width, top + size * side + below + 26), PAPER)
    brush = ImageDraw.Draw(page)
    brush.text((10, 10), title, fill=INK, font=font(13))
    for row, each in enumerate(counts):
        total = max(sum(each), 1)
        for column, count in enumerate(each):
            share = count / total
            base = (34, 136, 51) if row == column else (187, 51, 68)
            colour = tuple(round(255 - (255 - part) * share**0.6) for part in base)
            x, y = left + column * side, top + row * side
            brush.rectangle((x, y, x + side - 2, y + side - 2), fill=colour)
            if written and count:
                ink = PAPER if share > 0.45 else INK
                small = font(11 if side >= 32 else 8)
                if small.getlength(str(count)) <= side:
                    brush.text((x + side / 2 - 1, y + side / 2 - 1), str(count), fill=ink, font=small, anchor="mm")
        if written:
            brush.text((left - 6, top + row * side + side / 2), fitted(names[row], label, face), fill=INK, font=face,
                       anchor="rm")  # fmt: skip
    if written:
        for column, name in enumerate(names):
            x, y = left + column * side + side // 2 - 1, top + size * side + 4
            if across:
                upright(page, fitted(name, label, face), x, y, face)
            else:
                brush.text((x, y + 8), name, fill=INK, font=face, anchor="mm")
    brush.text((left, page.height - 20), "answer", fill=FAINT, font=face)
    brush.text((left, top - 18), "true class", fill=FAINT, font=face)
    return page


def upright(page: Image.Image, text: str, x: int, y: int, face: Font) -> None:
    """A text turned, its end at (x, y)."""
    line = Image.new("RGB", (round(face.getlength(text)) + 2, LINE), PAPER)
    ImageDraw.Draw(line).text((0, 0), text, fill=INK, font=face)
    turned = line.rotate(90, expand=True)
    page.paste(turned, (x - LINE // 2, y))
