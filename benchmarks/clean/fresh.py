"""Rows that nobody chose a threshold of the rules on trial by: other sources than the planters beside them use.

Each loader takes the folder of the development data and returns rows in a fixed order. `side.extra` has what a planter
of false facts needs, as in `clean/grounded.py`: the record (`document`) and its identifiers (`identifiers`).
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from clean.loading import Rows, _csv, _lines, _row
from headgate.rows.row import Side

MODULES = (
    "argparse", "ast", "asyncio", "bisect", "calendar", "codecs", "collections", "configparser", "contextlib", "copy",
    "csv", "ctypes.util", "dataclasses", "datetime", "decimal", "difflib", "dis", "email.utils", "fractions", "ftplib",
    "functools", "gettext", "glob", "gzip", "hashlib", "heapq", "html", "http.client", "imaplib", "inspect", "io",
    "ipaddress", "itertools", "json", "linecache", "locale", "logging", "lzma", "mailbox", "math", "mimetypes",
    "multiprocessing", "operator", "os", "os.path", "pathlib", "pickle", "pkgutil", "platform", "plistlib", "poplib",
    "pprint", "profile", "queue", "random", "re", "sched", "secrets", "select", "shelve", "shlex", "shutil", "signal",
    "smtplib", "socket", "socketserver", "sqlite3", "ssl", "stat", "statistics", "string", "struct", "subprocess",
    "symtable", "tarfile", "telnetlib", "tempfile", "textwrap", "threading", "time", "timeit", "tokenize", "trace",
    "traceback", "tracemalloc", "turtle", "types", "typing", "unicodedata", "unittest.mock", "urllib.parse",
    "urllib.request", "uuid", "venv", "warnings", "wave", "weakref", "xml.dom.minidom", "xml.etree.ElementTree",
    "xmlrpc.client", "zipfile", "zlib",
)  # fmt: skip
LOADED = re.compile(r"""(\w+)\.(from_pretrained|load|KerasLayer)\(\s*\\?["']([^"'\\]{4,80})\\?["']""")
DEFINED = re.compile(
    r"(?:def|function|const|let|var|int|bool|double|char\s*\*|float|void|string)\s+\*?([A-Za-z]\w{5,})"
)


def harmless_turns(folder: Path) -> Rows:
    """Each answer of an assistant in the harmless test set, chosen or rejected, once: 7,914 rows."""
    seen: dict[str, tuple[str, int]] = {}
    for number, one in enumerate(_lines(folder / "hh_harmless_test" / "pairs.jsonl.gz"), start=1):
        for side in ("chosen", "rejected"):
            for turn in one[side].split("\n\nHuman: ")[1:]:
                user, _, said = turn.partition("\n\nAssistant: ")
                if said.strip():
                    seen.setdefault(said.strip(), (user.strip(), number))
    return [
        _row("harmless_turns", n, user, said, Side(source="hh", conversation=f"pair {number}"))
        for n, (said, (user, number)) in enumerate(seen.items(), start=1)
    ]


def customers(folder: Path) -> Rows:
    """What STAR's customers typed, as if it were the answer to what was said to them: 54,214 rows."""
    rows: Rows = []
    for dialogue in _lines(folder / "star" / "dialogues.jsonl.gz"):
        said = "Hello."
        for event in dialogue["events"]:
            text = (event.get("text") or "").strip()
            if event["agent"] == "User" and text:
                side = Side(source="star", conversation=str(dialogue["id"]), annotator=str(dialogue["user_worker"]))
                rows.append(_row("customers", len(rows) + 1, said, text, side))
            elif event["agent"] == "Wizard" and event["action"] in ("utter", "pick_suggestion") and text:
                said = text
    return rows


def requests(folder: Path) -> Rows:
    """Requests to an assistant as people wrote them (clinc150, all splits), as answers: 23,700 rows."""
    records = _csv(folder / "clinc150" / "full.csv.gz")
    return [_row("requests", n, f"About {one['domain']}.", one["text"]) for n, one in enumerate(records, start=1)]


def graded_solutions(folder: Path) -> Rows:
    """Worked arithmetic by four models: 5,276 rows."""
    return [
        _row("graded", n, one["question"], one["solution"],
             Side(source="gsm8k", conversation=f"question {one['test_index']}", annotator=one["model"]))
        for n, one in enumerate(_lines(folder / "gsm8k" / "graded_model_solutions.jsonl.gz"), start=1)
    ]  # fmt: skip


def llmbar_answers(folder: Path) -> Rows:
    """Both answers to each instruction of LLMBar, each once: 2,012 rows."""
    seen: dict[str, str] = {}
    for one in _lines(folder / "llmbar" / "items.jsonl.gz"):
        for name in ("output_1", "output_2"):
            seen.setdefault(one[name].strip(), one["input"].strip())
    return [_row("llmbar", n, asked, said) for n, (said, asked) in enumerate(seen.items(), start=1) if said]


def reworded_sums(folder: Path) -> Rows:
    """Published rephrasings of GSM8K questions as answers; the question is the record: 1,319 rows."""
    pairs = [(one["original"], one["rephrased"]) for one in _lines(folder / "rephrased_tests" / "gsm8k_pairs.jsonl")]
    return _reworded("reworded_sums", iter(pairs))


def reworded_questions(folder: Path) -> Rows:
    """Published rephrasings of MMLU questions (history, sociology, algebra) as answers: 485 rows."""
    records = _lines(folder / "rephrased_tests" / "mmlu_pairs.jsonl.gz")
    pairs = ((one["original"], one["rephrased"]) for one in records if one["kind"] == "paraphrase_en")
    return _reworded("reworded_questions", (pair for pair in pairs if pair[1].strip()))


def library_functions(folder: Path) -> Rows:  # noqa: ARG001 - one shape; what is documented comes with Python
    """Functions of Python's own library, each restated from its documentation: about 1,900 rows."""
    rows: Rows = []
    for name, signature, told in dict.fromkeys(_documented()):
        first = re.split(r"\n\s*\n", told)[0]
        words = " ".join(first.split())
        text = f"{words if words[-1:] in '.!?' else words + '.'} Call {name}{signature}."
        document = f"{name}{signature}\n\n{told}"
        side = Side(
            source="python", group=f"function {len(rows) + 1}", extra={"document": document, "identifiers": [name]}
        )
        rows.append(_row("library", len(rows) + 1, f"What does the library have? ({len(rows) + 1})", text, side))
    return rows


def reworded_signals(folder: Path) -> Rows:
    """Published rephrasings of MMLU questions, each in the place of its original."""
    records = _lines(folder / "rephrased_tests" / "mmlu_pairs.jsonl.gz")
    pairs = [(one["original"], one["rephrased"]) for one in records if one["kind"] == "paraphrase_en"]
    return _signals("reworded_signals", ((before, after) for before, after in pairs if after.strip() != before.strip()))


def solved_signals(folder: Path) -> Rows:
    """Right solutions of GSM8K by a model, each in the place of a wrong one by another model."""
    said: dict[str, dict[bool, str]] = {}
    for one in _lines(folder / "gsm8k" / "graded_model_solutions.jsonl.gz"):
        if one["model"].endswith("finetuning"):
            said.setdefault(one["question"], {})[bool(one["is_correct"])] = one["solution"]
    return _signals("solved_signals", ((held[False], held[True]) for held in said.values() if len(held) > 1))


def preferred_signals(folder: Path) -> Rows:
    """The preferred last turn of each pair of the harmless test set, in the place of the other."""
    records = _lines(folder / "hh_harmless_test" / "pairs.jsonl.gz")
    ends = ((one[side].rpartition("\n\nAssistant: ")[2].strip() for side in ("rejected", "chosen")) for one in records)
    return _signals("preferred_signals", ((before, after) for before, after in ends if before and after != before))


def _signals(name: str, pairs: Iterator[tuple[str, str]]) -> Rows:
    return [
        _row(name, n, f"Question {n}", after, Side(source=name, extra={"original_answer": before}))
        for n, (before, after) in enumerate(pairs, start=1)
        if after.strip()
    ]


def rewritten_programs(folder: Path) -> Rows:
    """HumanEval programs that were rewritten in Python, JavaScript and C: what each defines. 492 rows."""
    rows: Rows = []
    for one in _lines(folder / "rephrased_tests" / "humaneval_pairs.jsonl"):
        program = one["rephrased"]
        names = list(dict.fromkeys(hit for hit in DEFINED.findall(program) if re.search(r"_\w|[a-z][A-Z]", hit)))
        told = f"Call {names[0]}()." if names else "It has no name."
        told += f" It keeps {', '.join(names[1:4])}." if names[1:] else ""
        side = Side(source="humaneval", group=one["pair_id"], extra={"document": program, "identifiers": names[:4]})
        rows.append(_row("programs", len(rows) + 1, "What is it called?", told, side))
    return rows


def model_calls(folder: Path) -> Rows:
    """Calls that models wrote for questions on two hubs, with a name that its documents have: 7,334 rows.

    A call is the first of a response that loads something by name. `extra["inventions"]`: the names that models called
    for the same hub and no document has.
    """
    rows: Rows = []
    for hub, file in (("huggingface", "responses_huggingface.jsonl.gz"),
                      ("tensorflowhub", "responses_tensorflowhub.jsonl.gz")):  # fmt: skip
        documents = [json.dumps(one, ensure_ascii=False) for one in _lines(folder / "gorilla_api" / f"api_{hub}.jsonl")]
        known, inventions = "\n".join(documents).lower(), dict[str, None]()
        for one in _lines(folder / "gorilla_api" / file):
            hit = LOADED.search(one["response"])
            if hit is None or "/" not in hit[3] or hit[3].lower().startswith("path"):
                continue
            if hit[3].lower() not in known:
                inventions[hit[3]] = None
                continue
            extra = {"identifiers": [hit[3]], "documents": documents, "inventions": inventions}
            told = f"Load it with {hit[1]}.{hit[2]}('{hit[3]}')."
            side = Side(source=hub, group=f"{hub} {one['question_id']}", extra=extra)
            rows.append(_row("model_calls", len(rows) + 1, one["question"].strip(), told, side))
    return rows


def _reworded(name: str, pairs: Iterator[tuple[str, str]]) -> Rows:
    return [
        _row(name, n, "Say it in other words.", after,
             Side(source=name, group=f"{name} {n}", extra={"document": before, "identifiers": []}))
        for n, (before, after) in enumerate(pairs, start=1)
    ]  # fmt: skip


def _documented() -> Iterator[tuple[str, str, str]]:
    for module_name in MODULES:
        try:
            module = importlib.import_module(module_name)
        except ImportError:
            continue
        for name, held in sorted(vars(module).items()):
            if name.startswith("_") or not callable(held):
                continue
            own = getattr(held, "__module__", None) == module_name
            yield from _described(f"{module_name}.{name}", held) if own or inspect.isbuiltin(held) else ()
            for method, inner in sorted(vars(held).items()) if inspect.isclass(held) and own else ():
                if not method.startswith("_") and callable(inner):
                    yield from _described(f"{module_name}.{name}.{method}", inner)


def _described(name: str, held: object) -> Iterator[tuple[str, str, str]]:
    told = (inspect.getdoc(held) or "").strip()
    signature = "()"
    with contextlib.suppress(ValueError, TypeError):
        signature = str(inspect.signature(held))  # type: ignore[arg-type]
    if len(told) >= 40 and " at 0x" not in signature and len(signature) < 200:
        yield name, signature, told


LOADERS: Mapping[str, Callable[[Path], Rows]] = {
    "harmless_turns": harmless_turns,
    "customers": customers,
    "requests": requests,
    "graded_solutions": graded_solutions,
    "llmbar_answers": llmbar_answers,
    "reworded_sums": reworded_sums,
    "reworded_questions": reworded_questions,
    "library_functions": library_functions,
    "rewritten_programs": rewritten_programs,
    "model_calls": model_calls,
    "reworded_signals": reworded_signals,
    "solved_signals": solved_signals,
    "preferred_signals": preferred_signals,
}
