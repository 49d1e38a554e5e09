"""The section [evaluate] of the flow file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from headgate.evaluate.batteries import ForgettingSettings, SafetySettings, ShadowSettings
from headgate.evaluate.governor import GovernorSettings
from headgate.kit.errors import Refused
from headgate.kit.settings import option

POOLS = ("dev", "gate", "sealed")
Files = str | list[str]


@dataclass(frozen=True, kw_only=True)
class SuiteSettings:
    """One suite: its items in three pools, and how an answer is scored."""

    dev: Files = option("", help="Item files whose results may be read one by one.", unit="files")
    gate: Files = option("", help="Item files of which only scores are reported.", unit="files")
    sealed: Files = option("", help="Item files that answer with verdicts only and count their looks.", unit="files")
    items: Files = option("", help="Item files to be spread over the pools by a stable hash.", unit="files")
    shares: dict[str, float] = option(
        {"dev": 0.2, "gate": 0.5, "sealed": 0.3}, help="Share of `items` for each pool.", unit="share"
    )
    since: dict[str, str] = option(
        {}, help="From when on `items` are gate items or sealed ones, instead of shares.", unit="date"
    )
    columns: dict[str, str] = option({}, help="Our column names and those of the files.")
    format: str = option("", help="Format of the files; empty: detected.")
    scorer: Literal["exact", "normalised", "contains", "regex", "number", "json-valid", "json-match", "label"] = option(
        "normalised", help="How the extracted answer is compared with the target."
    )
    extractor: list[str] = option([], help='Ways to find the answer, in order, such as "after:#### then number".')
    labels: list[str] = option([], help="Labels of the scorer `label`; empty: every target of the suite.")
    system: str = option("", help="System message put before every item.")
    template: str = option("{prompt}", help="Text around the last user message; {prompt} stands for it.")
    cut_off: Literal["unscored", "scored"] = option(
        "unscored", help="What an answer is that was cut at the token limit."
    )
    max_tokens: int = option(0, help="Longest answer; 0: as for all suites.", unit="tokens")

    def files(self, pool: str) -> list[str]:
        """The files given for a pool, or for `items`."""
        given: Files = getattr(self, pool)
        return [given] if isinstance(given, str) and given else list(given or ())

    def __post_init__(self) -> None:
        if not any(self.files(name) for name in (*POOLS, "items")):
            raise Refused("a suite without files", wanted="items, or one or more of dev, gate and sealed")
        unknown = set(self.shares) - set(POOLS)
        if unknown or any(share < 0 for share in self.shares.values()) or not sum(self.shares.values()) > 0:
            raise Refused("shares of the pools", found=str(self.shares), wanted="dev, gate and sealed, none below 0")
        if "{prompt}" not in self.template:
            raise Refused("a template without its item", found=repr(self.template), wanted="{prompt} somewhere in it")


@dataclass(frozen=True, kw_only=True)
class FewShotSettings:
    """The search for the best prompt of the untrained base."""

    counts: list[int] = option([0, 1, 2, 4, 8], help="Numbers of examples to try.", unit="examples")
    draws: int = option(2, help="Random draws of examples for each number.", unit="draws")
    source: str = option("train", help="Split of the dataset version that examples come from.", key="from")
    items: int = option(200, help="Items on which prompts are compared, at most.", unit="items")

    def __post_init__(self) -> None:
        if not self.counts or min(self.counts) < 0 or max(self.counts) > 64:
            raise Refused("numbers of examples", found=str(self.counts), wanted="one or more, each 0 to 64")
        if self.draws < 1 or self.items < 1:
            raise Refused("draws and items", found=f"{self.draws} and {self.items}", wanted="1 or more of each")


@dataclass(frozen=True, kw_only=True)
class ProbeSettings:
    """One probe: prompts, and the habits that are counted in what base and candidate answer."""

    prompts: Files = option("", help="Files with prompts; empty: held-out rows of the dataset version.", unit="files")
    columns: dict[str, str] = option({}, help="Our column names and those of the files.")
    sample: int = option(600, help="Prompts at most; 600 without a hit rule out a rate of 0.5 %.", unit="prompts")
    found: bool = option(True, help="Watch every habit that [check] has found in this flow, those since mended too.")
    variants: list[str] = option([], help='Spellings to watch beside, each as "wrong = right".')
    phrases: list[str] = option([], help="Phrases to watch beside.")
    behaviours: list[str] = option([], help='Acts to watch beside, such as "concession" or "needless apology".')
    may: list[str] = option([], help="Acts that the model is entitled to, and that are not watched.")
    times: float = option(2.0, help="How many times the rate of the base the candidate may have.")
    tolerated: float = option(0.01, help="Share of answers, or of uses of a word, allowed above that.", unit="share")
    temperature: float = option(1.0, help="At 1 a habit comes as often as it was learned; at 0 only the likeliest.")
    max_tokens: int = option(256, help="Longest answer.", unit="tokens")
    seed: int = option(0, help="Seed of the answers.")
    level: Literal["block", "warn"] = option("block", help="What a verdict on it does.")

    def __post_init__(self) -> None:
        if self.sample < 1 or self.max_tokens < 1 or self.times < 0 or self.temperature < 0:
            raise Refused("sample and max-tokens are 1 or more, times and temperature 0 or more")
        if not 0 <= self.tolerated < 1:
            raise Refused("tolerated", found=str(self.tolerated), wanted="a share from 0 to below 1")


@dataclass(frozen=True, kw_only=True)
class JudgedSettings:
    """One judged suite: judges compare what base and candidate answer, pair by pair."""

    gate: Files = option("", help="Item files; no target is needed, and one that is there is not shown.", unit="files")
    columns: dict[str, str] = option({}, help="Our column names and those of the files.")
    format: str = option("", help="Format of the files; empty: detected.")
    system: str = option("", help="System message put before every item.")
    template: str = option("{prompt}", help="Text around the last user message; {prompt} stands for it.")
    judges: list[str] = option(help="Judges that may decide, by the names of [judges.NAME].")
    rubric: str = option("", help="Rubric that they judge by, a name of [rubrics.NAME]; empty: a plain preference.")
    draw: int = option(0, help="How many of them decide, drawn by a number that only the adapter fixes; 0: all.")
    repeats: int = option(1, help="How often each pair is asked in each order.")
    unscored: float = option(0.05, help="Largest share of pairs without a score, of each judge.", unit="share")
    max_tokens: int = option(0, help="Longest answer; 0: as for all suites.", unit="tokens")

    @property
    def files(self) -> list[str]:
        """The item files."""
        return [self.gate] if isinstance(self.gate, str) and self.gate else list(self.gate or ())

    def __post_init__(self) -> None:
        if not self.files:
            raise Refused("a judged suite without files", wanted="gate")
        if not self.judges or len(set(self.judges)) < len(self.judges):
            raise Refused("judges of a suite", found=str(self.judges), wanted="one or more names, each once")
        if not 0 <= self.draw <= len(self.judges) or self.repeats < 1 or self.max_tokens < 0:
            raise Refused("draw is 0 to the number of judges, repeats 1 or more, max-tokens 0 or more")
        if not 0 <= self.unscored < 1:
            raise Refused("unscored", found=str(self.unscored), wanted="a share from 0 to below 1")
        if "{prompt}" not in self.template:
            raise Refused("a template without its item", found=repr(self.template), wanted="{prompt} somewhere in it")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What to run, on which models, and how often sealed items may be asked."""

    suites: dict[str, SuiteSettings] = option({}, help="Suites by name, each with its files, scorer and extractors.")
    imported: list[str] = option([], help="Suites whose arms were brought in by `evaluate import`.", unit="suites")
    probes: dict[str, ProbeSettings] = option({}, help="Probes by name: habits of the corpus in what models answer.")
    judged: dict[str, JudgedSettings] = option({}, help="Judged suites by name: who answers better, base or candidate.")
    governor: dict[str, GovernorSettings] = option({}, help="Rewards by name, each with an outcome.")
    shadow: ShadowSettings = option(ShadowSettings(), help="Suites whose items are asked again in other words.")
    forgetting: ForgettingSettings = option(ForgettingSettings(), help="Skills of the base that it must keep.")
    safety: SafetySettings = option(SafetySettings(), help="Axes of safety on which it may not lose what the base has.")
    base: str = option("", help="Base model, local:FOLDER or http://host/v1#name; empty: the base that was trained on.")
    candidate: str = option("", help="Candidate model; empty: the base with the adapter that was trained.")
    few_shot: FewShotSettings = option(FewShotSettings(), help="The search for the best prompt of the base.")
    max_tokens: int = option(256, help="Longest answer.", unit="tokens")
    stop: list[str] = option([], help="Texts that end an answer.")
    coverage: float = option(0.95, help="Share of items that must be scored in each arm.", unit="share")
    coverage_gap: float = option(0.02, help="Largest difference of coverage between two arms.", unit="share")
    slice_drop: float = option(0.1, help="Largest loss of a slice against the base.", unit="share")
    decline: float = option(0.05, help="Largest loss from the first candidate to this one.", unit="share")
    look_budget: int = option(5, help="Different looks at a sealed pool before it is spent.", unit="looks")
    look_bits: float = option(40.0, help="What all answers about a sealed pool may give away.", unit="bits")
    sealed_answer: Literal["verdict", "interval"] = option(
        "verdict",
        help="verdict: the outcome and a class of p, 2.6 bits. interval: its ends on a grid too, 15 to 25 bits.",
    )
    ladder: Literal["fixed", "parameter-free"] = option(
        "fixed", help="By how much a candidate must beat the best so far: 1/sqrt(n), or what their answers differ by."
    )
    own_endpoints: list[str] = option(
        ["127.0.0.1", "localhost", "::1"],
        help="Hosts that keep nothing of what they are asked: no exposure.",
        unit="hosts",
    )
    purpose: str = option("release decision", help="Why the sealed pools are opened; goes into the access log.")
    actor: str = option("", help="Who looks; empty: HEADGATE_USER, git's user.email, or the login.")
    concurrency: int = option(8, help="Requests to an endpoint at the same time.", unit="requests")
    timeout: float = option(120.0, help="Longest wait for one answer of an endpoint.", unit="seconds")
    attempts: int = option(6, help="How often a failing request is tried.", unit="attempts")
    seed: int = option(0, help="Seed of the draws of examples.")

    def __post_init__(self) -> None:
        if not self.suites and (not self.imported or self.probes or self.judged):
            raise Refused("no suites", wanted="one or more tables [evaluate.suites.NAME]")
        if both := set(self.imported) & {*self.suites, *self.judged}:
            raise Refused("a suite is either run or imported", found=", ".join(sorted(both)))
        if not 0 < self.coverage <= 1:
            raise Refused("coverage", found=str(self.coverage), wanted="a share above 0 and up to 1")
        if not 0 < self.slice_drop < 1 or not 0 < self.decline < 1:
            raise Refused("slice-drop and decline", wanted="shares above 0 and below 1")
        if self.max_tokens < 1 or self.attempts < 1 or self.concurrency < 1:
            raise Refused("max-tokens, attempts and concurrency are 1 or more")
        if self.look_budget < 0 or not 0 <= self.look_bits < 10_000:
            raise Refused("look-budget and look-bits are 0 or more")
