"""`ImagePairs`: two folders of images, matched by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from specbuild.catalogue.datasets.image_pairs import ImagePairs
from specbuild.data.failure import Unusable
from specbuild.data.opening.image_pairing import image_files, read_pair
from specbuild.data.opening.opener import Openers, placed
from specbuild.data.sources import Sample, SampleSource, Source
from specbuild.network.samples import INPUT


class PairSource(SampleSource):
    """Images and the images or masks of their names."""

    images = True
    fields = (INPUT, "target")

    def __init__(self, entry: ImagePairs, inputs: Path, targets: Path) -> None:
        self.entry, self.paired = entry, entry.paired
        given = image_files(inputs, "inputs", entry.input_suffix)
        over = image_files(targets, "targets", entry.target_suffix)
        require_partners(given, over, targets, "targets")
        require_partners(over, given, inputs, "inputs")
        self.files = [(given[name], over[name]) for name in sorted(given)]

    def __len__(self) -> int:
        return len(self.files)

    def sample(self, index: int) -> Sample:
        """One pair; SB405 names a file that cannot be read, or one of another size than its partner."""
        return read_pair(*self.files[index], self.entry.target, self.entry.mode, "inputs", self.entry.scale)


def require_partners(files: Mapping[str, Path], others: Mapping[str, Path], folder: Path, field: str) -> None:
    """SB405 for files without a partner in the other folder."""
    alone = [str(path) for name, path in files.items() if name not in others]
    if alone:
        more = f" and {len(alone) - 3} more" if len(alone) > 3 else ""
        raise Unusable("SB405", f"{folder} has no partner of {', '.join(alone[:3])}{more}", field=field)


def image_pairs(entry: ImagePairs, root: Path, image: str | None) -> Source:
    """Two folders of images."""
    return PairSource(entry, placed(root, entry.inputs), placed(root, entry.targets))


OPENERS: Openers = {ImagePairs: image_pairs}
