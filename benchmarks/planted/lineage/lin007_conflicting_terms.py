"""One source comes under terms that the others, or a commercial use, do not bear; at strength 0 none does.

Honest licences are spelled as an audit of data sets found them (`dataset_licences`), and they are not trivial: a
choice with one way that is barred, share-alike versions that can be joined, a claim that bars commercial use and was
made void by a later one, another that is made only after the moment of the check, a teacher who allows training.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from headgate.rows.row import Row
from headgate.rules.given import Claims, Fact
from headgate.testing.planting import Plan, Planted

PLAN = Plan(
    unit="share of rows",
    strengths=(0.001, 0.01, 0.1),
    claimed=0.001,
    sizes=(1000, 5000),
    smallest=1000,
    sources=("banking77", "gsm8k", "star"),
    seeds=10,
    clean_seeds=20,
)
ASKED = datetime(2026, 6, 1, tzinfo=UTC)
HONEST = (
    "MIT License",
    "Apache License 2.0",
    "CC BY 4.0",
    "BSD 3-Clause License",
    "BSD 2-Clause License",
    "ISC License",
    "CC0 1.0",
    "CC BY-SA 4.0",
    "CC BY-SA 3.0",
    "ODC BY 1.0",
    "CDLA Permissive 1.0",
    "MPL 2.0",
    "MIT OR CC-BY-NC-4.0",
    "GPL-2.0-only OR Apache-2.0",
)
BARRED = (
    "CC BY-NC 4.0",
    "CC BY-NC-SA 4.0",
    "CC BY-NC-SA 3.0",
    "CC BY-NC-ND 4.0",
    "CC BY-ND 4.0",
    "MIT AND CC-BY-NC-2.0",
    "ODbL-1.0",  # beside BY-SA
    "CDLA Sharing 1.0",
    "LicenseRef-campus",
)
CAMPUS = "commercial=no research-only derivatives outputs-may-train share-alike=no attribution"
ANCHOR, PLANTED, TEACHER = "encyclopedia", "planted", "grand-1"


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    sources = [ANCHOR, *(f"source {number}" for number in range(6))]
    licences = {name: drawn.choice(HONEST) for name in sources} | {ANCHOR: "CC BY-SA 4.0"}
    facts = [_claim(f"source:{name}", "licence", licence, days=-90) for name, licence in licences.items()]
    facts.append(_claim(f"source:{sources[1]}", "licence", "CC-BY-NC-4.0", days=-200))
    facts.append(_claim(f"source:{sources[2]}", "licence", "CC-BY-NC-4.0", days=20))
    facts.append(_claim("teacher:open-2", "provider-policy", "yes", days=-90))
    out = [_honest(row, drawn.choices(sources, [6, 1, 1, 1, 1, 1, 1])[0], licences, drawn) for row in rows]
    chosen = drawn.sample(range(len(out)), math.ceil(strength * len(out)))
    if drawn.random() < 0.2:
        facts.append(_claim(f"teacher:{TEACHER}", "provider-policy", "no", days=-90))
        changes = {"generator": TEACHER}
    else:
        facts.append(_claim(f"source:{PLANTED}", "licence", drawn.choice(BARRED), days=-3))
        changes = {"source": PLANTED, "licence": drawn.choice((None, "MIT"))}
    for number in chosen:
        out[number] = out[number].with_side(**changes)
    drawn.shuffle(facts)
    return Planted(
        rows=out,
        strength=strength,
        inputs={"claims": Claims(facts, ASKED)},
        truth=frozenset(out[number].id for number in chosen),
        options={"use": "commercial", "terms": {"LicenseRef-campus": CAMPUS}},
    )


def _honest(row: Row, source: str, licences: dict[str, str], drawn: random.Random) -> Row:
    stated = licences[source] if drawn.random() < 0.5 else None
    return row.with_side(source=source, licence=stated, generator="open-2" if drawn.random() < 0.1 else None)


def _claim(about: str, what: str, value: str, *, days: int) -> Fact:
    return Fact(about=about, what=what, value=value, observed_at=ASKED + timedelta(days=days))
