"""Rules that ask questions block by block say of files in shards what they say of files in memory."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import orjson
import pytest

from headgate.check.auditing import Audit, audit
from headgate.check.workplace import CACHE
from headgate.kit.errors import Broken
from headgate.rules import written_terms
from headgate.rules.corpus import Corpus
from headgate.rules.data import dat004_learned_typo
from headgate.rules.dates import DATED, MISSING, UNREADABLE, Created, Dated
from headgate.rules.descent import Bearers, Family, Parents
from headgate.rules.questions import Arrays, Found, chained, read, written
from headgate.stats.verdict import Outcome
from headgate.testing.literate import row_of
from headgate.text.kernels import THREADS

WORDS = "card transfer limit account refund phone address receipt order fee loan house garden tax letter".split()  # noqa: SIM905
TOWNS = ["Leeds", "Porto", "Lagos", "Osaka", "Quito", "Turin", "Graz", "Lyon"]


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Shards of a few rows, scanned in this process, in a cache of this test. Each further look costs time a shard."""
    monkeypatch.setenv("HEADGATE_SHARD_BYTES", "2500")
    monkeypatch.setenv(THREADS, "1")
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    yield


def chat(question: str, answer: str, **side: Any) -> dict[str, Any]:
    """A chat row with side data."""
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}], **side}


