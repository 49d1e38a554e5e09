"""The summary of training content in the sections of the template of the EU's AI Office.

Template: annex to the explanatory notice of 24 July 2025 on Regulation (EU) 2024/1689, article 53(1)(d). It is made for
providers of general-purpose models; headgate fills what its ledger knows of the fine-tune and says of everything else
that it does not know. The data of the base are those of its provider's own summary.
"""

from __future__ import annotations

from headgate.rights.evidence.dataset_card import said, section, sources
from headgate.rights.evidence.facts import Facts, counted, curation, people
from headgate.rights.evidence.licences import NOASSERTION

KINDS = "The ledger knows sources by name and terms, not by the kinds of this template"


def sheet(facts: Facts) -> str:
    """The sheet in Markdown."""
    parts = [
        f"# Summary of training content: {facts.name}\n",
        f"Written by headgate {facts.made_by} from its ledger, as of {facts.second}. What the ledger does not hold is "
        "marked unknown and is for the provider to fill.\n",
        "# 1. General information\n",
        section("1.1 Provider", said({"Provider name and contact": "", "Authorised representative": ""})),
        section("1.2 Model", said(_model(facts))),
        section("1.3 Modalities, size and characteristics", said(_characteristics(facts))),
        "# 2. List of data sources\n",
        *_sources(facts),
        "# 3. Data processing aspects\n",
        section("3.1 Reservation of rights (text and data mining)", said({"Measures taken": ""})),
        section("3.2 Removal of illegal content", said({"Measures": ""})),
        section("3.3 Other information", _other(facts)),
    ]
    return "\n".join(parts)


def _model(facts: Facts) -> dict[str, str]:
    model = facts.model
    if model is None:
        return {"Versioned model name": f"none yet: this is about dataset version {facts.data.name}"}
    root = model.base.body["fingerprint"]["root"]
    standing = {"Out of use": model.retired.as_text()} if model.retired else {}
    return standing | {
        "Versioned model name": model.name,
        "Model dependencies": f"{model.base.name}, fingerprint {root}; its own training data: see its provider",
        "Date of placement on the Union market": "",
        "Date of this version in the ledger": model.node.at[:10],
    }


def _characteristics(facts: Facts) -> dict[str, str]:
    rows = facts.data.rows
    planned = facts.model.plan.get("data", {}) if facts.model else {}
    learned = planned.get("learned_tokens")
    trained = f"{planned['rows']:,} rows of split {planned['split']}" if planned.get("rows") else ""
    return {
        "Modalities": "text",
        "Training data size, this fine-tune": trained or f"{len(facts.data.version.numbers):,} rows in all splits",
        "Tokens learned from, each pass": f"{learned:,}" if learned else "",
        "Bytes of the rows": f"{rows.size:,}" if not rows.erased else "",
        "Latest date of data acquisition": f"no later than {facts.data.frozen_at[:10]}, when the rows were frozen",
        "Dates that rows bear": f"{rows.first} to {rows.last}, on {rows.dated:,} rows" if rows.dated else "",
        "Languages": counted(rows.languages, ""),
        "Types of content": counted(rows.kinds, ""),
    }


def _sources(facts: Facts) -> list[str]:
    rows = facts.data.rows
    synthetic = ""
    if rows.synthetic:
        synthetic = f"{rows.synthetic:,} of {rows.readable:,} rows were written by models: "
        synthetic += counted(rows.generators, "which ones is not recorded")
    about = " ".join(people(facts.data))
    return [
        section("All sources, as the ledger names them", [*sources(facts.data), "", f"{KINDS}."]),
        section("2.1 Publicly available datasets", said({"Datasets": ""})),
        section("2.2 Private datasets obtained from third parties", said({"Licensed or otherwise obtained": ""})),
        section("2.3 Data crawled and scraped from online sources", said({"Crawlers, domains, period": ""})),
        section("2.4 User data", said({"Services and products": "", "People in the rows": about})),
        section("2.5 Synthetic data", said({"Rows written by models": synthetic or _not_synthetic(facts)})),
        section("2.6 Other sources", said({"Other": ""})),
    ]


def _not_synthetic(facts: Facts) -> str:
    return f"none of {facts.data.rows.readable:,} readable rows says that a model wrote it"


def _other(facts: Facts) -> list[str]:
    rows = facts.data.rows
    known = {
        "Curation": "; ".join(curation(facts.data)),
        "Licence of all sources together": facts.data.licence,
        "Rows erased since": f"{rows.erased:,}",
        "Licence of the model": facts.model.licence if facts.model else NOASSERTION,
    }
    return said(known)
