"""The command line: ``tuodi``. Parsing and printing only; what is computed is in ``core`` and ``batch``, loaded when needed."""

from tuodi.cli.main import main

__all__ = ["main"]
