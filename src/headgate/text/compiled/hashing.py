"""What several kernels share: mixing, the hash of a run of values, places in a table.

Whole numbers keep their kind only among their like: every constant is a `uint64`, because one of another
kind would turn a sum into a floating-point number.
"""

from __future__ import annotations

import numpy as np

from headgate.text.compiled.building import kernel, part, read_only
from headgate.text.ngrams import STEP
from headgate.text.tape import Hashes

GOLD = np.uint64(0x9E3779B97F4A7C15)
ONE_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
TWO_FACTOR = np.uint64(0x94D049BB133111EB)
S30, S27, S31 = np.uint64(30), np.uint64(27), np.uint64(31)
ZERO, ONE = np.uint64(0), np.uint64(1)


def steps_of(n: int) -> Hashes:
    """Powers of the multiplier between neighbours in a gram; shape (n,)."""
    steps = np.full(n, STEP, dtype=np.uint64)
    steps[0] = 1
    return np.cumprod(steps, dtype=np.uint64)


@part
def mixed(value):
    """The finaliser of splitmix64."""
    value = value + GOLD
    value = (value ^ (value >> S30)) * ONE_FACTOR
    value = (value ^ (value >> S27)) * TWO_FACTOR
    return value ^ (value >> S31)


@part
def gram(values, place, steps):
    """Hash of the run of values that begins at a place."""
    total = values[place]
    for step in range(1, len(steps)):
        total += values[place + step] * steps[step]
    return mixed(total)


@part
def grams_into(values, first, count, steps, out):
    """Hashes of `count` runs of values from a place on; each loop is plain enough for vector instructions."""
    for at in range(count):
        out[at] = values[np.uint64(first + at)]
    for step in range(1, len(steps)):
        factor = steps[step]
        for at in range(count):
            out[at] += values[np.uint64(first + step + at)] * factor
    for at in range(count):
        out[at] = mixed(out[at])


@part
def table_size(count):
    """A power of two that leaves a table of so many entries half empty or more."""
    size = 16
    while size < 2 * count:
        size *= 2
    return size


@part
def in_order(values):
    """Sorts values in place by merging runs (numpy's own sort takes seconds to compile)."""
    count = len(values)
    for first in range(0, count, 16):
        for at in range(first + 1, min(first + 16, count)):
            value, place = values[at], at
            while place > first and values[place - 1] > value:
                values[place] = values[place - 1]
                place -= 1
            values[place] = value
    other, width = np.empty_like(values), 16
    while width < count:
        for first in range(0, count, 2 * width):
            middle, last = min(first + width, count), min(first + 2 * width, count)
            left, right = first, middle
            for place in range(first, last):
                if right == last or (left < middle and values[left] <= values[right]):
                    other[place] = values[left]
                    left += 1
                else:
                    other[place] = values[right]
                    right += 1
        values[:] = other
        width *= 2


@kernel(f"void({read_only('uint64')}, {read_only('int64')}, {read_only('int64')}, {read_only('uint64')}, uint64[::1])")
def runs(values, offsets, kept, steps, out):
    """Hashes of all runs within each text; those of text i go to out[kept[i]:]."""
    for text in range(len(offsets) - 1):
        grams_into(values, offsets[text], kept[text + 1] - kept[text], steps, out[kept[text] : kept[text + 1]])
