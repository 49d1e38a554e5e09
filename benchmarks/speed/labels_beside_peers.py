"""Labels beside crowd-kit and cleanlab on the same data: Dawid-Skene, and which labels are suspected.

    python benchmarks/speed/labels_beside_peers.py DATA [PEERS]

DATA is the folder of the development data; PEERS a folder that `pip install --target PEERS --no-deps crowd-kit cleanlab
termcolor attrs nltk regex` filled (pandas and scikit-learn come from the environment). Agreement and CPU seconds.
"""

from __future__ import annotations

import sys
import time
import types
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from clean.loading import banking77, clinc150
from clean.panels import LOADERS
from headgate.stats.consensus import dawid_skene
from headgate.stats.label_errors import suspects
from headgate.text.labelling import probabilities
from headgate.text.tape import tape_of
from planted.panel import labels_from, voted


def consensus(data: Path) -> None:
    import pandas as pd

    sys.modules.setdefault("transformers", types.ModuleType("transformers"))  # text aggregation, not used here
    from crowdkit.aggregation import DawidSkene

    for name in ("adult2", "mozafari"):
        rows = LOADERS[name](data)
        labels = labels_from(rows, voted(rows, bool), gold=True, kinds={})
        votes, gold = labels.votes, labels.gold
        started = time.process_time()
        ours = dawid_skene(votes).labels
        own = time.process_time() - started
        frame = pd.DataFrame({"task": votes.items, "worker": votes.annotators, "label": votes.labels})
        started = time.process_time()
        theirs = DawidSkene(n_iter=200).fit_predict(frame).sort_index().to_numpy()
        peer = time.process_time() - started
        same, mine, other = ((a == b).mean() for a, b in ((ours, theirs), (ours, gold), (theirs, gold)))
        print(f"{name}: same {same:.3f}; right {mine:.3f} and {other:.3f}; CPU s {own:.2f} and {peer:.2f}")


def label_errors(data: Path) -> None:
    from cleanlab.filter import find_label_issues

    for name, load in (("banking77", banking77), ("clinc150", clinc150)):
        rows = load(data)
        names = {label: n for n, label in enumerate(dict.fromkeys(row.answer_text for row in rows))}
        right = np.array([names[row.answer_text] for row in rows])
        rng = np.random.default_rng(1)
        flipped = rng.random(len(right)) < 0.1
        labels = np.where(flipped, (right + rng.integers(1, len(names), len(right))) % len(names), right)
        told = probabilities(tape_of([row.prompt_text for row in rows]), labels, len(names), np.arange(len(rows)))
        started = time.process_time()
        ours = np.isin(np.arange(len(rows)), suspects(told, labels).rows)
        own = time.process_time() - started
        started = time.process_time()
        theirs = find_label_issues(labels, told, n_jobs=1)
        peer = time.process_time() - started
        for who, found, seconds in (("headgate", ours, own), ("cleanlab", theirs, peer)):
            hits = (found & flipped).sum()
            recall, precision = hits / flipped.sum(), hits / found.sum()
            print(f"{name} 10 %: {who} recall {recall:.3f}, precision {precision:.3f}, CPU s {seconds:.2f}")


if __name__ == "__main__":
    sys.path[1:1] = sys.argv[2:]
    consensus(Path(sys.argv[1]))
    label_errors(Path(sys.argv[1]))
