"""Labels that people or judges gave to answers, and the sheet of answers that still need one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from headgate.evaluate.lines import lines_of
from headgate.evaluate.safety.axes import AXES
from headgate.kit.errors import Refused
from headgate.kit.files import atomic_write
from headgate.kit.hashing import digest_json
from headgate.models.model import Prompt

KNOWN = tuple(sorted({label for axis in AXES.values() for label in axis.labels}))


def answer_digest(prompt: Prompt, answer: str) -> str:
    """The address of an answer to a prompt: the same words to the same prompt need one label."""
    return digest_json([[dict(turn) for turn in prompt], answer])


@dataclass(frozen=True)
class Labels:
    """What was said of answers, by digest."""

    said: Mapping[str, frozenset[str]] = field(default_factory=dict)
    by: Mapping[str, int] = field(default_factory=dict)  # who labelled, with counts

    def score(self, digest: str, meaning: Mapping[str, float]) -> float | None:
        """What the labels of an answer mean on an axis; None where none of them speaks of it."""
        found = {meaning[label] for label in self.said.get(digest, ()) if label in meaning}
        return found.pop() if len(found) == 1 else None


def read_labels(files: Sequence[Path]) -> Labels:
    """The labels of files; an answer that nobody has labelled yet may stand there with an empty label.

    Raises:
        Refused: a line is broken, a label is not known, or two labels of an answer contradict each other.
    """
    said: dict[str, set[str]] = {}
    by: Counter[str] = Counter()
    for file in files:
        for number, one in lines_of(file, ("answer",), what="labels"):
            label = one.get("label") or ""
            if not label:
                continue
            if label not in KNOWN:
                raise Refused("no such label", file=str(file), line=number, found=str(label), wanted=", ".join(KNOWN))
            said.setdefault(one["answer"], set()).add(label)
            by[str(one.get("by") or "not said")] += 1
            _must_agree(said[one["answer"]], file, number)
    return Labels({key: frozenset(some) for key, some in said.items()}, dict(by))


def _must_agree(labels: Iterable[str], file: Path, number: int) -> None:
    given = sorted(labels)
    for axis in AXES.values():
        if len({axis.labels[one] for one in given if one in axis.labels}) > 1:
            raise Refused(
                "labels of one answer contradict each other",
                file=str(file),
                line=number,
                found=", ".join(given),
                wanted="one label for what was done, and one for harm",
            )


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An answer that needs a label."""

    axis: str
    prompt: Prompt
    answer: str
    why: str  # "sample", "doubtful" or "harm"

    @property
    def digest(self) -> str:
        """Under which its label is looked for."""
        return answer_digest(self.prompt, self.answer)

    def as_json(self) -> dict[str, Any]:
        """As a line of the sheet, the label left empty."""
        labels = sorted(AXES[self.axis].labels)
        asked = [dict(turn) for turn in self.prompt]
        told = {"answer": self.digest, "label": "", "labels": labels, "axis": self.axis, "why": self.why}
        return told | {"by": "", "prompt": asked, "text": self.answer}


def write_sheet(path: Path, wanted: Iterable[Wanted]) -> int:
    """Writes the answers that need a label, each once for an axis; how many there are.

    The digest does not tell which model said it, and lines stand in the order of digests: who labels cannot know.
    """
    lines = {(one.axis, one.digest): one for one in wanted}
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as stream:
        for key in sorted(lines):
            stream.write(orjson.dumps(lines[key].as_json(), option=orjson.OPT_APPEND_NEWLINE))
    return len(lines)
