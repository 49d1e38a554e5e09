"""One way of finding rows that hold an evaluation item, as a whole process: reads two files, writes the rows it flags.

    python benchmarks/speed/contamination_methods.py METHOD FOLDER FLAGGED

FOLDER holds what `leaked_text.write` wrote: chat rows and items for ours, the same as one text a row for peers.
Imports stand inside the methods because the peers live in different environments. Peers have their own defaults
but where a comment says otherwise.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Tiers = dict[str, Any]  # rows by how sure a method is; a number where it only counts them

WORDS = re.compile(r"\w+")
PERMUTATIONS = 128
WORKERS = 2  # of peers that start processes
BLOOM_GRAMS = 200_000  # of all items
BLOOM_ERROR = 1e-5  # share of other n-grams that the filter may take for one of them
LEAST_WORDS = 3  # as in self-leak


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines."""
    with path.open(encoding="utf-8") as stream:
        yield from map(json.loads, stream)


def texts(path: Path) -> Iterator[str]:
    """The texts of a file of rows or items."""
    return (one["text"] for one in read(path))


def halved(folder: Path, parts: Path) -> None:
    """Writes the rows in as many files as there are workers, in turns."""
    lines = (folder / "texts.jsonl").read_bytes().splitlines(keepends=True)
    for part in range(WORKERS):
        (parts / f"{part}.jsonl").write_bytes(b"".join(lines[part::WORKERS]))


def grams(text: str, n: int) -> set[str]:
    """Word n-grams; a text shorter than n is one gram."""
    words = WORDS.findall(text.lower())
    return {" ".join(words[k : k + n]) for k in range(max(len(words) - n + 1, 1))}


def headgate(folder: Path) -> Tiers:
    """Rows with a copy by the kernels of self-leak: certain ones, which it blocks, and those that it lists for review.

    A row asks an item's words from end to end or covers enough of its 4-grams; `twins` have the frame of an item
    with other numbers.
    """
    import numpy as np
    import orjson

    from headgate.text.coverage import coverage
    from headgate.text.leaks import LIKELY_SHARE, copies, needed_share, same_words
    from headgate.text.tape import tape_of

    asked, whole = list[str](), list[str]()
    with (folder / "train.jsonl").open("rb") as stream:
        for line in stream:
            turns = orjson.loads(line)["messages"]
            asked.append(turns[0]["content"])
            whole.append("\n".join([turn["content"] for turn in turns]))
    with (folder / "test.jsonl").open("rb") as stream:
        items = [orjson.loads(line)["messages"][0]["content"] for line in stream]
    rows, questions, wanted = tape_of(whole), tape_of(asked), tape_of(items)
    pairs = coverage(rows, wanted)
    found = copies(rows, wanted, long_share=LIKELY_SHARE, found=pairs, asked=questions.lengths)
    certain = (found.share >= needed_share(pairs.telling[found.items])) | found.repeated
    certain = (certain & ~found.twin) | (found.words >= wanted.lengths[found.items])
    same = same_words(questions, wanted, least_words=LEAST_WORDS)
    return {
        "certain": np.union1d(found.rows[certain], same[0]).tolist(),
        "likely": found.rows[~certain & ~found.twin].tolist(),
        "twins": found.rows[found.twin].tolist(),
    }


def headgate_check(folder: Path) -> Tiers:
    """`headgate check`, which names the rows of the first leaks and counts those of all."""
    command = [str(Path(sys.executable).parent / "headgate"), "check", "train.jsonl", "--eval", "test.jsonl"]
    done = subprocess.run([*command, "--select", "DAT006", "--json"], cwd=folder, capture_output=True, check=False)
    (verdict,) = json.loads(done.stdout)["verdicts"]
    return {"named": [one["line"] - 1 for one in verdict["findings"]], "counted": verdict["details"]["rows"]}


def eight_grams(folder: Path) -> set[int]:
    """Rows that share any 8-gram with an item."""
    return _sharing(folder, 8)


def thirteen_grams(folder: Path) -> set[int]:
    """Rows that share any 13-gram with an item; the rule of GPT-3."""
    return _sharing(folder, 13)


def _sharing(folder: Path, n: int) -> set[int]:
    known = set[str]().union(*(grams(item, n) for item in texts(folder / "items.jsonl")))
    rows = enumerate(texts(folder / "texts.jsonl"))
    return {number for number, row in rows if not known.isdisjoint(grams(row, n))}