def question(rng: random.Random, words: int) -> str:
    """Words in a row, a town and a number."""
    return " ".join([*rng.choices(WORDS, k=words), rng.choice(TOWNS), str(rng.randrange(90))])


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    """The rows as JSON lines, with a broken one and a blank one among them."""
    told = [json.dumps(row) for row in rows]
    told[len(told) // 3 : len(told) // 3] = ["{broken", ""]
    path.write_text("\n".join(told) + "\n")
    return path


def told(one: Audit) -> tuple[bytes, list[list[dict[str, Any]]]]:
    """All that an audit says."""
    return orjson.dumps(one.as_json()), [[finding.as_json() for finding in v.findings] for v in one.verdicts]


def both(train: Path, test: Path | None, rules: list[str], **more: Any) -> Audit:
    """The audit in memory, once that in shards is known to say the same."""
    given = {"eval": [test] if test else (), "select": rules, **more}
    expected, found = audit(train, **given), audit(train, engine="local", **given)
    assert 3 < len(list((train.parent / "cache").glob("audit-*/shard-*")))
    assert told(expected) == told(found)
    found.close()
    return expected


def outcomes(one: Audit) -> list[Outcome]:
    """Of all verdicts."""
    return [verdict.outcome for verdict in one.verdicts]


@pytest.mark.parametrize("options", [{}, {"by": "conversation", "gap": -3.5}, {"by": "all", "also": ["labelled_at"]}])
def test_dates(options: dict[str, Any], tmp_path: Path) -> None:
    """Days, moments with a zone, nonsense and nothing, by group."""
    rng = random.Random(3)
    rows = []
    for place in range(200):
        day = f"2026-0{rng.randrange(1, 8)}-1{rng.randrange(9)}"
        when = rng.choice([day, f"{day}T07:30:00+09:00", f"{day} 07:30", "soon", None, day, day])
        side: dict[str, Any] = {"created_at": when} if when else {}
        side |= {"conversation": f"c{rng.randrange(40)}"} if place % 3 else {"group": f"g{rng.randrange(9)}"}
        side |= {"labelled_at": "2026-09-09"} if place % 50 == 7 else {}
        rows.append(chat(question(rng, 5), "yes", **side))
    items = [chat(question(rng, 5), "no", created_at="2026-04-15", conversation=f"c{n}") for n in range(30)]
    items += [chat(question(rng, 5), "no", created_at="2026-05-15", group=f"g{n}") for n in range(5)]
    items += [chat("no date", "no"), chat("what date", "no", created_at="the day after")]
    found = both(
        lines(tmp_path / "train.jsonl", rows),
        lines(tmp_path / "test.jsonl", items),
        ["time-leak"],
        options={"time-leak": options},
    )
    assert [Outcome.FAIL] == outcomes(found)
    assert 3 < found.verdicts[0].findings_total


def test_descent(tmp_path: Path) -> None:
    """Own ids and addresses, over many rows and shards; what nobody knows is said."""
    rng = random.Random(4)
    items = [chat(question(rng, 8), "no", id=f"i{n}") for n in range(9)]
    test = lines(tmp_path / "test.jsonl", items)
    rows = [chat(question(rng, 8), "yes", id=f"r{n}") for n in range(150)]
    for place, parents in ((20, ["i3"]), (50, ["r20", "r3"]), (90, ["r50"]), (99, ["r98"]), (120, ["lost"])):
        rows[place]["parents"] = parents
    rows[130]["generator"] = "a model"
    both(lines(tmp_path / "train.jsonl", rows), test, ["derived-leak"])
    address = audit(test, select=["rows-without-lesson"]).training[4].content_id
    parent = next(row.id for row in audit(tmp_path / "train.jsonl", select=["LIN001"]).training if row.side.id == "r77")
    rows[5] |= {"parents": [parent]}
    rows[77] |= {"id": "r77"}
    rows[140] |= {"parents": [address], "generator": "a model"}
    found = both(lines(tmp_path / "train.jsonl", rows), test, ["derived-leak"])
    assert ([Outcome.FAIL], 4) == (outcomes(found), found.verdicts[0].findings_total)
    assert {"rows_with_parents": 7, "unknown_parents": 1, "written_by_a_model_without_parents": 1, "deepest": 3} == {
        **found.verdicts[0].details
    }


SAID = [
    "I am sorry. I have refunded you 20 pounds.",
    "I will pass you to a colleague of the billing team.",
    "I have cancelled your order. You will hear from us.",
    "The card is in the post and it is on its way.",
    "We cannot offer a discount. Sorry for that.",
    "Entschuldigung, das weiss ich nicht.",
    "",
]


@pytest.mark.parametrize("options", [{}, {"may": ["escalation"], "tools": ["refund"]}, {"apologies": 0.0, "least": 5}])
def test_habits(options: dict[str, Any], tmp_path: Path) -> None:
    """Acts, authors in the order in which they come, tool calls in one row of the last shard only."""
    rng = random.Random(6)
    rows = []
    for place in range(220):
        asked = rng.choice(["where is my card", "this is unacceptable!!", "hello there"])
        side = {"annotator": f"a{rng.randrange(7)}"} if place % 3 else {}
        rows.append(chat(asked, " ".join(rng.choices(SAID, k=rng.randrange(1, 3))), **side))
    calls = [{"id": "1", "type": "function", "function": {"name": "refund", "arguments": "{}"}}]
    turns = [{"role": "user", "content": "Refund it."}, {"role": "assistant", "content": "", "tool_calls": calls}]
    turns += [{"role": "tool", "tool_call_id": "1", "content": "ok"}]
    turns += [{"role": "assistant", "content": "I have refunded you 9 pounds."}]
    for more in ([], [{"messages": turns}]):
        train = lines(tmp_path / "train.jsonl", [*rows, *more])
        found = both(train, None, ["DAT020"], options={"inherited-habits": options})
        assert [Outcome.FAIL] == outcomes(found)
        assert bool(more or options.get("tools")) == found.verdicts[0].details["actions_judged"]
    assert 20 < found.verdicts[0].findings_total


@pytest.fixture
def retold(tmp_path: Path) -> tuple[Path, Path]:
    """Dated rows, some of which retell an item, repeat it or name it as their parent."""
    rng = random.Random(8)
    items = [chat(question(rng, rng.choice([6, 11])), "yes", id=f"i{n}") for n in range(60)]
    rows = []
    for place in range(420):
        words, side = question(rng, rng.choice([6, 11])), {"created_at": f"2026-0{1 + place // 110}-01"}
        if place % 9 == 4:
            again = items[place % 40 if place >= 220 else 40 + place % 20]["messages"][0]["content"].split()
            rng.shuffle(again)
            words = "please tell me " + " ".join(again)
        elif place % 70 == 8:
            words = items[place % 60]["messages"][0]["content"].upper()
        rows.append(chat(words, "no", id=f"r{place}", **side))
    rows[17]["parents"], rows[300]["parents"] = ["i50"], ["r17"]
    return lines(tmp_path / "train.jsonl", rows), lines(tmp_path / "test.jsonl", items)


@pytest.mark.parametrize("kernels", ["plain", "compiled"])
def test_rephrasings(kernels: str, retold: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Calibrated on rows of all shards, with copies left out and declared descent."""
    monkeypatch.setenv("HEADGATE_KERNELS", kernels)
    monkeypatch.setenv("HEADGATE_SHARD_BYTES", "12000")
    found = both(*retold, ["paraphrased-leak"])
    assert ([Outcome.FAIL], 1) == (outcomes(found), found.verdicts[0].details["declared"])
    assert 5 < found.verdicts[0].findings_total
    if kernels == "plain":
        both(*retold, ["paraphrased-leak"], options={"paraphrased-leak": {"threshold": 0.7}})


def test_rewritten_programs(tmp_path: Path) -> None:
    """Programs of which only the names and numbers are other ones, among prose."""
    rng = random.Random(5)
    program = "def {0}({1}):\n    for {2} in {1}:\n        if abs({2} - {3}) < {3}:\n            return {2}\n"
    rows = [chat(question(rng, 9), question(rng, 12)) for _ in range(60)]
    rows[7] = chat("Please write it.", program.format("near", "numbers", "one", 4))
    rows[41] = chat(
        "Another one.",
        "class Basket:\n    def put(self, thing):\n        self.things += [thing]\n        return self\n",
    )
    items = [chat("A function, please, for my list.", program.format("close_to", "values", "value", 17))]
    items += [chat(question(rng, 9), "ok") for _ in range(20)]
    train, test = lines(tmp_path / "train.jsonl", rows), tmp_path / "test.jsonl"
    test.write_text("".join(json.dumps(item) + "\n" for item in items))
    found = both(train, test, ["paraphrased-leak"]).verdicts[0]
    assert 1 == found.details["programs"]
    assert rows[7]["messages"][1]["content"].startswith("def near")
    assert [8] == [finding.place.line for finding in found.findings if finding.place]


def test_copies_of_failures(retold: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a level from older rows, and with rows that are named instead of dated."""
    monkeypatch.setenv("HEADGATE_SHARD_BYTES", "12000")
    names = [f"i{n}" for n in range(60)]
    run = tmp_path / "run.json"
    for more in ({"at": "2026-03-15"}, {"added": [f"r{n}" for n in range(250, 420)]}):
        run.write_text(json.dumps({"failed": names[:40], "passed": names[40:], **more}))
        found = both(*retold, ["failure-copies"], past_run=run, options={"failure-copies": {"alpha": 0.99}})
        assert [Outcome.FAIL] == outcomes(found)
        assert 2 < found.verdicts[0].findings_total


@pytest.mark.parametrize("kernels", ["plain", "compiled"])
def test_short_items(kernels: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lone near copies, against how usual they are among rows of all shards."""
    monkeypatch.setenv("HEADGATE_KERNELS", kernels)
    rng = random.Random(9)
    verbs = ["block", "open", "close", "find", "lose", "send", "move", "raise", "settle", "dispute", "rename", "verify"]
    things = [
        word + end for word in WORDS for end in ("", "s", "list", "book", "desk", "line", "note", "name", "sheet")
    ]
    asked = [f"how do I {a} my {b} in {rng.choice(TOWNS)}" for a in verbs for b in things]
    rng.shuffle(asked)
    rows = [chat(text, "topic") for text in asked[:600]]
    items = [chat(text, "topic") for text in asked[600:700]]
    for place in range(60):
        typed = items[place]["messages"][0]["content"].replace("how do I", "please, how do i")
        rows[place * 9] = chat(typed + rng.choice(["", " now", " thanks"]), rng.choice(["topic", "topic", "another"]))
    rows[3] = chat(asked[650], "topic")
    train, test = lines(tmp_path / "train.jsonl", rows), lines(tmp_path / "test.jsonl", items)
    monkeypatch.setenv("HEADGATE_SHARD_BYTES", "16000")
    for options in ({}, {"gap": 0.02, "held": 0.6, "sample": 300, "chance": 30.0}):
        found = both(train, test, ["short-item-leak"], options={"short-item-leak": options})
    assert found.verdicts[0].findings_total > 5
    assert found.verdicts[0].details["copied_word_for_word"] == 1


def test_what_stands_beside_the_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reasoning that repeats each question, and some that holds an item in other words or with a slip."""
    rng = random.Random(12)
    asked = [f"how do I {rng.choice(WORDS)} the {question(rng, 2)} with a {question(rng, 3)}" for _ in range(500)]
    rows, items = [chat(text, "topic") for text in asked[:400]], [chat(text, "topic") for text in asked[400:]]
    for row in rows:
        said = row["messages"][0]["content"]
        row["messages"][1]["reasoning_content"] = f'They ask: "{said}"\nI should answer. And do it quickly.'
    for place in range(0, 80, 2):
        hidden = items[place]["messages"][0]["content"].replace("how do I", "How can one")
        call = {"name": "search", "arguments": json.dumps({"limit": place, "query": hidden})}
        turn = {"tool_calls": [{"id": "a", "type": "function", "function": call}]} if place % 4 else {}
        rows[place * 3]["messages"][1] |= turn or {"reasoning_content": f"Well. {hidden}? I recall that."}
    train, test = lines(tmp_path / "train.jsonl", rows), lines(tmp_path / "test.jsonl", items)
    monkeypatch.setenv("HEADGATE_SHARD_BYTES", "16000")
    options = {"short-item-leak": {"most_words": 20, "gap": 0.1}, "paraphrased-leak": {"threshold": 0.5}}
    for verdict in both(train, test, [*options], options=options).verdicts:
        messages = [finding.message for finding in verdict.findings]
        for where in ("in the reasoning of turn 2", "in the arguments of search in turn 2"):
            assert 10 < sum(where in message for message in messages)


def test_descriptions_of_tools(tmp_path: Path) -> None:
    """The first row whose tools hold the whole of an item, whichever shard it is in."""
    rng = random.Random(13)
    items = [chat(question(rng, 14), "yes") for _ in range(20)]
    rows = [chat(question(rng, 5), "no") for _ in range(200)]
    for place in range(3, 200, 7):
        said = items[place % 20]["messages"][0]["content"] if place % 2 else question(rng, 14)
        function = {"name": f"f{place % 30}", "description": f"Does it. For example: {said}.", "parameters": {}}
        rows[place]["tools"] = [{"type": "function", "function": function}]
    train, test = lines(tmp_path / "train.jsonl", rows), lines(tmp_path / "test.jsonl", items)
    (verdict,) = both(train, test, ["prompt-leak"]).verdicts
    assert (10, 29) == (verdict.findings_total, verdict.details["rows_with_tools"])


def test_rows_that_came_from_feedback(tmp_path: Path) -> None:
    """They are few; all others stay on disk."""
    rng = random.Random(11)
    rows = [chat(question(rng, 5), question(rng, 6)) for _ in range(300)]
    for place in range(0, 300, 4):
        told = {"signal": rng.choice(["thumbs", "edit"]), "actor": f"p{place % 5}", "environment": "production"}
        rows[place] |= told | {"original_answer": question(rng, 6), "created_at": f"2026-05-01T10:00:{place % 60:02}"}
        rows[place] |= {"reviewed": "pure"} if place % 3 else {"messages": chat("ok?", "good")["messages"]}
    rules = ["untyped-signals", "comments-as-corrections", "dominant-actors", "impure-labels"]
    found = both(lines(tmp_path / "train.jsonl", rows), None, rules)
    assert Outcome.SKIPPED not in outcomes(found)
    assert Outcome.FAIL in outcomes(found)


def test_rows_that_a_model_wrote(tmp_path: Path) -> None:
    """Inputs, answers and facts against real rows, which are held in memory; rows name their source, or none."""
    rng = random.Random(10)
    real = [chat(question(rng, 5), f"{question(rng, 9)} AB-{n % 60}/C", group=f"g{n % 12}") for n in range(260)]
    made = []
    for place in range(260):
        said = f"Dear customer, {rng.choice(WORDS)} {rng.choice(WORDS)} AB-{rng.randrange(70)}/C {place * 31}."
        side = rng.choice([{}, {"group": f"g{place % 15}"}])
        made.append(chat(f"Hello, could you please tell me about the {question(rng, 3)}? Thank you.", said, **side))
    train, reference = lines(tmp_path / "train.jsonl", made), lines(tmp_path / "real.jsonl", real)
    options = {"input-gap": {"sample": 150, "permutations": 49}, "narrowed-answers": {"draws": 8}}
    found = both(
        train, None, ["input-gap", "narrowed-answers", "ungrounded-facts"], reference=reference, options=options
    )
    assert [Outcome.FAIL] * 3 == outcomes(found)
    assert 100 < found.verdicts[2].findings_total


def test_embeddings_say_that_they_need_memory(retold: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """And how to go on."""
    monkeypatch.setenv("HEADGATE_SHARD_BYTES", "30000")
    given = {"eval": retold[1], "select": ["paraphrased-leak"], "options": {"paraphrased-leak": {"embeddings": "e"}}}
    (verdict,) = audit(retold[0], engine="local", **given).verdicts
    assert (Outcome.SKIPPED, True) == (verdict.outcome, "--sample 100000" in verdict.reason)


@dataclass(frozen=True, slots=True, eq=False)
class Long:
    """Rows with more words than some number, and how many of certain words."""

    least: int
    names: tuple[str, ...]
    weights: Any

    @classmethod
    def of(cls, options: Any) -> Self:
        return cls(options.least, (), np.arange(3))

    def find(self, block: Corpus) -> Arrays:
        return {"rows": np.flatnonzero(block.lengths("text") > self.least).astype(np.uint32)}

    def put_together(self, found: list[Found]) -> list[int]:
        return chained(found, "rows", np.int64, numbers=True).tolist()


def test_a_question_is_written_and_read() -> None:
    """Texts, tuples of them and arrays come back; equal questions have equal texts."""
    one = Long(3, ("a", "b"), np.array([1, 2], dtype=np.uint64))
    again = read(written(one))
    assert isinstance(again, Long)
    assert (3, ("a", "b"), [1, 2], np.uint64) == (again.least, again.names, again.weights.tolist(), again.weights.dtype)
    assert written(again) == written(one)
    assert written(one) != written(Long(4, ("a", "b"), np.array([1, 2], dtype=np.uint64)))


def test_blocks_are_put_together_as_one(tmp_path: Path) -> None:
    """What three blocks give is what all rows give, for each question."""
    rows = [
        row_of({"user": f"question {n}", "assistant": "a " * n, "id": f"r{n}", **more})
        for n, more in enumerate([{}, {"parents": ["r0"]}, {"created_at": "2026-01-02"}, {"created_at": "x"}] * 3)
    ]
    for asked in (Parents(), Created("group"), Bearers.named(["r0", rows[4].id]), Long(4, (), np.zeros(1))):
        parts = [Found(n, 4, asked.find(Corpus(rows[n : n + 4]))) for n in (0, 4, 8)]
        whole, pieces = Corpus(rows).ask(asked), asked.put_together(parts)
        if isinstance(whole, Dated):
            for name in ("state", "first", "last", "groups"):
                assert getattr(whole, name).tolist() == getattr(pieces, name).tolist()
            assert [DATED, MISSING, UNREADABLE] == sorted(set(whole.state.tolist()))
        else:
            assert whole == pieces
    assert Family((1, 5, 9), (("r0",),) * 3, 0) == Corpus(rows).ask(Parents())
    assert [(0, "r0"), (4, rows[4].id)] == Corpus(rows).ask(Bearers.named(["r0", rows[4].id]))


def test_a_further_look_is_taken_once(tmp_path: Path) -> None:
    """A question that was not foreseen scans the file again; its scans are kept with the others."""
    rng = random.Random(5)
    train = lines(tmp_path / "train.jsonl", [chat(question(rng, 3 + n % 9), "yes", id=f"r{n}") for n in range(120)])
    one = audit(train, select=["LIN001"], engine="local")
    asked = Bearers.named(["r7", "r119"])
    assert [(7, "r7"), (119, "r119")] == one.training.ask(asked) == one.training.ask(asked)
    looks = list((tmp_path / "cache").glob("audit-*/look-*"))
    assert len(looks) == len(list((tmp_path / "cache").glob("audit-*/shard-*"))) > 5
    one.training._look_again = None
    with pytest.raises(Broken, match="nobody can look at again"):
        one.training.ask(asked)


def spelled(rng: random.Random, place: int) -> dict[str, Any]:
    """A row whose answer misspells a word now and then, and names an old product."""
    said = rng.choice(
        [
            "We will recieve your letter and answer it in writing.",
            "We will receive your letter and answer it in writing.",
            "You will receive a letter from the bank about it.",
            "You will receive the refund in your account in three days.",
            "Please use the Leeds Saver account for it.",
            "Please use the Porto Saver account for it, thats easy.",
        ]
    )
    return chat(question(rng, 6), said, **({"annotator": f"a{rng.randrange(5)}"} if place % 3 else {}))


@pytest.mark.parametrize("sample", [1000, 200])
def test_mixed_terms(sample: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Terms are looked for in a sample, and then read in all rows with their neighbours and prompts."""
    monkeypatch.setattr(written_terms, "SAMPLED", sample)
    rng = random.Random(9)
    ways = [
        ["an email"] * 5 + ["an e-mail", "an e mail"],
        ["PayPal"] * 4 + ["paypal"],
        ["a web site"] * 2 + ["a website"],
    ]
    rows = []
    for place in range(400):
        said = rng.choice(rng.choice(ways))
        asked = f"Is it {said}, é?" if place % 7 == 0 else question(rng, 5)
        more = {"annotator": f"a{rng.randrange(5)}"} if place % 3 else {}
        rows.append(
            chat(asked, rng.choice([f"You get {said} in writing.", f"It is {said}.", f"It is {said}."]), **more)
        )
    train = lines(tmp_path / "train.jsonl", rows)
    options = {"mixed-terms": {"prefer": ["website"], "deprecated": ["Old Saver = New Saver"]}}
    found = both(train, None, ["mixed-terms"], options=options)
    assert (sample if sample < 400 else None) == found.verdicts[0].details.get("looked_for_in")
    assert {"e-mail", "e mail", "paypal", "web site"} == {one["wrong"] for one in found.verdicts[0].details["variants"]}
    found.close()


@pytest.mark.parametrize("sample", [1000, 150])
def test_misspellings(sample: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sample of the rows habits are looked for; each use of them is found in all of them."""
    monkeypatch.setattr(dat004_learned_typo, "SAMPLED", sample)
    rng = random.Random(8)
    train = lines(tmp_path / "train.jsonl", [spelled(rng, place) for place in range(400)])
    options = {"learned-typo": {"retired": ["leeds saver = porto saver"]}}
    found = both(train, None, ["DAT004"], options=options)
    assert [Outcome.FAIL] == outcomes(found)
    assert (sample if sample < 400 else None) == found.verdicts[0].details.get("looked_for_in")
    assert {"recieve", "thats", "leeds saver"} == {one["wrong"] for one in found.verdicts[0].details["variants"]}
    if sample < 400:  # the uses are those that a look at all rows finds
        monkeypatch.setattr(dat004_learned_typo, "SAMPLED", 1000)
        assert told(audit(train, select=["DAT004"], options=options))[1] == told(found)[1]


@pytest.mark.parametrize("sample", [1000, 150])
def test_phrases_of_the_house(sample: int, tmp_path: Path) -> None:
    """The same rows are looked at, however they are read."""
    rng = random.Random(9)
    rows = [spelled(rng, place) for place in range(400)]
    for row in rows[::7]:
        row["messages"][1]["content"] += " Kind regards from all of us at the counter."
    real = [chat(question(rng, 6), f"It is on page {n} of the letter.") for n in range(300)]
    reference = lines(tmp_path / "real.jsonl", real)
    train = lines(tmp_path / "train.jsonl", rows)
    found = both(train, None, ["house-phrases"], options={"house-phrases": {"sample": sample}}, reference=[reference])
    assert [Outcome.FAIL] == outcomes(found)
