"""Which labels are likely wrong, by confident learning (Northcutt, Jiang and Chuang 2021).

The threshold of a label is the mean probability that rows with this label have of it. A row is suspected where
another label reaches its threshold and is likelier than every other that does; the thresholds make up for a classifier
that is surer of some labels than of others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headgate.stats.votes import Floats, Integers


@dataclass(frozen=True, slots=True, eq=False)
class Suspects:
    """Labels that the rest of the data contradicts, the most certain first."""

    rows: Integers  # (S,): positions
    meant: Integers  # (S,): label that they likely should have
    margin: Floats  # (S,): probability of that label less that of the given one


def suspects(probabilities: Floats, labels: Integers) -> Suspects:
    """Labels that another label outdoes; `probabilities` (N, K) must not have seen a row's own label."""
    count = probabilities.shape[1]
    own = probabilities[np.arange(len(labels)), labels]
    held = np.bincount(labels, minlength=count)
    thresholds = np.bincount(labels, weights=own, minlength=count) / np.maximum(held, 1)
    reached = (probabilities >= thresholds) & (held > 0)
    scores = np.where(reached, probabilities, -1.0)
    meant = scores.argmax(axis=1)
    found = np.flatnonzero(reached.any(axis=1) & (meant != labels))
    margin = probabilities[found, meant[found]] - own[found]
    order = np.argsort(-margin, kind="stable")
    return Suspects(found[order], meant[found[order]].astype(np.int64), margin[order])
