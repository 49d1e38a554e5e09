"""How often the verdict before loading is right: wrong pairings of a trained adapter, and many architectures.

Part 1 trains an adapter on the shipped base and makes every pairing of `headgate.testing.pairings` from it: what
the check says from files, what PEFT says when it loads the pair, how many held-out requests are still answered right,
and what the replayed effect says. Part 2 does the structural half over small random configurations of many families
that transformers offers, with wrong pairs and with pairs that must not be flagged.

    python benchmarks/fleet/compat.py                    # writes benchmarks/fleet/compat.json, prints the tables
    python benchmarks/fleet/compat.py --adapter FOLDER   # with an adapter of the shipped base that is there already
    python benchmarks/fleet/compat.py --part 2             # one part only; the other keeps what is there
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import torch  # noqa: TID253
from peft import LoraConfig, PeftModel, get_peft_model  # noqa: TID253
from transformers import AutoConfig, AutoModelForCausalLM  # noqa: TID253
from transformers.utils import logging as hf_logging  # noqa: TID253

from headgate.fleet.compat import ask
from headgate.kit.hashing import canonical_json
from headgate.models.adapter import adapter_mark
from headgate.models.compatibility import Kind, base_record, compare
from headgate.models.effect import write_effect
from headgate.models.engines.effect import record
from headgate.models.engines.transformers_local import LocalModel
from headgate.models.fingerprint import fingerprint_of
from headgate.models.model import Sampling
from headgate.stats.verdict import Outcome
from headgate.testing.pairings import PAIRINGS, Pairing, edit_json, store, stored

ROOT = Path(__file__).parents[2]
BASE = ROOT / "examples/base/headgate-tiny"
REQUESTS = ROOT / "tests/fixtures/requests/requests.csv"
OUT = Path(__file__).with_suffix(".json")
STEPS = 30
FLOW = f"""
[flow]
name = "requests"
[capture]
files = ["train.csv"]
columns = {{ prompt = "text", completion = "topic", subject = "customer" }}
source = "banking77"
licence = "CC-BY-4.0"
[curate]
steps = ["select"]
[train]
base = "base"
steps = {STEPS}
batch = 16
learning-rate = 5e-3
"""
PLAIN = {
    "vocab_size": 1024, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 64, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
SHORT = {"vocab_size": 1024, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "pad_token_id": 0}
LIKE_LLAMA = "llama mistral qwen2 phi phi3 olmo2 granite cohere stablelm starcoder2 smollm3 gpt_neox falcon"
FAMILIES: dict[str, dict[str, Any]] = {
    **dict.fromkeys(LIKE_LLAMA.split(), PLAIN),
    **{name: {**PLAIN, "head_dim": 8} for name in ("qwen3", "gemma", "gemma2", "gemma3_text", "glm4")},
    "opt": {**PLAIN, "ffn_dim": 48, "word_embed_proj_dim": 32},
    "gpt2": {**SHORT, "n_inner": 48},
    "gptj": {**SHORT, "rotary_dim": 4},
    "bloom": {"vocab_size": 1024, "hidden_size": 32, "n_layer": 2, "n_head": 4, "pad_token_id": 0},
    "mixtral": {**PLAIN, "num_local_experts": 4},
    "qwen2_moe": {**PLAIN, "num_experts": 4, "moe_intermediate_size": 16, "shared_expert_intermediate_size": 16},
    "qwen3_moe": {**PLAIN, "num_experts": 4, "moe_intermediate_size": 16, "head_dim": 8},
    "deepseek_v3": {**PLAIN, "n_routed_experts": 4, "moe_intermediate_size": 16, "num_key_value_heads": 4,
                    "q_lora_rank": 8, "kv_lora_rank": 8, "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 8,
                    "n_group": 1, "topk_group": 1, "num_experts_per_tok": 2, "first_k_dense_replace": 1},
}  # fmt: skip


def rows(split: str) -> list[dict[str, str]]:
    """The requests of a split."""
    with REQUESTS.open(encoding="utf-8", newline="") as stream:
        return [one for one in csv.DictReader(stream) if one["split"] == split]


def trained(folder: Path) -> tuple[Path, Path]:
    """The shipped base and an adapter for it, by the command line."""
    shutil.copytree(BASE, folder / "base")
    with (folder / "train.csv").open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(("text", "topic", "customer"))
        out.writerows((one["text"], one["topic"], f"c{i}") for i, one in enumerate(rows("train")))
    (folder / "headgate.toml").write_text(FLOW, encoding="utf-8")
    subprocess.run([sys.executable, "-m", "headgate", "train"], cwd=folder, check=True)
    return folder / "base", next((folder / ".headgate/work/adapters").iterdir())


def with_peft(base: Path, adapter: Path, items: list[dict[str, str]]) -> tuple[str, float | None]:
    """What PEFT says when it loads a pair, and the share of requests answered right then."""
    model = LocalModel(base)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, local_files_only=True)
            model._model = PeftModel.from_pretrained(plain, adapter).eval()
        except (RuntimeError, ValueError, TypeError) as error:
            return f"raises {type(error).__name__}", None
    told = "warns" if any("missing" in str(one.message).lower() for one in said) else "nothing"
    answers = model.generate([({"role": "user", "content": one["text"]},) for one in items], Sampling(max_tokens=16))
    return told, sum(a.text == one["topic"] for a, one in zip(answers, items, strict=True)) / len(items)


def pairing(one: Pairing, base: Path, adapter: Path, effect: Path, items: list[dict[str, str]]) -> dict[str, Any]:
    """One row of the first table."""
    with tempfile.TemporaryDirectory() as name:
        there, own = Path(name) / "base", Path(name) / "adapter"
        shutil.copytree(base, there)
        shutil.copytree(adapter, own)
        one.change(there, own)
        began = time.process_time()
        found = compare(own, there)
        cpu_ms = 1000 * (time.process_time() - began)
        answered = ask(own, there, effect=effect) if adapter_mark(own) == adapter_mark(adapter) else None
        told, right = with_peft(there, own, items)
    wrong = bool(one.causes) and not (one.harmless or one.same_values)
    return {
        "pairing": one.name, "wrong": wrong, "harmless": one.harmless or one.same_values, "peft": told, "right": right,
        "kind": found.kind.value, "parts": list(found.parts), "cause_named": bool(one.causes & set(found.parts)),
        "files": found.verdict.outcome.value, "cpu_ms": round(cpu_ms, 1),
        "with_effect": answered.outcome.value if answered and answered.replayed else None,
        "effect": {v.rule: round(v.measure.value, 5) for v in answered.replayed if v.measure} if answered else {},
    }  # fmt: skip


def built(family: str, folder: Path, *, seed: int = 0, **changes: Any) -> Path:
    """A base of a family with random weights, and the shipped tokenizer and template."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **{**FAMILIES[family], **changes}))
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(BASE / name, folder / name)
    return folder