def janitor(folder: Path) -> set[int]:
    """Rows that lm-evaluation-harness' Janitor changes, its n-grams made in Python.

    With its least length of a clean piece, 200 characters, every shorter row is changed: 0 here.
    """
    from lm_eval.decontamination.janitor import Janitor

    cleaner = Janitor(minimum_slice_length=0)
    for item in texts(folder / "items.jsonl"):
        cleaner.register_contaminant_python(item)
    rows = enumerate(texts(folder / "texts.jsonl"))
    return {number for number, row in rows if cleaner.clean_python(row) != [row]}


def janitor_compiled(folder: Path) -> set[int]:
    """Rows of which an n-gram by Janitor's C++ module is one of an item.

    Its own `clean_cpp` never asks whether an n-gram is one of an item and empties nearly every row, so the
    question is asked here. It cuts words after eleven bytes, and fails where that is inside of a character:
    characters beyond ASCII are replaced before.
    """
    import string

    import janitor_util

    def made(text: str) -> list[str]:
        plain = text.encode("ascii", "replace").decode()
        return [gram for gram, _, _ in janitor_util.clean_ngram_with_indices(plain, string.punctuation, 13)]

    known = {gram for item in texts(folder / "items.jsonl") for gram in made(item)}
    rows = enumerate(texts(folder / "texts.jsonl"))
    return {number for number, row in rows if not known.isdisjoint(made(row))}


def datatrove(folder: Path) -> set[int]:
    """Rows that its n-gram filter excludes: 12-grams of its own words, the questions' n-grams looked for as well.

    Its indexer cannot be made without lighteval, so its function for hashes fills the index.
    """
    import numpy as np
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.decont import NGramsDecontConfig, NGramsDecontFilter, NGramsDecontIndexer
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    config = NGramsDecontConfig(find_query_ngrams=True)
    index, parts = folder / "datatrove-index", folder / "datatrove-in"
    index.mkdir()
    parts.mkdir()
    NGramsDecontIndexer._requires_dependencies = []
    indexer = NGramsDecontIndexer(str(index), config=config)
    hashes = {one for item in texts(folder / "items.jsonl") for one in indexer.compute_hashes("", item)}
    np.array(sorted(hashes), dtype=config.hash_config.np_descr).tofile(index / "items.index.hashes")
    halved(folder, parts)
    excluded = JsonlWriter(str(folder / "datatrove-out"), compression=None)
    steps = [JsonlReader(str(parts)), NGramsDecontFilter(str(index), config=config, exclusion_writer=excluded)]
    # Workers of a fork server would be nobody's children, and their time counted nowhere.
    logs = str(folder / "datatrove-logs")
    LocalPipelineExecutor(steps, tasks=WORKERS, workers=WORKERS, logging_dir=logs, start_method="fork").run()
    return {int(one["id"]) for path in (folder / "datatrove-out").rglob("*.jsonl") for one in read(path)}


def overlapy(folder: Path) -> set[int]:
    """Rows with an n-gram of an item; it takes 8- to 13-grams by how long the items of a set are."""
    from overlapy import Overlapy, OverlapyTestSet

    sets: dict[str, Any] = {}
    for one in read(folder / "items.jsonl"):
        known = sets.setdefault(one["set"], OverlapyTestSet(one["set"]))
        known.add_example(WORDS.findall(one["text"].lower()))
    rows = [WORDS.findall(text.lower()) for text in texts(folder / "texts.jsonl")]
    matches = Overlapy(list(sets.values()), rows, n_workers=WORKERS).run()
    return {row for its in matches.values() for row in its}


