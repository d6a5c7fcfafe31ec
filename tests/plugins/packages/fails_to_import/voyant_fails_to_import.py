"""Needs a library that nobody has installed."""

import importlib

# By its name: this project's own checks would miss the library too.
_library = importlib.import_module("a_library_that_nobody_has_installed")
generate = _library.generate
