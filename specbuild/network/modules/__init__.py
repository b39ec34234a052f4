"""What torch.nn lacks, and what of it specbuild calls otherwise: the torch side of the catalogue.

A class here stands before torch.nn's of the same name. One that only changes how a module of torch.nn is
called is a subclass of it, so that the keys of the `state_dict` are torch's.
"""

from specbuild.network.modules.merge import Add, Concat, Multiply
from specbuild.network.modules.positions import Positions

__all__ = ["Add", "Concat", "Multiply", "Positions"]