def dolma(folder: Path) -> set[int]:
    """Rows with a line half of whose 8-grams are in the Bloom filter of the items; its compiled part only.

    The package itself does not install here, so what its command line would hand over is written here.
    """
    from importlib.machinery import ExtensionFileLoader
    from importlib.metadata import distribution
    from importlib.util import module_from_spec, spec_from_loader

    (built,) = (path for path in distribution("dolma").files or () if path.suffix == ".so")
    loader = ExtensionFileLoader("dolma", str(built.locate()))
    spec = spec_from_loader("dolma", loader)
    assert spec is not None
    compiled = module_from_spec(spec)
    loader.exec_module(compiled)
    paragraphs = {
        "attribute_name": "copied",
        "paragraph_separator": "\n",
        "by_ngram": {"ngram_length": 8, "stride": 0, "overlap_threshold": 0.5, "skip_short_paragraphs": False},
    }
    for name in ("items", "texts"):
        documents = folder / "dolma" / name / "documents"
        documents.mkdir(parents=True)
        lines = (folder / f"{name}.jsonl").read_bytes().splitlines(keepends=True)
        for part in range(WORKERS):
            with gzip.open(documents / f"{part}.jsonl.gz", "wb", compresslevel=0) as stream:
                stream.write(b"".join(lines[part::WORKERS]))
        asked = {
            "name": "copied",
            "paragraphs": paragraphs,
            "skip_empty": True,
            "min_length": 0,
            "min_words": 0,
            "num_partitions": 1,
            "partition_index": 0,
            "file_partition": False,
            "document_dir": "documents",
        }
        bloom = {
            "file": str(folder / "dolma" / "bloom.bin"),
            "read_only": name == "texts",
            "size_in_bytes": 0,
            "estimated_doc_count": BLOOM_GRAMS,
            "desired_false_positive_rate": BLOOM_ERROR,
        }
        work = {way: str(folder / "dolma" / name / way) for way in ("input", "output")}
        config = {
            "documents": [str(documents / "*.gz")],
            "work_dir": work,
            "dedupe": asked,
            "bloom_filter": bloom,
            "processes": WORKERS,
            "compression": {"input": None, "output": None},
            "is_s3_volume": False,
        }
        compiled.deduper_entrypoint(json.dumps(config))
    flagged = set[int]()
    for path in (folder / "dolma" / "texts" / "attributes").rglob("*.gz"):
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            for line in stream:
                one = json.loads(line)
                if any(span[2] >= 0.5 for span in one["attributes"].get("copied", ())):
                    flagged.add(int(one["id"]))
    return flagged


def rensa(folder: Path) -> set[int]:
    """Rows that meet an item in a bucket of the LSH at a similarity of 0.5: whole texts are compared."""
    from rensa import RMinHash, RMinHashLSH

    def signature(text: str) -> Any:
        made = RMinHash(PERMUTATIONS, 42)
        made.update(list(grams(text, 3)))
        return made

    index = RMinHashLSH(0.5, PERMUTATIONS, 32)
    for number, item in enumerate(texts(folder / "items.jsonl")):
        index.insert(number, signature(item))
    return {number for number, row in enumerate(texts(folder / "texts.jsonl")) if index.query(signature(row))}


def decon(folder: Path) -> set[int]:
    """Rows that allenai/decon reports, by its Python package."""
    import decon as peer

    parts, items, out = folder / "decon-in", folder / "decon-items", folder / "decon-out"
    for path in (parts, items):
        path.mkdir()
    halved(folder, parts)
    with (items / "items.jsonl").open("w", encoding="utf-8") as stream:
        for number, one in enumerate(read(folder / "items.jsonl")):
            body = {"eval_key": one["set"], "eval_instance_index": number, "split": "test", "question": one["text"]}
            stream.write(json.dumps({**body, "doc_id": number, "fingerprint": f"{number:016x}"}) + "\n")
    report = peer.detect(peer.Config(str(parts), str(items), str(out), worker_threads=WORKERS))
    flagged = set[int]()
    for path in Path(report).rglob("*.jsonl*"):
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8") as stream:
            for one in map(json.loads, stream):
                flagged.add(WORKERS * int(one["training_line"]) + int(Path(one["training_file"]).stem[0]))
    return flagged


METHODS = {
    "headgate, kernels": headgate,
    "headgate check": headgate_check,
    "8-gram sets": eight_grams,
    "13-gram sets": thirteen_grams,
    "Janitor": janitor,
    "Janitor, C++ n-grams": janitor_compiled,
    "datatrove": datatrove,
    "overlapy": overlapy,
    "dolma": dolma,
    "decon": decon,
    "rensa": rensa,
}


def main(method: str, folder: str, target: str) -> None:
    """Runs one method."""
    found = METHODS[method](Path(folder))
    tiers = found if isinstance(found, dict) else {"flagged": sorted(found)}
    Path(target).write_text(json.dumps(tiers), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
