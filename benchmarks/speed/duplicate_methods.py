"""One way of finding near-duplicates, as a whole process: reads texts, writes the rows that it flags.

    python benchmarks/speed/duplicate_methods.py METHOD TEXTS FLAGGED

TEXTS has one JSON string a line. Every method takes lower-cased word 5-grams and 128 permutations (ours 125)
at a similarity of 0.7, but for `headgate`, which runs as `headgate check` runs it: word 3-grams at 0.6, character
5-grams in short texts. Imports stand inside the methods because the peers live in different environments.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

WORDS = re.compile(r"\w+")
N, THRESHOLD, PERMUTATIONS = 5, 0.7, 128
BANDS, ROWS = 32, 4  # of peers that let us choose


def shingles(text: str) -> list[str]:
    """Word 5-grams as the peers' users make them."""
    words = WORDS.findall(text.lower())
    return [" ".join(words[at : at + N]) for at in range(max(len(words) - N + 1, 1))]


def headgate(texts: list[str]) -> set[int]:
    """Rows in a pair of alike texts by our own measure, numbers and negations aside, as no peer looks at them."""
    from headgate.text.near_duplicates import near_duplicate_pairs

    pairs = near_duplicate_pairs(texts)
    return {*pairs.left.tolist(), *pairs.right.tolist()}


def headgate_5_grams(texts: list[str], bands: int = 25, rows: int = 5) -> set[int]:
    """The same kernels asked the peers' question."""
    import numpy as np

    from headgate.text.jaccard import similarities
    from headgate.text.minhash import candidates, signatures
    from headgate.text.ngrams import Shingles, exact_hashes
    from headgate.text.tape import tape_of

    tape, grams = tape_of(texts), Shingles(N)
    keys = exact_hashes(tape)
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    same = np.flatnonzero(first[which] != np.arange(len(keys)))
    kept = np.setdiff1d(np.flatnonzero(tape.lengths >= N), same)
    table = signatures(tape, grams, rows=bands * rows, chosen=kept)
    left, right = (kept[side] for side in candidates(table, bands=bands, floor=THRESHOLD))
    alike = similarities(tape, grams, left, right) >= THRESHOLD
    return {*left[alike].tolist(), *right[alike].tolist(), *same.tolist(), *first[which[same]].tolist()}


def rensa(texts: list[str]) -> set[int]:
    """Rows that the deduplicator refuses: the later side of each pair."""
    from rensa import RMinHashDeduplicator

    store = RMinHashDeduplicator(THRESHOLD, PERMUTATIONS, True, BANDS)
    taken = store.add_pairs([(str(number), shingles(text)) for number, text in enumerate(texts)])
    return {number for number, added in enumerate(taken) if not added}


def rensa_one_by_one(texts: list[str]) -> set[int]:
    """The same question asked of one text at a time, so that no list of all shingles is held."""
    from rensa import RMinHash, RMinHashDeduplicator

    store = RMinHashDeduplicator(THRESHOLD, PERMUTATIONS, True, BANDS)
    flagged: set[int] = set()
    for number, text in enumerate(texts):
        signature = RMinHash(PERMUTATIONS, 42)
        signature.update(shingles(text))
        if not store.add(str(number), signature):
            flagged.add(number)
    return flagged


