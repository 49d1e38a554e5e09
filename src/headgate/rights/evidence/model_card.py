"""The model card for others: the card of the release without words that may quote a row, and the rights behind it."""

from __future__ import annotations

from dataclasses import replace

from headgate.kit.errors import Refused
from headgate.release.card import card as release_card
from headgate.rights.evidence.dataset_card import marked, plain, section, sources
from headgate.rights.evidence.facts import Facts, people


def card(facts: Facts) -> str:
    """The card in Markdown.

    Raises:
        Refused: the facts are about a dataset version, or no decision covers the adapter.
    """
    if why := lacks(facts):
        raise Refused("no model card", found=why, next_step="headgate gate")
    model = facts.model
    assert model is not None
    assert model.grounds is not None
    # The card of the release escapes no more than its own words need.
    told = tuple(replace(one, name=marked(one.name)) for one in model.grounds.sources)
    grounds = replace(model.grounds, sources=told)
    about = plain(model.settings.about)
    parts = [
        release_card(grounds, replace(model.settings, about=about), model.name, quoting=False),
        section("Licences and people", [*sources(facts.data), "", *people(facts.data)]),
    ]
    if model.retired:
        parts.append(section("Out of use", [f"The adapter is {plain(model.retired.as_text())}."]))
    outcome = model.grounds.decision.body["outcome"]
    if outcome != "pass":
        parts.append(section("Not released", [f"The newest decision about this adapter is: {outcome}."]))
    return "\n".join(parts)


def lacks(facts: Facts) -> str:
    """Why there can be no model card; empty where there can."""
    if facts.model is None:
        return f"{facts.name} is a dataset version"
    return "" if facts.model.grounds else f"no decision covers {facts.name}"
