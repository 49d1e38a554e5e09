"""Which module of a base consumes which tensor of an adapter, from the two headers alone.

PEFT loads what it finds and drops the rest in silence. Here every tensor of the adapter must have a module that
takes it, every module that the settings target must have its tensors, and every shape must fit. Names and shapes
come from safetensors headers, so this needs neither torch nor the weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from headgate.models.adapter_settings import pattern_of

Shapes = Mapping[str, tuple[int, ...]]
PREFIX = "base_model.model."  # PEFT stores every tensor under the wrapped model
# What a tensor's name ends with, longest first, and the piece of the update that it is.
PIECES = (
    (".lora_magnitude_vector.weight", "magnitude"),
    (".lora_magnitude_vector", "magnitude"),
    (".trainable_tokens_delta", "token rows"),
    (".lora_embedding_A", "A"),
    (".lora_embedding_B", "B"),
    (".lora_A.weight", "A"),
    (".lora_B.weight", "B"),
    (".lora_B.bias", "bias"),
)
TRANSPOSED = frozenset({"gpt2", "openai-gpt", "imagegpt", "decision_transformer"})  # weights are (in, out) there
TIED = {"lm_head": ("embed_tokens", "wte"), "embed_out": ("embed_in",)}
FUSED = re.compile(r"\.experts\.\d+\.")  # stored one by one, one tensor in memory: no module of its own
# Names in older files of models with several towers, and what newer versions call them in memory.
RENAMED = (
    (re.compile(r"^language_model\.model\."), "model.language_model."),
    (re.compile(r"^language_model\.lm_head\."), "lm_head."),
    (re.compile(r"^(vision_tower|vision_model|multi_modal_projector|visual)\."), r"model.\1."),
    (re.compile(r"\.block_sparse_moe\."), ".mlp."),
)
# Experts are stored one by one and stacked in memory: (experts, out, in), gate and up one above the other.
EXPERT = re.compile(r"^(.*\.experts)\.(\d+)\.(gate_proj|up_proj|down_proj|w1|w2|w3)\.weight$")
STACKED = {"gate_proj": "gate_up_proj", "up_proj": "gate_up_proj", "w1": "gate_up_proj", "w3": "gate_up_proj"}


@dataclass(frozen=True, slots=True, order=True)
class Misfit:
    """One reason why an adapter does not fit a base."""

    part: str  # "tensors", "shapes", "targets", "settings"
    message: str


def misfits(adapter: Shapes, settings: Mapping[str, Any], base: Shapes, config: Mapping[str, Any]) -> list[Misfit]:
    """Every way in which the tensors of an adapter do not fit the modules of a base.

    `adapter` and `base` are the shapes of stored tensors by name, `settings` the adapter's, `config` the base's.
    """
    if settings.get("peft_type") != "LORA":
        return [Misfit("settings", f"not a LoRA adapter: peft_type is {settings.get('peft_type')!r}")]
    layout = _Layout(settings, named(base), config)
    for name, shape in adapter.items():
        layout.take(name, shape)
    found = [*layout.found, *layout.pairs(), *layout.experts(), *layout.uncovered(), *layout.unsaved()]
    return sorted(set(found))


def named(base: Shapes) -> dict[str, tuple[int, ...]]:
    """Shapes under the names that modules have in memory."""
    out = {}
    for name, shape in base.items():
        for pattern, new in RENAMED:
            name = pattern.sub(new, name)
        out[name] = shape
    return out


def stacked(base: Shapes) -> dict[str, dict[str, tuple[int, int, int]]]:
    """For each group of experts the shapes of its parameters in memory, by name."""
    sizes: dict[tuple[str, str], list[tuple[int, ...]]] = {}
    for name, shape in base.items():
        if (found := EXPERT.match(name)) and len(shape) == 2:
            sizes.setdefault((found[1], STACKED.get(found[3], "down_proj")), []).append(shape)
        elif name.rpartition(".")[2] in ("gate_up_proj", "down_proj") and len(shape) == 3:
            sizes[name.rpartition(".")[0], name.rpartition(".")[2]] = [shape]
    out: dict[str, dict[str, tuple[int, int, int]]] = {}
    for (group, parameter), shapes in sizes.items():
        first, halves = shapes[0], 2 if parameter == "gate_up_proj" else 1
        whole = first if len(first) == 3 else (len(shapes) // halves, halves * first[0], first[1])
        out.setdefault(group, {})[parameter] = (whole[0], whole[1], whole[2])
    return out


class _Layout:
    """Sorts the tensors of one adapter by module."""

    def __init__(self, settings: Mapping[str, Any], base: Shapes, config: Mapping[str, Any]) -> None:
        self.settings, self.base, self.config = settings, base, config
        self.stacks = stacked(base)
        self.modules: dict[str, dict[str, tuple[int, ...]]] = {}
        self.saved: set[str] = set()
        self.found: list[Misfit] = []
        self.looked_up: set[str] = set()  # embeddings: their updates are stored the other way round, (in, out)
        self.turned = config.get("model_type") in TRANSPOSED or bool(settings.get("fan_in_fan_out"))

    def take(self, name: str, shape: tuple[int, ...]) -> None:
        """Gives a tensor to its module, or says that nothing consumes it."""
        own = name.removeprefix(PREFIX)
        if own == name:
            self.found.append(Misfit("tensors", f"{name} is not under {PREFIX[:-1]}; nothing consumes it"))
            return
        for ending, piece in PIECES:
            if own.endswith(ending):
                module = own.removesuffix(ending).removesuffix(".token_adapter")
                self.modules.setdefault(module, {})[piece] = shape
                if ".lora_embedding_" in ending:
                    self.looked_up.add(module)
                return
        whole = own.replace(".base_layer.", ".").replace(".modules_to_save.", ".")
        stored = self._stored(whole)
        if stored is None or not self._kept_whole(whole):
            self.found.append(Misfit("tensors", f"nothing consumes {whole}"))
        elif stored != shape:
            self.found.append(Misfit("shapes", f"{whole} is {shape} on {stored}"))
        else:
            self.saved.add(whole)

    def pairs(self) -> Iterable[Misfit]:
        """Modules that are not there, halves that are missing, shapes and ranks that do not fit."""
        for module, pieces in self.modules.items():
            if _group(module) in self.stacks:
                continue
            shape = self._stored(f"{module}.weight")
            if shape is None:
                yield Misfit("tensors", f"{module} is not in the base")
            elif "token rows" in pieces:
                yield from self._token_rows(module, pieces["token rows"], shape)
            elif "A" not in pieces or "B" not in pieces:
                yield Misfit("tensors", f"{module} lacks half of its pair")
            else:
                yield from self._pair(module, pieces, shape)

    def _pair(self, module: str, pieces: Shapes, shape: tuple[int, ...]) -> Iterable[Misfit]:
        down, up = pieces["A"], pieces["B"]
        if len(down) != len(shape) or len(up) != len(shape) or len(shape) < 2:
            yield Misfit("shapes", f"{module} is {up} x {down} on {shape}")
            return
        straight, turned = (up[0], down[1]), (down[1], up[0])
        fits = {turned} if module in self.looked_up else {straight, turned} if self.turned else {straight}
        if shape[:2] not in fits or up[1] != down[0]:
            yield Misfit("shapes", f"{module} is {up} x {down} on {shape}")
        wanted = pattern_value(self.settings.get("rank_pattern"), module, self.settings.get("r"))
        if wanted != down[0]:
            yield Misfit("settings", f"{module} has rank {down[0]}, the settings say {wanted}")
        if bool(self.settings.get("use_dora")) != ("magnitude" in pieces):
            yield Misfit("tensors", f"{module} {'lacks its' if self.settings.get('use_dora') else 'has a'} magnitude")
        if bool(self.settings.get("lora_bias")) != ("bias" in pieces):
            yield Misfit("tensors", f"{module} {'lacks the' if self.settings.get('lora_bias') else 'has a'} bias of B")
        if not self._targeted(module):
            yield Misfit("targets", f"{module} has tensors, the settings do not target it")

    def experts(self) -> Iterable[Misfit]:
        """Updates of stacked experts: as many as the settings target, each of the shape that its parameter takes."""
        targets = self.settings.get("target_parameters") or []
        for group, parameters in self.stacks.items():
            wanted = []
            for name, (experts, up, down) in parameters.items():
                if any(matches(one, f"{group}.{name}") for one in targets):
                    default = self.settings.get("r") or 0
                    rank = experts * pattern_value(self.settings.get("rank_pattern"), f"{group}.{name}", default)
                    wanted.append(((rank, down), (up, rank)))
            have = [(one.get("A"), one.get("B")) for module, one in self.modules.items() if _group(module) == group]
            if sorted(map(str, have)) != sorted(map(str, wanted)):
                part = "tensors" if len(have) != len(wanted) else "shapes"
                yield Misfit(part, f"{group} has updates {have}, its parameters take {wanted}")

    def _token_rows(self, module: str, rows: tuple[int, ...], shape: tuple[int, ...]) -> Iterable[Misfit]:
        indices = self.settings.get("trainable_token_indices") or {}
        wanted = indices if isinstance(indices, list) else pattern_value(indices, module, [])
        if rows != (len(wanted), shape[-1]) or any(one >= shape[0] for one in wanted):
            yield Misfit("shapes", f"{module} has rows {rows} for {len(wanted)} tokens on {shape}")

    def uncovered(self) -> Iterable[Misfit]:
        """Modules of the base that the settings target and the adapter has nothing for, and targets that match none."""
        targets = self.settings.get("target_modules") or []
        linear = [n.removesuffix(".weight") for n, s in self.base.items() if n.endswith(".weight") and len(s) == 2]
        for module in linear:
            if self._targeted(module) and module not in self.modules and not FUSED.search(module):
                yield Misfit("tensors", f"{module} has no tensors")
        if isinstance(targets, list):
            for target in targets:
                if not any(matches(target, module) for module in self.modules):
                    yield Misfit("targets", f"target {target} has no tensors")
        for target in self.settings.get("target_parameters") or []:
            known = [f"{group}.{name}" for group, names in self.stacks.items() for name in names]
            plain = [f"{module}.weight" for module in self.modules if _group(module) not in self.stacks]
            if not any(matches(target, one) for one in (*known, *plain)):
                yield Misfit("targets", f"target parameter {target} is not in the base")

    def unsaved(self) -> Iterable[Misfit]:
        """Modules that the settings keep whole and that are not in the adapter."""
        for kept in self.settings.get("modules_to_save") or []:
            if not any(matches(kept, one.rpartition(".")[0]) for one in self.saved):
                yield Misfit("tensors", f"modules_to_save names {kept}, which has no tensors")

    def _stored(self, name: str) -> tuple[int, ...] | None:
        if name in self.base:
            return self.base[name]
        module, _, leaf = name.rpartition(".")
        for twin in TIED.get(module.rpartition(".")[2], ()):
            for known, shape in self.base.items():
                if known.endswith(f"{twin}.{leaf}"):
                    return shape
        return None

    def _kept_whole(self, name: str) -> bool:
        module, _, leaf = name.rpartition(".")
        if leaf == "bias" and self.settings.get("bias", "none") != "none":
            return True
        kept = self.settings.get("modules_to_save") or []
        targets = self.settings.get("target_modules") or []
        whole = [*kept, *(one for one in (targets if isinstance(targets, list) else []) if one in WHOLE)]
        return any(matches(one, part) for one in whole for part in (module, module.rpartition(".")[0]))

    def _targeted(self, module: str) -> bool:
        settings = self.settings
        if any(matches(one, f"{module}.weight") for one in settings.get("target_parameters") or []):
            return True
        if any_match(settings.get("exclude_modules"), module):
            return False
        layers = settings.get("layers_to_transform")
        if layers is not None:
            number = re.search(r"\.(\d+)\.", module)
            chosen = layers if isinstance(layers, list) else [layers]
            if number is None or int(number.group(1)) not in chosen:
                return False
        return any_match(settings.get("target_modules"), module)


def _group(module: str) -> str:
    """The group of experts that an update is of; PEFT nests one wrapper for each parameter."""
    while module.endswith(".base_layer"):
        module = module.removesuffix(".base_layer")
    return module


# Modules whose own weights PEFT stores beside the update when they are targeted.
WHOLE = ("embed_tokens", "lm_head", "wte", "embed_in", "embed_out", "word_embeddings")


def matches(target: str, module: str) -> bool:
    """Whether a name of the settings means a module: the whole of its name, or the end after a dot."""
    return module == target or module.endswith("." + target)


def any_match(targets: Any, module: str) -> bool:
    """Whether a list of names, or a regular expression over whole names, means a module."""
    if isinstance(targets, str):
        pattern = pattern_of(targets)
        return pattern is not None and pattern.fullmatch(module) is not None
    return any(matches(one, module) for one in targets or [])


def pattern_value(patterns: Mapping[str, Any] | None, module: str, default: Any) -> Any:
    """The value that a table of name endings has for a module, as PEFT reads `rank_pattern`."""
    for pattern, value in (patterns or {}).items():
        found = pattern_of(pattern)
        if found is not None and re.fullmatch(rf"(.*\.)?({found.pattern})", module):
            return value
    return default