def datasketch(texts: list[str]) -> set[int]:
    """Rows that share a bucket with an earlier one."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    flagged: set[int] = set()
    for number, text in enumerate(texts):
        signature = MinHash(num_perm=PERMUTATIONS)
        signature.update_batch([one.encode() for one in shingles(text)])
        met = index.query(signature)
        flagged |= {number, *met} if met else set()
        index.insert(number, signature)
    return flagged


def gaoya(texts: list[str]) -> set[int]:
    """Rows that the index finds to be like an earlier one; its own words and 5-grams."""
    from gaoya.minhash import MinHashStringIndex

    index = MinHashStringIndex(
        hash_size=32,
        jaccard_threshold=THRESHOLD,
        num_bands=BANDS,
        band_size=ROWS,
        analyzer="word",
        lowercase=True,
        ngram_range=(N, N),
    )
    index.par_bulk_insert_docs(list(range(len(texts))), texts)
    flagged: set[int] = set()
    for number, met in enumerate(index.par_bulk_query(texts, return_similarity=False)):
        if set(met) - {number}:
            flagged.add(number)
    return flagged


def daft(texts: list[str]) -> set[int]:
    """Rows that share a band of Daft's signatures, unchecked; bands are met with numpy.

    Words are folded in Python, as its own folding drops apostrophes: that is part of its time.
    """
    import daft as peer
    import numpy as np

    folded = [" ".join(WORDS.findall(text.lower())) for text in texts]
    frame = peer.from_pydict({"text": folded})
    frame = frame.select(peer.col("text").minhash(num_hashes=PERMUTATIONS, ngram_size=N, seed=1).alias("signature"))
    values = frame.to_arrow()["signature"].combine_chunks()
    table = np.asarray(values.flatten(), dtype=np.uint32).reshape(len(texts), PERMUTATIONS)
    flagged = np.zeros(len(texts), dtype=bool)
    for band in range(PERMUTATIONS // 8):
        part = np.ascontiguousarray(table[:, 8 * band : 8 * (band + 1)])
        keys = part.view(np.dtype((np.void, part.itemsize * 8))).ravel()
        _, which, counts = np.unique(keys, return_inverse=True, return_counts=True)
        flagged |= counts[which] > 1
    return set(np.flatnonzero(flagged).tolist())


def text_dedup(texts: list[str]) -> set[int]:
    """Rows that its command removes."""
    from datasets import load_from_disk

    with tempfile.TemporaryDirectory() as scratch:
        source, out = Path(scratch) / "in.jsonl", Path(scratch) / "out"
        with source.open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps({"number": at, "text": text}) + "\n" for at, text in enumerate(texts))
        command = "--path json --split train --column text --batch_size 1000 --num_proc 2".split()  # noqa: SIM905
        command += ["--data_files", str(source), "--cache_dir", f"{scratch}/cache", "--output", str(out)]
        command += ["--threshold", str(THRESHOLD), "--ngram", str(N), "--num_perm", str(PERMUTATIONS)]
        done = subprocess.run(
            [sys.executable, "-m", "text_dedup.minhash", *command], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(done.stderr[-2000:])
        return set(range(len(texts))) - set(load_from_disk(str(out))["number"])


def datatrove(texts: list[str]) -> set[int]:
    """Rows that its four stages remove: signatures, buckets, clusters, filter; two workers, its own words."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    config = MinhashConfig(n_grams=N, num_buckets=14, hashes_per_bucket=8)  # its own; (1/14)**(1/8) is 0.72
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "in").mkdir()
        for part in (0, 1):
            with (Path(scratch) / "in" / f"{part}.jsonl").open("w", encoding="utf-8") as stream:
                for number in range(part, len(texts), 2):
                    stream.write(json.dumps({"id": str(number), "text": texts[number]}) + "\n")
        at = {name: f"{scratch}/{name}" for name in ("in", "signatures", "pairs", "clusters", "kept", "removed")}
        removed = JsonlWriter(at["removed"], compression=None)
        stages = [
            ([JsonlReader(at["in"]), MinhashDedupSignature(at["signatures"], config)], 2),
            ([MinhashDedupBuckets(at["signatures"], at["pairs"], config=config)], config.num_buckets),
            ([MinhashDedupCluster(at["pairs"], at["clusters"], config=config)], 1),
            (
                [
                    JsonlReader(at["in"]),
                    MinhashDedupFilter(at["clusters"], exclusion_writer=removed),
                    JsonlWriter(at["kept"], compression=None),
                ],
                2,
            ),
        ]
        for number, (steps, tasks) in enumerate(stages):
            # Workers of a fork server would be nobody's children, and their time counted nowhere.
            logs = f"{scratch}/logs/{number}"
            LocalPipelineExecutor(steps, tasks=tasks, workers=2, logging_dir=logs, start_method="fork").run()
        lines = [line for path in Path(at["removed"]).rglob("*.jsonl") for line in path.read_text().splitlines()]
        return {int(json.loads(line)["id"]) for line in lines}


METHODS = {
    "headgate": headgate,
    "headgate, 5-grams": headgate_5_grams,
    "rensa": rensa,
    "rensa, one by one": rensa_one_by_one,
    "datasketch": datasketch,
    "gaoya": gaoya,
    "daft": daft,
    "text-dedup": text_dedup,
    "datatrove": datatrove,
}


def main(method: str, source: str, target: str) -> None:
    """Runs one method."""
    with Path(source).open(encoding="utf-8") as stream:
        texts = [json.loads(line) for line in stream]
    Path(target).write_text(json.dumps(sorted(METHODS[method](texts))), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
