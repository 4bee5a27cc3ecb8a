"""Every worked example in a docstring of the core runs."""

import doctest
import importlib
import pkgutil

import pytest

import tuodi.core

MODULES = [module.name for module in pkgutil.walk_packages(tuodi.core.__path__, "tuodi.core.") if not module.ispkg]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
