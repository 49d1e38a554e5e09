"""Asks models the items of a pool, and scores what they say.

Every answer is journalled per model under the project's work folder, so that a killed evaluation
goes on where it was and no item is sent twice. Of local models only one is held in memory at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.evaluate.comparing import Arm
from headgate.evaluate.fewshot import NO_SHOTS, Shots
from headgate.evaluate.pools import Item
from headgate.evaluate.scorers import Scored
from headgate.evaluate.settings import Settings
from headgate.evaluate.suites import Suite, prompt_of
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest_json
from headgate.kit.progress import progress
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext
from headgate.models.journal import Journal
from headgate.models.model import Completion, Model, Prompt, Sampling, identity, request_key
from headgate.models.opening import open_model


@dataclass(frozen=True, slots=True)
class Address:
    """How a model is opened."""

    spec: str  # "local:FOLDER" or "http://host/v1#name"
    adapter: Path | None = None

    @property
    def local(self) -> bool:
        """Whether the model runs in this process."""
        return self.spec.startswith("local:")


def addresses(ledger: Ledger, settings: Settings, context: StageContext) -> tuple[Address, Address]:
    """Where base and candidate are: from the settings, else from what was trained above.

    Raises:
        Refused: neither says it.
    """
    trained = context.outputs.get("train", {})
    base = _here(settings.base, context)
    if not base and "adapter" in trained:
        base = f"local:{trained.get('base_path') or base_folder(ledger, trained['adapter'], context.folder)}"
    if not base:
        raise Refused("no base to evaluate", wanted="evaluate.base, or a stage [train] above that made an adapter")
    if settings.candidate:
        return Address(base), Address(_here(settings.candidate, context))
    if not trained.get("adapter_path"):
        raise Refused("no candidate to evaluate", wanted="evaluate.candidate, or a stage [train] above that passed")
    if not base.startswith("local:"):
        raise Refused(
            "an adapter that was trained here cannot be put on a base behind a URL",
            found=base,
            next_step="serve the adapter and set evaluate.candidate, or leave evaluate.base out",
        )
    return Address(base), Address(base, context.folder / trained["adapter_path"])


def address_of(spec: str, adapter: Path | None, context: StageContext) -> Address:
    """The address of one model that was named.

    Raises:
        Refused: none was named, or an adapter was named for a model that does not run here.
    """
    if not spec:
        raise Refused("no model", wanted="--model, or evaluate.base in the flow file")
    address = Address(_here(spec, context), adapter)
    if adapter is not None and not address.local:
        raise Refused("an adapter cannot be put on a model behind a URL", found=spec)
    return address


def _here(spec: str, context: StageContext) -> str:
    if not spec.startswith("local:"):
        return spec
    return f"local:{context.folder / spec.removeprefix('local:')}"


def base_folder(ledger: Ledger, adapter: str, folder: Path) -> Path:
    """The folder of the base that an adapter was trained on.

    Raises:
        Refused: the ledger does not know it.
    """
    for link in ledger.edges_from(adapter, "derived-from"):
        node = ledger.node(link.target_id)
        if node.kind == "base" and "folder" in node.body:
            return folder / str(node.body["folder"])
    raise Refused("the ledger does not know the base of the adapter", found=adapter, next_step="set evaluate.base")


class Asker:
    """Opens models when they are needed and asks them; a context manager."""

    def __init__(self, settings: Settings, context: StageContext) -> None:
        self.settings, self.context = settings, context
        self._open: dict[Address, tuple[Model, Journal]] = {}
        self.failures = 0  # requests that failed for good in this run

    def __enter__(self) -> Asker:
        return self

    def __exit__(self, *_: object) -> None:
        for address in list(self._open):
            self._close(address)

    def _close(self, address: Address) -> None:
        model, journal = self._open.pop(address)
        model.close()
        journal.close()

    def model(self, address: Address) -> Model:
        """The model at an address."""
        return self._opened(address)[0]

    def _opened(self, address: Address) -> tuple[Model, Journal]:
        if address not in self._open:
            if address.local:
                for other in [one for one in self._open if one.local]:
                    self._close(other)
            model = open_model(address.spec, adapter=address.adapter, **self._options(address))
            journal = Journal.of(self.context.work / "journals", model.fingerprint)
            self._open[address] = (model, journal)
        return self._open[address]

    def _options(self, address: Address) -> dict[str, Any]:
        if address.local:
            return {}
        s = self.settings
        return {"concurrency": s.concurrency, "timeout": s.timeout, "attempts": s.attempts}

    def say(
        self, title: str, address: Address, prompts: Sequence[Prompt], sampling: Sampling
    ) -> tuple[Model, list[Completion]]:
        """What the model at an address says to prompts."""
        model, journal = self._opened(address)
        with progress(title, len(prompts), quiet=self.context.quiet) as advance:
            said = asyncio.run(model.complete(prompts, settings=sampling, journal=journal, advance=advance))
        self.failures += sum(not one.settled for one in said)
        return model, said

    def ask(
        self, name: str, address: Address, suite: Suite, pool: str, items: Sequence[Item], shots: Shots = NO_SHOTS
    ) -> tuple[Arm, list[Completion]]:
        """One arm: what the model said to each item, scored, and the completions behind it."""
        sampling = Sampling(
            max_tokens=suite.settings.max_tokens or self.settings.max_tokens,
            stop=tuple(self.settings.stop),
            seed=self.settings.seed,
        )
        prompts = [prompt_of(item, suite, shots.turns) for item in items]
        model, said = self.say(f"{suite.name}, {pool}: {name}", address, prompts, sampling)
        keys = [request_key(model.fingerprint, prompt, sampling) for prompt in prompts]
        arm = Arm(
            name=name,
            suite=suite.name,
            pool=pool,
            items=tuple(items),
            scored=tuple(score(suite, one, item) for one, item in zip(said, items, strict=True)),
            model=identity(model.fingerprint, said),
            transcript=digest_json([[key, one.as_json()] for key, one in zip(keys, said, strict=True)]),
            versions=tuple(sorted({one.version for one in said if one.version})),
        )
        return arm, said


def score(suite: Suite, said: Completion, item: Item) -> Scored:
    """The ending of one item.

    Raises:
        Refused: the scorer itself broke; a score of zero would blame the model for it.
    """
    try:
        return suite.scorer.score(said, item.target)
    except Exception as error:  # a scorer may break in any way
        raise Refused(
            f"suite {suite.name!r}: the scorer {suite.scorer.name} broke on an answer",
            file=item.place.file if item.place else None,
            line=item.place.line if item.place else None,
            found=f"{type(error).__name__}: {error}"[:200] + f" on an answer of {len(said.text):,} characters",
            wanted="a target that this scorer can compare answers with",
            next_step="mend the item, or choose another scorer; answers so far are kept",
        ) from error
