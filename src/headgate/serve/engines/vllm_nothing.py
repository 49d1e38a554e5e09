"""An adapter that changes nothing, through which the base alone is asked of vLLM.

vLLM 0.32 on a CPU gives a row without an adapter the adapter in its last place, where rows with and without one run
together: the base then answers in the words of somebody's adapter, and nothing says so. A row with an adapter of
zeros gets zero added to the base's numbers, which is the base's answer to the last bit, on any machine.
"""

from __future__ import annotations

import struct
from pathlib import Path

from headgate.kit.files import atomic_write
from headgate.kit.hashing import canonical_json
from headgate.models.adapter import CONFIG, TENSORS, adapter_mark
from headgate.models.adapter_layout import PREFIX
from headgate.models.fingerprint import weight_files
from headgate.models.lora import Update
from headgate.models.safetensors_header import read_header
from headgate.serve.names import Served

NOTHING = "nothing"
SETTINGS = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 1, "lora_alpha": 1}

MODULES = ("q_proj", "qkv_proj", "query_key_value")  # that a base has one of, whose weight is (outputs, inputs)


def some_module(base: Path) -> Update | None:
    """A module that adapters of this base can have; None: none that is known by its name."""
    for path in weight_files(base):
        for name, (_, shape, *_rest) in read_header(path)[0].items():
            stem = name.removesuffix(".weight")
            if stem != name and stem.rpartition(".")[2] in MODULES and len(shape) == 2:
                down, up = (f"{PREFIX}{stem}.lora_{half}.weight" for half in "AB")
                return Update(stem=stem, down=down, up=up, rank=1, inputs=shape[1], outputs=shape[0], scale=1.0)
    return None


def made_nothing(folder: Path, like: Update) -> Served:
    """An adapter of rank 1 on one module that another adapter has too, all of it zeros; its name is of this folder."""
    tensors, place = {}, 0
    for name, shape in ((like.down, (1, like.inputs)), (like.up, (like.outputs, 1))):
        size = 4 * shape[0] * shape[1]
        tensors[name] = {"dtype": "F32", "shape": shape, "data_offsets": (place, place + size)}
        place += size
    header = canonical_json(tensors)
    header += b" " * (-len(header) % 8)
    folder.chmod(0o755)  # the server may be another user's
    target = like.stem.rpartition(".")[2]
    files = {
        CONFIG: canonical_json(SETTINGS | {"target_modules": [target]}),
        TENSORS: struct.pack("<Q", len(header)) + header + bytes(place),
    }
    for name, body in files.items():
        with atomic_write(folder / name) as stream:
            stream.write(body)
        (folder / name).chmod(0o644)
    return Served(name=f"{NOTHING}@{folder.name}", folder=folder, digest=adapter_mark(folder).digest)
