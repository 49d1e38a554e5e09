"""The table of verbs: name, one-line help, and where the verb lives.

The help stands here as text, so that `headgate --help` imports no verb.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb; its module has a click command named `command`."""

    name: str
    help: str
    module: str


FLOW = "The flow, in order"
ANYTIME = "At any time"

VERBS: dict[str, tuple[Verb, ...]] = {
    FLOW: (
        Verb("init", "Write headgate.toml and .headgate/ in this folder.", "headgate.cli.init"),
        Verb("capture", "Bring rows, their source and their terms into the ledger.", "headgate.cli.capture"),
        Verb("curate", "Select, redact, split, deduplicate; freeze a dataset version.", "headgate.cli.curate"),
        Verb("check", "Run rules over files or over a dataset version.", "headgate.cli.check"),
        Verb("train", "Train an adapter from a dataset version.", "headgate.cli.train"),
        Verb("evaluate", "Run suites on base, best few-shot prompt and candidate.", "headgate.cli.evaluate"),
        Verb("gate", "Decide from recorded evidence; take waivers.", "headgate.cli.gate"),
        Verb("release", "Name, card, alias, roll back.", "headgate.cli.release"),
        Verb("serve", "Many adapters on one base, behind the OpenAI surface.", "headgate.cli.serve"),
        Verb("run", "Walk the whole flow; end with a release or the reason why not.", "headgate.cli.run"),
    ),
    ANYTIME: (
        Verb("convert", "Any training-file format to any other, with a loss report.", "headgate.cli.convert"),
        Verb("explain", "The page of a rule: what, why, how measured, what to do.", "headgate.cli.explain"),
        Verb("probe", "Ask a frozen set of prompts of any model; count habits in its answers.", "headgate.cli.probe"),
        Verb("judge", "Qualify judges; who is spent, who may still decide.", "headgate.cli.judge"),
        Verb("ledger", "Show, log, verify, export what is known.", "headgate.cli.ledger"),
        Verb("fleet", "Adapters in use: do they belong, can they be rebuilt, what is at risk.", "headgate.cli.fleet"),
        Verb("rights", "Who is in which model; cases, from withdrawal to evidence.", "headgate.cli.rights"),
        Verb("doctor", "What is installed and what each extra gives.", "headgate.cli.doctor"),
    ),
}


def find(name: str) -> Verb | None:
    """The verb of that name, or None."""
    return next((verb for verbs in VERBS.values() for verb in verbs if verb.name == name), None)
