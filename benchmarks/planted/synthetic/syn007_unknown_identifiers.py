"""Makes identifiers false in answers that restate a record of real data.

What is changed are fields of the record: names of models and functions, addresses, product codes. One of them has two
letters swapped, a letter or digit changed, two parts swapped, a plausible ending put on, or the end of another
real one. The registry is harvested from all records. Rows without a record are left as they are.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from headgate.text.registry import Registry
from planted.synthetic.corrupting import IDENTIFIERS, bare, with_wrong_identifier

PLAN = Plan(
    unit="share of answers with one false identifier",
    strengths=(0.05, 0.10),
    claimed=0.05,
    sizes=(300,),
    smallest=300,
    sources=("api_large", "function_calls", "dataset_records", "priced_models"),
    seeds=5,
    clean_seeds=5,
)


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    if not all("identifiers" in row.side.extra for row in rows):
        return Planted(rows=rows, strength=0.0, inputs={"registry": Registry.harvested([])})
    documents = [str(row.side.extra["document"]) for row in rows]
    real = "\n".join(documents).lower()
    everything = sorted({name for row in rows for name in row.side.extra["identifiers"]})
    training = [bare(row) for row in rows]
    able = [place for place, row in enumerate(rows) if row.side.extra["identifiers"]]
    truth = set()
    for place in drawn.sample(able, min(round(strength * len(able)), len(able))):
        names = rows[place].side.extra["identifiers"]
        for way in drawn.sample(list(IDENTIFIERS), len(IDENTIFIERS)):
            changed = with_wrong_identifier(training[place], names, way, drawn, real, everything)
            if changed is not None:
                training[place] = changed
                truth.add(changed.id)
                break
    return Planted(
        rows=training,
        strength=strength,
        inputs={"registry": Registry.harvested(documents)},
        truth=frozenset(truth),
    )
