"""Networks and trainings as Python source. Imports no torch."""

from specbuild.exporting.python.data import beside
from specbuild.exporting.python.module import source

__all__ = ["beside", "source"]
