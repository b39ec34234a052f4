"""The sizes that an input leaves open, as the first sample of a split has them."""

from __future__ import annotations

from specbuild.catalogue.rules import Violation
from specbuild.data.failure import Unusable
from specbuild.data.split import Split
from specbuild.language.document import Spec
from specbuild.network.settling import at_samples


def at_first(spec: Spec, split: Split) -> Spec:
    """The network at the sizes of a split's first sample; raises `SpecError` (SB314) where they are not promised."""
    try:
        types = dict(split.first()[1])
        for transform in split.transforms if split.image in types else ():
            types[split.image] = transform.infer(types[split.image])
    except (Unusable, Violation):  # reported where the data is held against the network
        types = {}
    return at_samples(spec, types, split.name)
