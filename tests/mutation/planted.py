"""Mutants are planted in the place of the function they change, and what they cannot have changed is not made again.

mutmut calls every function with mutants through one of its own, which asks each time which mutant is meant. Here the function stays as
it is and a child exchanges its code once. Packs as read and plans as made are remembered with the functions that were called for them:
a mutant of another function cannot have changed them.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import gc
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

#: Every function that has mutants: what is called, and the mutants by mutmut's names.
PLACES: list[tuple[FunctionType, dict[str, Any]]] = []
#: The functions that were called since somebody last looked.
REACHED: set[str] = set()
#: Never noted: a function in a class that speaks of the class cannot be exchanged for one that notes.
UNNOTED: set[str] = set()


def place(mutants: dict[str, Any], is_classmethod: bool = False) -> Callable[[FunctionType], FunctionType]:
    """Stand in for mutmut's decorator."""

    def noted(function: FunctionType) -> FunctionType:
        PLACES.append((function, mutants))
        return function

    return noted


def exchange(function: FunctionType, other: FunctionType) -> None:
    """Make one function do what the other does."""
    function.__code__, function.__defaults__ = other.__code__, other.__defaults__
    function.__kwdefaults__ = other.__kwdefaults__


def plant(mutant: str) -> None:
    """Put a mutant in the place of its function."""
    module, _, name = mutant.rpartition(".")
    [(function, made)] = [(f, made[name]) for f, made in PLACES if f.__module__ == module and name in made]
    exchange(function, made)


def record() -> Callable[[], None]:
    """Note from now on which functions are called; what is returned ends it."""
    changed = []
    for function, mutants in PLACES:
        original = mutants["_mutmut_orig"]
        name = f"{function.__module__}.{original.__name__.removesuffix('__mutmut_orig')}"
        if function.__code__.co_freevars:
            UNNOTED.add(name)
            continue
        function.__globals__.setdefault("_noted", {})[name] = (REACHED, original)
        text = f"def noting(*a, **k):\n    reached, original = _noted[{name!r}]\n    reached.add({name!r})\n    return original(*a, **k)"
        made: dict[str, Any] = {}
        exec(text, made)
        exchange(function, made["noting"])
        changed.append((function, original))

    def end() -> None:
        for function, original in changed:
            exchange(function, original)

    return end


class Remembered:
    """A function whose answers are kept with what was called for them, and outlive the fork."""

    #: The function that has a mutant in it now.
    mutated = ""

    def __init__(self, function: Callable[..., Any], key: Callable[..., Any], fresh: Callable[[Any], Any]) -> None:
        self.function, self.key, self.fresh = function, key, fresh
        self.kept: dict[Any, tuple[Any, set[str], object]] = {}
        functools.update_wrapper(self, function)
        for module in [module for name, module in sys.modules.items() if name.startswith("tuodi.")]:
            for name in [name for name, value in vars(module).items() if value is function]:
                setattr(module, name, self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        key = self.key(*args, **kwargs)
        held = self.kept.get(key)
        if held is None:
            if self.mutated:
                return self.function(*args, **kwargs)
            before = set(REACHED)
            REACHED.clear()
            made = self.function(*args, **kwargs)
            held = self.kept[key] = (made, {*REACHED, *UNNOTED}, args)
            REACHED.update(before)
        made, reached, _ = held
        if self.mutated in reached:
            return self.function(*args, **kwargs)
        REACHED.update(reached)
        return self.fresh(made)


def remember() -> None:
    """Remember packs as read and plans as made."""
    import msgspec

    from tuodi.core.engine.plan import make_plan
    from tuodi.core.policy.load import load_pack, read_source

    def same(made: Any) -> Any:
        return made

    Remembered(read_source, lambda text, **options: (text, repr(options)), same)
    Remembered(load_pack, lambda source, **options: (id(source), repr(options)), same)
    Remembered(
        make_plan,
        lambda pack, values=None, **options: (msgspec.json.encode(pack), tuple(values or ()), repr(options)),
        as_made,
    )


def as_made(plan: Any) -> Any:
    """Return a plan like this one that has decided nothing yet."""
    fresh = copy.copy(plan)
    forget_decisions(fresh)
    return fresh


def forget_decisions(plan: Any) -> None:
    """Let a plan be as it was made: what grows while it is used is empty."""
    for field in dataclasses.fields(plan):
        if field.default_factory is dict and field.name != "disease_codes":
            setattr(plan, field.name, {})
    plan.shape = plan.vocabulary = None
    plan.tables = [table[:1] for table in plan.tables]
    plan.row_index = [{} for _ in plan.tables]


def caches() -> list[Any]:
    """Return what remembers answers in the code under test and in its tests."""
    found = [one for one in gc.get_objects() if isinstance(one, functools._lru_cache_wrapper)]
    own = (str(Path("src").resolve()), str(Path("tests").resolve()))
    return [one for one in found if getattr(one.__wrapped__, "__code__", caches.__code__).co_filename.startswith(own)]
