"""The torch side of data sets and transforms: samples, in batches, as a document asks for them."""

from __future__ import annotations

from specbuild.data.probing import probe
from specbuild.data.split import Split
from specbuild.data.splits import open_data
from specbuild.data.weighing import weighed

__all__ = ["Split", "open_data", "probe", "weighed"]
