"""Alpaca rows: instruction, input, output, with LLaMA-Factory's system, history, chosen, rejected, kto_tag.

Instruction and input are joined by a newline into one question. `history` is question and answer
pairs that are trained on as well.
"""

from __future__ import annotations

from typing import Any

from headgate.rows.formats.shape import Body, CannotHold, Format, Loose, Parts, Wrong, keys_of, shown, text_of, truth_of
from headgate.rows.formats.turns import dialogue_of, judged_of, pair_of
from headgate.rows.row import Kind, Message, Row

KEYS = frozenset(["instruction", "input", "output", "system", "history", "chosen", "rejected", "kto_tag"])


def read(body: Body, loose: Loose) -> Parts:  # noqa: ARG001 - the signature of every reader
    """A demonstration, a preference row (chosen, rejected) or an unpaired one (kto_tag).

    Raises:
        Wrong: the row does not have that shape.
    """
    if body.get("instruction") is None and body.get("input") is None:
        raise Wrong("no `instruction`", found="keys " + keys_of(body), wanted="instruction, input, output")
    instruction, given = text_of(body, "instruction", default=""), text_of(body, "input", default="")
    asked = [*_system(body), *_history(body.get("history"))]
    asked.append(Message("user", "\n".join(text for text in (instruction, given) if text)))
    if body.get("chosen") is not None or body.get("rejected") is not None:
        return {
            "kind": Kind.PREFERENCE,
            "messages": tuple(asked),
            "chosen": (Message("assistant", text_of(body, "chosen")),),
            "rejected": ((Message("assistant", text_of(body, "rejected")),),),
        }
    said = Message("assistant", text_of(body, "output"))
    if body.get("kto_tag") is not None:
        label = truth_of(body, "kto_tag")
        return {"kind": Kind.UNPAIRED, "messages": tuple(asked), "chosen": (said,), "label": label}
    return {"kind": Kind.DEMONSTRATION, "messages": (*asked, said)}


def write(row: Row) -> Body:
    """One question and its answer, earlier pairs as history.

    Raises:
        CannotHold: the turns do not alternate between question and answer.
    """
    if row.kind is Kind.PREFERENCE:
        chosen, rejected = pair_of(row)
        return _question(row.messages) | {"chosen": _answer(chosen), "rejected": _answer(rejected)}
    if row.kind is Kind.UNPAIRED:
        asked, said, label = judged_of(row)
        return _question(asked) | {"output": _answer(said), "kto_tag": label}
    turns = [turn for turn in dialogue_of(row) if _is_speech(turn)]
    if not turns or turns[-1].role != "assistant":
        raise CannotHold("it does not end in an assistant's words")
    return _question(turns[:-1]) | {"output": turns[-1].content}


def _question(turns: Any) -> Body:
    systems = [turn.content for turn in turns if turn.role in ("system", "developer")]
    spoken = [turn for turn in turns if turn.role in ("user", "assistant") and _is_speech(turn)]
    expected = ["user", "assistant"] * (len(spoken) // 2) + ["user"]
    if [turn.role for turn in spoken] != expected:
        raise CannotHold("its turns do not alternate between question and answer")
    body: Body = {"instruction": spoken[-1].content, "input": ""}
    if systems:
        body["system"] = systems[0]
    if len(spoken) > 1:
        body["history"] = [
            [asked.content, said.content] for asked, said in zip(spoken[:-1:2], spoken[1::2], strict=True)
        ]
    return body


def _answer(turns: Any) -> str:
    if turns[0].role != "assistant" or not _is_speech(turns[0]):
        raise CannotHold("an answer is a tool call, or not an assistant's")
    return str(turns[0].content)


def _is_speech(turn: Message) -> bool:
    return turn.role != "tool" and not (turn.tool_calls and not turn.content)


def _system(body: Body) -> list[Message]:
    text = text_of(body, "system", default="")
    return [Message("system", text)] if text else []


def _history(value: Any) -> list[Message]:
    if value is None or value == "":
        return []
    if type(value) is not list:
        raise Wrong("`history` is not a list", found=shown(value), wanted="a list of question and answer pairs")
    turns: list[Message] = []
    for pair in value:
        if type(pair) is not list or len(pair) != 2 or not all(type(text) is str for text in pair):
            raise Wrong("`history` holds something else than a pair", found=shown(pair), wanted="[question, answer]")
        turns += [Message("user", pair[0]), Message("assistant", pair[1])]
    return turns


FORMAT = Format(
    name="alpaca",
    title="Alpaca: instruction, input, output, with LLaMA-Factory's extras",
    keys=KEYS,
    read=read,
    write=write,
    index={
        "columns": {
            "prompt": "instruction",
            "query": "input",
            "response": "output",
            "system": "system",
            "history": "history",
            "chosen": "chosen",
            "rejected": "rejected",
            "kto_tag": "kto_tag",
        }
    },
)