def adapted(base: Path, folder: Path) -> Path:
    """An adapter of all linear layers of a base, with random values and its record."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, local_files_only=True)
    tuned = get_peft_model(model, LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"))
    tuned.save_pretrained(folder)
    mark, fingerprint = adapter_mark(folder), fingerprint_of(base)
    body = {"adapter": mark.digest, "tensors": mark.tensors, "base": fingerprint.as_json()}
    (folder / "headgate.json").write_bytes(canonical_json({**body, "base_record": base_record(base, fingerprint)}))
    return folder


def layers_key(family: str) -> str:
    """The setting that counts layers."""
    return "n_layer" if "n_layer" in FAMILIES[family] else "num_hidden_layers"


def family_cases(family: str, place: Path) -> list[dict[str, Any]]:
    """Right and wrong pairs of one family; `flagged` is right where it equals `wrong`."""
    base = built(family, place / "base")
    adapter = adapted(base, place / "adapter")
    layers = layers_key(family)
    out = []

    def said(name: str, wrong: bool, there: Path, own: Path = adapter, kind: Kind | None = None) -> None:
        found = compare(own, there)
        flagged = found.verdict.outcome is not Outcome.PASS
        right = flagged == wrong and (kind is None or found.kind is kind)
        out.append({"case": name, "wrong": wrong, "kind": found.kind.value, "parts": list(found.parts), "right": right})

    said("the same", False, base)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, local_files_only=True)
    for name, shards in (("saved anew", "1GB"), ("sharded", "20KB")):
        shutil.copytree(base, place / name, ignore=shutil.ignore_patterns("*.safetensors"))
        model.save_pretrained(place / name, max_shard_size=shards)
        said(name, False, place / name)
    shutil.copytree(base, place / "bf16", ignore=shutil.ignore_patterns("*.safetensors"))
    model.to(torch.bfloat16).save_pretrained(place / "bf16")
    said("cast to bfloat16", True, place / "bf16", kind=Kind.SAME_VALUES)
    said("other weights", True, built(family, place / "seed", seed=1), kind=Kind.OTHER)
    said("one layer fewer", True, built(family, place / "fewer", **{layers: 1}), kind=Kind.CANNOT_LOAD)
    said("one layer more", True, built(family, place / "more", **{layers: 3}))
    said("larger vocabulary", True, built(family, place / "wide", vocab_size=1040), kind=Kind.CANNOT_LOAD)
    edited = Path(shutil.copytree(base, place / "template"))
    (edited / "chat_template.jinja").write_text("{{ messages[0]['content'] }}", encoding="utf-8")
    said("another template", True, edited, kind=Kind.OTHER)
    for name, change in (("lacks a layer", lambda n: ".1." in n), ("tensors nobody takes", None)):
        own = Path(shutil.copytree(adapter, place / name))
        tensors = stored(own / "adapter_model.safetensors")
        if change is None:
            tensors |= {n.replace(".1.", ".7."): one for n, one in tensors.items() if ".1." in n}
        else:
            tensors = {n: one for n, one in tensors.items() if not change(n)}
        store(own / "adapter_model.safetensors", tensors)
        (own / "headgate.json").unlink()
        found = compare(own, base)
        right = found.kind is Kind.CANNOT_LOAD
        out.append({"case": name, "wrong": True, "kind": found.kind.value, "parts": list(found.parts), "right": right})
    own = Path(shutil.copytree(adapter, place / "rank"))
    edit_json(own / "adapter_config.json", r=3)
    said("r edited", True, base, own, Kind.CANNOT_LOAD)
    return out


def first_part(adapter: Path | None) -> list[dict[str, Any]]:
    """Every pairing of a trained adapter."""
    items = rows("test")
    with tempfile.TemporaryDirectory() as name:
        base, own = (BASE, adapter) if adapter else trained(Path(name))
        prompts = [({"role": "user", "content": one["text"]},) for one in items]
        effect = Path(name) / "effect.json"
        write_effect(record(base, own, prompts), effect)
        found = []
        for one in PAIRINGS:
            row = pairing(one, base, own, effect, items)
            found.append(row)
            told = f"{row['peft']:20} {row['right']!s:6} {row['kind']:14} {row['with_effect']!s:7}"
            print(f"{one.name:44} {told}", flush=True)
    return found


def second_part() -> dict[str, list[dict[str, Any]]]:
    """Right and wrong pairs of every family."""
    found = {}
    for family in FAMILIES:
        with tempfile.TemporaryDirectory() as name:
            found[family] = family_cases(family, Path(name))
        missed = [one["case"] for one in found[family] if not one["right"]]
        print(f"{family:12} {len(found[family])} cases", missed or "all right", flush=True)
    return found


def summary(first: list[dict[str, Any]], second: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Caught, missed, false alarms."""
    wrong, harmless = [one for one in first if one["wrong"]], [one for one in first if one["harmless"]]
    same = [one for one in first if not one["wrong"] and not one["harmless"]]
    cases = [one for found in second.values() for one in found]
    return {
        "wrong_pairings": len(wrong),
        "caught_with_the_right_cause": sum(one["files"] == "fail" and one["cause_named"] for one in wrong),
        "peft_says_nothing": sum(one["peft"] == "nothing" for one in wrong),
        "same_pair_in_other_clothes": len(same),
        "false_alarms": sum(one["files"] != "pass" for one in same),
        "harmless_other_bytes": len(harmless),
        "harmless_refused_after_replay": sum(one["with_effect"] == "fail" for one in harmless),
        "harmless_unsure_after_replay": sum(one["with_effect"] == "unsure" for one in harmless),
        "families": len(second),
        "family_cases_wrong": sum(one["wrong"] for one in cases),
        "family_cases_missed": sum(one["wrong"] and not one["right"] for one in cases),
        "family_cases_same": sum(not one["wrong"] for one in cases),
        "family_false_alarms": sum(not one["wrong"] and not one["right"] for one in cases),
        "median_cpu_ms": sorted(one["cpu_ms"] for one in first)[len(first) // 2] if first else None,
    }


def main() -> None:
    """Runs the parts that are asked for and writes the results; a part that is not run keeps what is there."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--adapter", type=Path)
    given.add_argument("--part", choices=("1", "2"))
    asked = given.parse_args()
    hf_logging.set_verbosity_error()
    hf_logging.disable_progress_bar()
    torch.set_num_threads(1)
    first = first_part(asked.adapter) if asked.part != "2" else None
    second = second_part() if asked.part != "1" else None
    known = json.loads(OUT.read_text(encoding="utf-8")) if OUT.exists() else {"pairings": [], "families": {}}
    first, second = first or known["pairings"], second or known["families"]
    told = summary(first, second)
    print(json.dumps(told, indent=2))
    body = {"summary": told, "pairings": first, "families": second}
    OUT.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
