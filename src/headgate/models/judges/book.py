"""What judges said, kept in the ledger as it arrives: a killed run asks nothing twice.

Each answer is a node of kind `trace`, named after the call, with request and answer as content beside it, so that an
erasure finds them. The key of the call covers judge, words, order, repeat and rubric, and leaves out the fence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from headgate.kit.hashing import canonical_json
from headgate.ledger.ledger import Edge, Ledger
from headgate.models.model import Completion, Prompt, completion_of

KIND = "trace"
ERASED = "the answer was erased"


def name_of(call_key: str, *, repaired: bool = False) -> str:
    """Name of the node that keeps an answer."""
    return f"judge/{call_key.removeprefix('b3:')}" + ("/again" if repaired else "")


class LedgerBook:
    """Answers of one judge: an answer book over the ledger."""

    def __init__(self, ledger: Ledger, judge_node: str, identity: str) -> None:
        self.ledger, self._judge, self._identity = ledger, judge_node, identity
        self._open: dict[str, tuple[str, Prompt]] = {}  # request key -> name of the node, what is sent
        self.seconds: dict[str, float] = {}  # request key -> time of the answer
        self.failures = 0  # requests that failed for good

    def expect(self, request: str, name: str, prompt: Prompt) -> None:
        """Says which call a request belongs to."""
        self._open[request] = (name, prompt)

    def known(self, name: str) -> Completion | None:
        """The answer on record under a name, or None; one that was erased is an error."""
        node = self.ledger.latest(KIND, name)
        if node is None:
            return None
        if node.erased or not self.ledger.content.has(str(node.body["answer"])):
            return Completion(outcome="error", error=ERASED, finish_reason="erased")
        return completion_of(orjson.loads(self.ledger.content.get(node.body["answer"])))

    def get(self, key: str) -> Completion | None:  # noqa: ARG002 - the shape of an answer book
        """None: what is on record is looked up by call, before a request is made."""
        return None

    def put(self, key: str, completion: Completion) -> None:
        """Records an answer; it is on disk when this returns."""
        name, prompt = self._open[key]
        with self.ledger.transaction():
            body: Mapping[str, Any] = {
                "judge": self._judge,
                "identity": self._identity,
                "request": self.ledger.content.put(canonical_json([dict(message) for message in prompt])),
                "answer": self.ledger.content.put(canonical_json(completion.as_json())),
                "seconds": round(self.seconds.get(key, 0.0), 3),
                "version": completion.version,
            }
            self.ledger.record(KIND, name, body, edges=[Edge("judged-by", self._judge)])

    def note_failure(self, key: str, reason: str) -> None:  # noqa: ARG002 - the shape of an answer book
        """Counts a request that failed; it stays open and the next run asks again."""
        self.failures += 1
