"""The section [curate] of the flow file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from headgate.curate.duplicates import Likeness
from headgate.curate.filters import compile_filter
from headgate.curate.quotas import QuotaSettings
from headgate.curate.slices import Floors
from headgate.kit.errors import Refused
from headgate.kit.names import must_be_name
from headgate.kit.settings import option
from headgate.rules.operations import must_be_decisions
from headgate.text.near_duplicates import SHORT_THRESHOLD, THRESHOLD
from headgate.text.personal import KINDS, PERSONAL, Detector, patterns

STEPS = ("select", "redact", "split", "exact-duplicates", "near-duplicates", "decontaminate")
TOGETHER = ("conversation", "subject", "user", "group")


def _known_steps(steps: Sequence[str]) -> None:
    for step in steps:
        if step not in STEPS:
            raise Refused("no such step", found=repr(step), wanted=", ".join(STEPS))
    order = [step for step in STEPS if step in steps]
    if list(steps) != order:
        # Splits come before removal, so that evaluation keeps the variants; another order would break that.
        raise Refused("steps in another order, or twice", found=", ".join(steps), wanted=", ".join(order))


def _similarity(name: str, value: float) -> None:
    if not 0 < value <= 1:
        raise Refused(f"{name} is a share", found=str(value), wanted="above 0 and at most 1")


@dataclass(frozen=True, kw_only=True)
class RedactSettings:
    """Which personal data the step `redact` replaces by placeholders."""

    kinds: list[str] = option(list(PERSONAL), help="Kinds of personal data: " + ", ".join(KINDS) + ".")
    patterns: dict[str, str] = option({}, help="Own regular expressions by name; the placeholder is the name.")

    def compiled(self) -> tuple[Detector, ...]:
        """The patterns to look for.

        Raises:
            Refused: an unknown kind, or an expression that does not compile.
        """
        return patterns(self.kinds, self.patterns)

    def __post_init__(self) -> None:
        self.compiled()


@dataclass(frozen=True, kw_only=True)
class SplitSettings:
    """How the step `split` deals components to splits. Rows once dealt never move."""

    shares: dict[str, float] = option(
        {"train": 0.9, "dev": 0.1}, help="Share of new components for each split.", unit="share"
    )
    train: str = option("train", help="The split that is trained on; removal steps touch no other.")
    together: list[str] = option(
        list(TOGETHER), help="Side data that rows of one split share: its fields, slice.NAME or extra.NAME."
    )
    near_duplicates: bool = option(True, help="Whether near-duplicates stay in one split.")
    threshold: float = option(
        THRESHOLD, help="Similarity of prompts from which rows stay in one split.", unit="Jaccard, 0..1"
    )
    short_threshold: float = option(
        SHORT_THRESHOLD, help="The same for prompts under 20 words, by characters.", unit="Jaccard, 0..1"
    )
    salt: str = option("", help="Key of the hash that deals; another key gives another draw of new components.")
    cutoff: date | None = option(None, help="Rows from this day on go to the split `later`.", unit="date")
    later: str = option("test", help="Split of the rows from the cutoff on.")

    def __post_init__(self) -> None:
        total = sum(self.shares.values())
        if not self.shares or any(share < 0 for share in self.shares.values()) or abs(total - 1) > 1e-6:
            raise Refused("shares of splits must sum to 1", found=str(self.shares), wanted="{ train = 0.9, dev = 0.1 }")
        if self.train not in self.shares:
            raise Refused("the split to train on has no share", found=self.train, wanted=", ".join(self.shares))
        if self.cutoff is not None and self.later in self.shares:
            raise Refused("the split after the cutoff also has a share", found=self.later, wanted="a name of its own")
        _similarity("split.threshold", self.threshold)
        _similarity("split.short-threshold", self.short_threshold)
        for name in self.together:
            if name not in TOGETHER and not name.startswith(("slice.", "extra.")):
                raise Refused(
                    "rows cannot be kept together by this",
                    found=name,
                    wanted=f"{', '.join(TOGETHER)}, slice.NAME, extra.NAME",
                )


@dataclass(frozen=True, kw_only=True)
class NearDuplicateSettings:
    """Which near-duplicates inside training are proposed, and how far slices may be thinned."""

    threshold: float = option(
        THRESHOLD, help="Similarity of prompt and of answer from which rows are duplicates.", unit="Jaccard, 0..1"
    )
    short_threshold: float = option(
        SHORT_THRESHOLD, help="The same for texts under 20 words, by characters.", unit="Jaccard, 0..1"
    )
    keep: int = option(1, help="Rows that stay of each cluster, at least.", unit="rows")
    hardness: str = option("loss", help="Key of `extra` whose highest value survives; else the rarest wording does.")
    propose: bool = option(True, help="Whether proposals are written when the step is not among the steps.")
    floors: bool = option(True, help="Whether slices keep their floors.")
    floor_rows: int = option(50, help="Slices with fewer rows are never thinned.", unit="rows")
    floor_share: float = option(
        0.8, help="Share that a protected slice keeps; others keep it of what all keep.", unit="share"
    )
    small_weight: float = option(
        0.5, help="Weight in the loss of a near-duplicate that stays because its slice is small.", unit="share"
    )
    protect: list[str] = option([], help="Slices that keep their share: intent=refund, refund, or all of intent.")

    def __post_init__(self) -> None:
        _similarity("near-duplicates.threshold", self.threshold)
        _similarity("near-duplicates.short-threshold", self.short_threshold)
        _similarity("near-duplicates.floor-share", self.floor_share)
        _similarity("near-duplicates.small-weight", self.small_weight)
        if self.keep < 1:
            raise Refused("a cluster keeps one row at least", found=f"keep = {self.keep}")

    def likeness(self) -> Likeness:
        """The thresholds in the words of the duplicates."""
        return Likeness(self.threshold, self.short_threshold)

    def limits(self) -> Floors:
        """The floors in the words of the slices."""
        return Floors(rows=self.floor_rows, share=self.floor_share, protect=tuple(self.protect))


@dataclass(frozen=True, kw_only=True)
class RepairSettings:
    """How inputs are made to look like real ones, in the split that is trained on."""

    reference: list[str] = option([], help="Real rows to repair by; none: inputs stay.", unit="files")
    columns: dict[str, str] = option({}, help="Our column names and those of the files of real rows.")
    format: str = option("", help="Format of the files of real rows; empty: detected.")
    cut: bool = option(False, help="Whether trailing sentences may be left out.")
    mix_words: str = option(
        "", help="Words, and what real inputs write in another language in their place.", unit="file"
    )
    seed: int = option(0, help="Another number draws other real inputs to imitate.")


@dataclass(frozen=True, kw_only=True)
class DecontaminateSettings:
    """How training rows are matched with evaluation items: aggressively."""

    coverage: float = option(
        0.5, help="Share of an item's word 4-grams found in a row from which the row goes.", unit="share"
    )
    threshold: float = option(
        SHORT_THRESHOLD,
        help="Similarity with an item from which a row goes, whatever its length.",
        unit="Jaccard, 0..1",
    )
    columns: dict[str, str] = option({}, help="Our column names and those of the evaluation files.")
    format: str = option("", help="Format of the evaluation files; empty: detected.")

    def __post_init__(self) -> None:
        _similarity("decontaminate.coverage", self.coverage)
        _similarity("decontaminate.threshold", self.threshold)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """From rows to a frozen dataset version. Every step reports; nothing goes without a reason."""

    name: str = option("", help="Name of the dataset; empty: the flow's name.")
    steps: list[str] = option(
        ["select", "redact", "split", "exact-duplicates", "decontaminate"],
        help="Steps to take, of: " + ", ".join(STEPS) + ". They run in this order.",
    )
    sources: list[str] = option([], help="Sources whose rows are taken; empty: those of [capture], or all.")
    where: str = option("", help='Rows to select, such as: slice.intent in ["a"] and words >= 3.')
    withdrawn: Literal["stop", "remove"] = option(
        "stop", help="What happens when a row's subject has withdrawn consent: stop, or remove the row."
    )
    leaked: Literal["remove", "stop"] = option(
        "remove", help="What happens when a training row copies a protected item: remove the row, or stop."
    )
    redact: RedactSettings = option(RedactSettings(), help="What the step redact replaces.")
    alike: Literal["review", "remove"] = option(
        "review",
        help="What happens when a training row is only much like a protected item: keep and list it, or remove it.",
    )
    split: dict[str, float] | SplitSettings = option(
        SplitSettings(), help="Share of each split, such as { train = 0.9, dev = 0.1 }, or a table with more keys."
    )
    habits: dict[str, str] = option(
        {},
        help="What becomes of habits of the answers, by word, phrase, kind of act or rule: "
        "keep, drop, mask, normalise, or normalise: the right words.",
    )
    repair_inputs: RepairSettings = option(RepairSettings(), help="By which real rows inputs are repaired.")
    near_duplicates: NearDuplicateSettings = option(NearDuplicateSettings(), help="What the step near-duplicates does.")
    quota: QuotaSettings = option(QuotaSettings(), help="How much of each register filters must leave.")
    against: list[str] = option([], help="Evaluation files to protect: no training row resembles them.", unit="files")
    decontaminate: DecontaminateSettings = option(DecontaminateSettings(), help="What the step decontaminate does.")
    rules: dict[str, dict[str, Any]] = option({}, help="Options of the rules judged here, by rule.")
    level: dict[str, str] = option({}, help="Levels of the rules judged here: block, warn or note.")

    @property
    def splitting(self) -> SplitSettings:
        """How the step split deals, also where only shares were given."""
        return self.split if isinstance(self.split, SplitSettings) else SplitSettings(shares=dict(self.split))

    def plain(self) -> dict[str, Any]:
        """As written to the manifest: JSON-able, short forms written out."""
        body = asdict(self) | {"split": asdict(self.splitting)}
        cutoff = self.splitting.cutoff
        body["split"]["cutoff"] = cutoff.isoformat() if cutoff else None
        return body

    def __post_init__(self) -> None:
        if self.name:
            must_be_name(self.name, "curate.name")
        _known_steps(self.steps)
        _ = self.splitting
        must_be_decisions(self.habits)
        if self.where:
            compile_filter(self.where)
        if self.where and "select" not in self.steps:
            raise Refused("where is set and no step uses it", found=self.where, wanted='"select" among the steps')
        if self.against and "decontaminate" not in self.steps:
            raise Refused("against is set and no step uses it", wanted='"decontaminate" among the steps')

    def takes(self, step: str) -> bool:
        """Whether a step is to be taken."""
        return step in self.steps
