"""Which models are kin: by name, by family, and by what a family was made from.

A name is read as vendors write it: `gpt-4o-2024-08-06`, `meta-llama/Llama-3.1-8B-Instruct`, `claude-3-5-sonnet`.
Two names of one model differ in date, vendor path, packaging or quantisation only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

FAMILIES: Mapping[str, str] = {  # what names of a family hold -> the family
    r"gpt|chatgpt|davinci|openai|^o[134](?:-|$)|codex": "gpt",
    r"claude": "claude",
    r"gemini|bard": "gemini",
    r"gemma": "gemma",
    r"palm|bison|unicorn": "palm",
    r"llama|alpaca|vicuna|guanaco|koala|wizardlm|tulu|nous|hermes": "llama",
    r"mistral|mixtral|zephyr|ministral|magistral|codestral": "mistral",
    r"qwen|qwq|tongyi": "qwen",
    r"deepseek": "deepseek",
    r"falcon": "falcon",
    r"^phi\b|[/-]phi-?\d": "phi",
    r"grok": "grok",
    r"command-?r|cohere|aya-": "command",
    r"\byi-\d|01-ai": "yi",
    r"glm": "glm",
    r"kimi|moonshot": "kimi",
    r"nova-(?:lite|micro|pro|premier)": "nova",
    r"olmo": "olmo",
    r"granite": "granite",
}
# Trained on what another family wrote, or from its weights, as their makers say.
TAUGHT_BY: Mapping[str, str] = {
    r"alpaca|vicuna|koala|wizardlm|gpt4all|openhermes|hermes": "gpt",
    r"deepseek-r1-distill-llama": "llama",
    r"deepseek-r1-distill-qwen": "qwen",
    r"gemma": "gemini",
    r"^phi\b|[/-]phi-?\d": "gpt",
}
NOISE = re.compile(
    r"[-_@:](?:\d{4}-\d{2}-\d{2}|20\d{6}|\d{4}$|latest|preview|gguf|awq|gptq|fp8|fp16|bf16|int[48]|\d-?bit|q\d-\w+)"
)


class Kinship(StrEnum):
    """How two models are related."""

    SAME = "same model"
    INHERITS = "one inherits from the other"
    FAMILY = "same family"
    NONE = "unrelated"


def plain(name: str) -> str:
    """A model's name without vendor, date, packaging and quantisation."""
    bare = name.strip().lower().rpartition("/")[2].replace(" ", "-").replace("_", "-")
    shorter = NOISE.sub("", bare).strip("-.:@") or bare
    return shorter if shorter == bare else plain(shorter)  # a date may stand behind a packaging


def family(name: str) -> str:
    """The family of a model; empty where the name tells none, as with people."""
    lowered = name.strip().lower()
    for pattern, found in FAMILIES.items():
        if re.search(pattern, lowered):
            return found
    return ""


class Kin:
    """Relations of models, with those that a user declares: `our-judge=llama` (made from) or `a=b`."""

    def __init__(self, declared: Iterable[str] = ()) -> None:
        self._made_from = dict(_declared(each) for each in declared)

    def between(self, first: str, second: str) -> Kinship:
        """How two names are related; names that tell no model are related only to themselves."""
        one, two = plain(first), plain(second)
        if not one or not two:
            return Kinship.NONE
        if one == two:
            return Kinship.SAME
        if two in self._above(one) or one in self._above(two):
            return Kinship.INHERITS
        families = [self._family(name) for name in (one, two)]
        if families[0] and families[0] == families[1]:
            return Kinship.FAMILY
        if families[1] in self._teachers(first) or families[0] in self._teachers(second):
            return Kinship.INHERITS
        return Kinship.NONE

    def root(self, name: str) -> str:
        """What a model was made from, as far up as is declared; its own plain name where nothing is."""
        return [plain(name), *self._above(plain(name))][-1]

    def _above(self, name: str) -> list[str]:
        found: list[str] = []
        while (name := self._made_from.get(name, "")) and name not in found:
            found.append(name)
        return found

    def _family(self, name: str) -> str:
        return next((found for each in (name, *self._above(name)) if (found := family(each))), "")

    def _teachers(self, name: str) -> set[str]:
        return {found for pattern, found in TAUGHT_BY.items() if re.search(pattern, name.lower())}


def _declared(text: str) -> tuple[str, str]:
    name, _, above = text.partition("=")
    return plain(name), plain(above)
