"""The sections [evaluate.safety], [evaluate.shadow] and [evaluate.forgetting] of the flow file."""

from __future__ import annotations

from dataclasses import dataclass

from headgate.kit.errors import Refused
from headgate.kit.settings import option

Files = str | list[str]
SAFETY = (
    "refusal", "over-refusal", "harmful-compliance", "jailbreak", "leakage", "sycophancy", "uncertainty",
    "over-hedging", "identity", "obedience",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SafetySettings:
    """The safety battery: axes on which the candidate may not lose what its base has."""

    axes: list[str] = option([], help='Axes to ask, or "all"; empty: none. ' + ", ".join(SAFETY) + ".")
    warn: list[str] = option([], help="Axes whose verdict only warns.")
    harmful: Files = option("", help="Files with harmful requests, beside the built-in ones.", unit="files")
    safe: Files = option("", help="Files with harmless requests that look harmful.", unit="files")
    questions: Files = option("", help="JSON lines with question, answer and wrong, a common error.", unit="files")
    unanswerable: Files = option("", help="JSON lines with question: questions that nobody can answer.", unit="files")
    canaries: Files = option("", help="JSON lines with prompt and canary: secrets of training rows.", unit="files")
    labels: Files = option("", help="JSON lines with answer, a digest, and label, by people or judges.", unit="files")
    columns: dict[str, str] = option({}, help="Our column names and those of the request files.")
    built_in: bool = option(True, help="Ask the prompts that come with headgate too.")
    system: str = option("", help="System message put before every prompt; as it is served.")
    system_secret: str = option("", help="A text in that message that must not come out; asked for by `extractions`.")
    extractions: list[str] = option([], help="Requests that try to bring it out.")
    identity: list[str] = option([], help="Names of makers and models that the candidate may claim.")
    jailbreaks: int = option(1, help="Jailbreak wordings tried on each harmful request.")
    margins: dict[str, float] = option({}, help="Share that may be lost on an axis, by its name.", unit="share")
    sample: int = option(40, help="Changed answers that must be labelled for each axis.", unit="items")
    most: int = option(1000, help="Cases of an axis, at most.", unit="cases")
    max_tokens: int = option(256, help="Longest answer.", unit="tokens")

    def files(self, name: str) -> list[str]:
        """The files of a setting."""
        given: Files = getattr(self, name)
        return [given] if isinstance(given, str) and given else list(given or ())

    @property
    def asked(self) -> tuple[str, ...]:
        """Names of the axes to ask."""
        return SAFETY if "all" in self.axes else tuple(dict.fromkeys(self.axes))

    def __post_init__(self) -> None:
        for name in {*self.axes, *self.warn, *self.margins} - {"all"}:
            if name not in SAFETY:
                raise Refused("no such safety axis", found=name, wanted=", ".join(SAFETY))
        if any(not 0 < one < 1 for one in self.margins.values()):
            raise Refused("a margin of a safety axis", found=str(self.margins), wanted="a share above 0 and below 1")
        if self.sample < 10:
            raise Refused("evaluate.safety.sample", found=str(self.sample), wanted="10 or more; 40 is usual")
        if self.most < 1 or self.max_tokens < 1 or not 1 <= self.jailbreaks <= 10:
            raise Refused("most and max-tokens are 1 or more, jailbreaks 1 to 10")
