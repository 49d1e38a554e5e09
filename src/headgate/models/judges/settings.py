"""The sections [judges.NAME] and [rubrics.NAME] of the flow file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from headgate.kit.errors import Refused
from headgate.kit.hashing import digest_json
from headgate.kit.settings import option

Role = Literal["data-selection", "reward", "model-choice", "training-label", "gate", "monitoring"]
ROLES: tuple[Role, ...] = ("data-selection", "reward", "model-choice", "training-label", "gate", "monitoring")
# A judge or rubric that shaped a model has nothing new to say of it.
SPENDING: frozenset[str] = frozenset({"data-selection", "reward", "model-choice", "training-label"})
ASPECTS = ("presence", "completeness", "correctness", "brevity", "relevance", "other")
KEPT = (
    "endpoint", "model", "family", "made_from", "taught_by", "key", "temperature", "max_tokens", "input_price",
    "output_price", "concurrency", "timeout", "attempts", "retries", "gates",
)  # fmt: skip
PROTOCOL = "pairs and criteria, 1"  # changes whenever the words put to a judge do: licences end with them


@dataclass(frozen=True, kw_only=True)
class JudgeSettings:
    """One judge: where it answers, what it is kin to, and what it is used for."""

    endpoint: str = option("", help="Address, such as http://localhost:8000/v1; empty: recorded answers only.")
    model: str = option(help="Name of the model behind it.")
    family: str = option("", help="Family or vendor of the model; empty: read from its name.")
    made_from: str = option("", help="Model that it was tuned or distilled from.")
    taught_by: list[str] = option([], help="Judges or models that selected or labelled what it was trained on.")
    roles: list[Role] = option(["gate"], help="What it is used for; all but gate and monitoring spend it.")
    key: str = option("HEADGATE_API_KEY", help="Name of the environment variable that holds the key.")
    temperature: float = option(0.0, help="Of its answers.")
    max_tokens: int = option(512, help="Longest answer.", unit="tokens")
    input_price: float = option(0.0, help="Price of what it reads.", unit="currency per million tokens")
    output_price: float = option(0.0, help="Price of what it writes.", unit="currency per million tokens")
    concurrency: int = option(8, help="Requests at the same time.", unit="requests")
    timeout: float = option(120.0, help="Longest wait for one answer.", unit="seconds")
    attempts: int = option(6, help="How often a failing request is tried.", unit="attempts")
    retries: int = option(1000, help="Tries beyond the first, over all requests of a run.", unit="attempts")
    gates: int = option(5, help="Candidates that it may decide on before another judge takes its place.")

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise Refused("a judge without a model", wanted='model = "NAME"')
        if not self.roles:
            raise Refused("a judge without a role", wanted="one or more of " + ", ".join(ROLES))
        must_not_be_both(self.roles, "a judge")
        if self.temperature < 0 or self.input_price < 0 or self.output_price < 0 or self.retries < 0:
            raise Refused("temperature, prices and retries of a judge are 0 or more")
        if self.max_tokens < 1 or self.concurrency < 1 or self.attempts < 1 or self.gates < 1 or self.timeout <= 0:
            raise Refused("max-tokens, concurrency, attempts, gates and timeout of a judge are above 0")
        if not self.key.replace("_", "").isalnum() or self.key.startswith(("sk-", "sk_")):
            # A key pasted here would end up in the ledger.
            raise Refused("the name of an environment variable is wanted, never a key", wanted='key = "MY_API_KEY"')

    @property
    def identity(self) -> str:
        """Address of all that decides an answer; a licence holds for one identity."""
        manner = {"temperature": float(self.temperature), "max_tokens": self.max_tokens}
        return digest_json(["judge", self.endpoint.rstrip("/"), self.model, manner, PROTOCOL])

    def body(self) -> dict[str, Any]:
        """As the ledger keeps it; the key itself is never part of it."""
        kept = {name: getattr(self, name) for name in KEPT}
        return {**kept, "roles": sorted(self.roles), "identity": self.identity}


@dataclass(frozen=True, kw_only=True)
class CriterionSettings:
    """One criterion of a rubric."""

    text: str = option(help="What an answer must do.")
    weight: float = option(1.0, help="How much it counts.")
    aspect: Literal["presence", "completeness", "correctness", "brevity", "relevance", "other"] = option(
        "other", help="What it looks at: gains in presence and completeness alone are a sign of gaming."
    )

    def __post_init__(self) -> None:
        if not self.text.strip() or self.weight <= 0:
            raise Refused("a criterion has a text, and a weight above 0", found=repr(self.text))


@dataclass(frozen=True, kw_only=True)
class RubricSettings:
    """One rubric; without criteria it is a plain preference."""

    about: str = option("", help="What is judged, in a sentence.")
    criteria: dict[str, CriterionSettings] = option({}, help="Criteria by name; none: a preference without a rubric.")
    rewordings: list[str] = option([], help="The same rubric in other words, to see whether words decide.")
    roles: list[Role] = option(["gate"], help="What it is used for; all but gate and monitoring spend it.")

    def __post_init__(self) -> None:
        if not self.roles:
            raise Refused("a rubric without a role", wanted="one or more of " + ", ".join(ROLES))
        must_not_be_both(self.roles, "a rubric")

    @property
    def text(self) -> str:
        """The rubric as a judge reads it."""
        lines = [self.about.strip()] if self.about.strip() else []
        lines += [f"- {name}: {one.text.strip()}" for name, one in sorted(self.criteria.items())]
        return "\n".join(lines)

    @property
    def identity(self) -> str:
        """Address of the words of the rubric."""
        return digest_json(["rubric", self.text])

    def body(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        criteria = {
            name: {"text": one.text, "weight": one.weight, "aspect": one.aspect}
            for name, one in sorted(self.criteria.items())
        }
        kept = {"about": self.about, "criteria": criteria, "rewordings": list(self.rewordings)}
        return {**kept, "roles": sorted(self.roles), "identity": self.identity}


def must_not_be_both(roles: list[Role], what: str) -> None:
    """What shaped a model cannot also decide on it.

    Raises:
        Refused: a role that spends together with `gate`.
    """
    spending = sorted(SPENDING.intersection(roles))
    if spending and "gate" in roles:
        raise Refused(
            f"{what} cannot both shape a model and decide on it",
            found=", ".join(roles),
            wanted=f"gate or {', '.join(spending)}, not both",
            next_step="name another judge or rubric, of another family, for the gate",
        )
