"""The firewall: every row is held against every protected item before it enters a dataset version."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from pyroaring import BitMap

from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.ledger.protection import ALIKE, COPY
from headgate.ledger.rows import RowRecord
from headgate.rows.row import Kind, Message, Row, Side, ToolCall, to_bytes
from headgate.rules import firewall
from headgate.rules.firewall import Protected, admit, items_named, protect, reopen
from headgate.text import protected

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "gsm8k" / "test_20.jsonl"
GSM = [json.loads(line) for line in FIXTURE.read_text(encoding="utf-8").splitlines()]
TOPIC = (
    "Anna bakes bread for the market on Saturday. Each loaf takes an hour and she has four ovens. "
    "How many loaves are ready after a working day of six hours?"
)


def row(text: str, answer: str = "ok", **side: object) -> Row:
    messages = (Message("user", text), Message("assistant", answer))
    return Row(kind=Kind.DEMONSTRATION, messages=messages, side=Side(**side))  # type: ignore[arg-type]


ITEMS = [row(one["question"], one["answer"]) for one in GSM[:10]]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path, create=True) as opened:
        yield opened


def store(ledger: Ledger, rows: Sequence[Row]) -> BitMap:
    source = ledger.record("source", "shop", {"name": "shop"})
    records = [
        RowRecord(id=one.id, content_id=one.content_id, body=to_bytes(one), source_id=source, parents=one.side.parents)
        for one in rows
    ]
    return ledger.rows.append(records).numbers


def guard(ledger: Ledger, items: Sequence[Row] = ITEMS, origin: str = "suite:maths", pool: str = "sealed") -> int:
    return protect(ledger, origin, map(Protected.of, items), pool=pool)


def freeze(ledger: Ledger, numbers: BitMap, **more: object) -> str:
    splits = more.pop("splits", {"train": numbers})
    return ledger.versions.freeze("sums", numbers=numbers, splits=splits, manifest={}, **more)  # type: ignore[arg-type]


def edited(text: str, share: float, seed: int) -> str:
    """A share of the words replaced by words of other questions."""
    drawn = random.Random(seed)
    words = text.split()
    others = " ".join(one["question"] for one in GSM[10:]).split()
    for place in drawn.sample(range(len(words)), round(share * len(words))):
        words[place] = drawn.choice(others)
    return " ".join(words)


@pytest.mark.parametrize(
    ("kind", "least"),
    [("verbatim", 10), ("shouted", 10), ("embedded", 10), ("a tenth changed", 10), ("a fifth changed", 9), ("cut", 9)],
)
def test_copies_of_items_are_recognised_from_hashes_alone(ledger: Ledger, kind: str, least: int) -> None:
    """Each kind of copy of ten real questions is matched with its own item; nine of ten where words were changed."""
    guard(ledger)
    made = {
        "verbatim": lambda text, _: text,
        "shouted": lambda text, _: text.upper().replace(",", " ;"),
        "embedded": lambda text, _: f"Here is my homework for today. {text} Thank you for your help with it.",
        "a tenth changed": lambda text, seed: edited(text, 0.1, seed),
        "a fifth changed": lambda text, seed: edited(text, 0.2, seed),
        "cut": lambda text, _: " ".join(text.split()[: round(0.6 * len(text.split()))]),
    }[kind]
    rows = [row(made(item.prompt_text, seed)) for seed, item in enumerate(ITEMS)]
    store(ledger, rows)
    found = {(match.number, match.item) for match in admit(ledger, BitMap(range(1, 11)))}
    assert least <= len(found & {(place, item.content_id) for place, item in enumerate(ITEMS, start=1)})


def test_a_long_answer_is_protected_and_a_short_one_is_not(ledger: Ledger) -> None:
    """A leaked solution is found without its question; a label that many rows share matches nothing."""
    guard(ledger, [*ITEMS, row("which topic is it?", "lost card")])
    leaked = row("please explain this to me", GSM[0]["answer"])
    numbers = store(ledger, [leaked, row("my purse is gone", "lost card")])
    assert [(1, ITEMS[0].content_id, COPY)] == [(m.number, m.item, m.grade) for m in admit(ledger, numbers)]


def test_other_questions_of_the_same_kind_match_nothing(ledger: Ledger) -> None:
    """Ten other questions of the same source and one about baking are no copies."""
    guard(ledger)
    numbers = store(ledger, [*(row(one["question"], one["answer"]) for one in GSM[10:]), row(TOPIC)])
    assert [] == admit(ledger, numbers)


def test_a_phrase_is_an_item_together_with_its_answer(ledger: Ledger) -> None:
    """Under eight words the same question with another answer is only like the item; one word is nothing."""
    guard(ledger, [row("What is the rating?", "The Hilton has four stars"), row("Hello", "Hi, this is the bank")])
    rows = [
        row("what is the rating", "the hilton has four STARS"),
        row("What is the rating?", "The Hyatt has three stars"),
        row("Hello", "Welcome to the zoo"),
        row("Hello", "Hi, this is the bank"),
    ]
    found = {match.number: match for match in admit(ledger, store(ledger, rows))}
    assert {1: COPY, 2: ALIKE, 4: COPY} == {number: match.grade for number, match in found.items()}
    assert "phrase" in found[2].definitions


def test_the_same_frame_with_other_numbers_is_a_twin(ledger: Ledger) -> None:
    """A second filling of a template is only like the first; a copy that lost a number is a copy."""
    frame = (
        "The bakery on the market sells {} loaves of rye bread on every day of the week and {} rolls on Sunday alone; "
        "how many pieces are that in a year with fifty two weeks if the shop is never closed?"
    )
    guard(ledger, [row(frame.format(31, 240), "12")])
    texts = [frame.format(57, 810), frame.format(31, 240).upper(), frame.format(31, "many")]
    found = {match.number: match for match in admit(ledger, store(ledger, [row(text) for text in texts]))}
    assert {1: ALIKE, 2: COPY, 3: COPY} == {number: match.grade for number, match in found.items()}
    assert "other numbers" in found[1].definitions


def test_what_is_only_alike_may_be_trained_on(ledger: Ledger) -> None:
    """The gate holds copies out; a row that nearly says the same is known and enters."""
    guard(ledger, [row("How do I delete my account?")])
    numbers = store(ledger, [row("How do I delete my acount?")])
    assert [ALIKE] == [match.grade for match in admit(ledger, numbers)]
    assert "sums@1" == freeze(ledger, numbers)


def test_short_items_have_definitions_of_their_own(ledger: Ledger) -> None:
    """Items that no n-gram rule sees: same words, nearly the same characters, or whole inside a row."""
    guard(ledger, [row("How do I delete my account?"), row("atm took card")])
    rows = [
        row("how do I delete my ACCOUNT"),
        row("How do I delete my acount?"),
        row("How do I delete my account? I am tired of the service."),
        row("Atm took card!"),
        row("how do I open a second account for my son?"),
    ]
    found = {match.number: match for match in admit(ledger, store(ledger, rows))}
    assert {1: COPY, 2: ALIKE, 3: ALIKE, 4: COPY} == {number: match.grade for number, match in found.items()}
    assert "contained" in found[3].definitions


def test_one_turn_of_a_dialogue_is_enough(ledger: Ledger) -> None:
    """An item that is one of several turns is found, unless it is as short as a "yes, please"."""
    guard(ledger, [row("the atm took my card"), row("yes please")])
    first = (Message("user", "yes please"), Message("assistant", "Hello!"))
    dialogues = [
        Row(kind=Kind.DEMONSTRATION, messages=(*first, Message("user", text), Message("assistant", "Which one?")))
        for text in ("The ATM took my card!", "nothing that you know")
    ]
    assert [1] == [match.number for match in admit(ledger, store(ledger, dialogues))]


def beside(reasoning: str = "", arguments: object = None, tools: object = None) -> Row:
    """A row whose turns say nothing of note."""
    calls = () if arguments is None else (ToolCall("search", json.dumps(arguments)),)
    turns = (Message("user", "Go on, please."), Message("assistant", "Done.", reasoning=reasoning, tool_calls=calls))
    return Row(kind=Kind.DEMONSTRATION, messages=turns, tools=json.dumps(tools) if tools else "")


@pytest.mark.parametrize(
    ("hidden", "where"),
    [
        (lambda text: beside(reasoning=f"They asked me once: {text} I told them."), "the reasoning of turn 2"),
        (lambda text: beside(arguments={"n": 3, "q": {"text": text}}), "the arguments of search in turn 2"),
        (lambda text: beside(tools=[{"name": "f", "description": text}]), "the descriptions of tools"),
    ],
)
def test_what_stands_beside_the_words_is_held_against_items(
    hidden: Callable[[str], Row], where: str, ledger: Ledger
) -> None:
    """Ten items in the reasoning, in a call, in a description of a tool; each match says where it stands."""
    guard(ledger)
    rows = [hidden(item.prompt_text) for item in ITEMS]
    found = {(match.number, match.item): match for match in admit(ledger, store(ledger, rows))}
    for number, item in enumerate(ITEMS, start=1):
        match = found[number, item.content_id]
        assert (COPY, where) == (match.grade, match.where)


def test_reasoning_and_calls_of_items_are_protected(ledger: Ledger) -> None:
    """Wherever a row says them; a call of few words belongs to everybody."""
    first, second = (one["answer"] for one in GSM[:2])
    items = [beside(reasoning=first), beside(arguments={"text": second}), beside(arguments={"city": "Lyon"})]
    guard(ledger, [replace(one, messages=(Message("user", "Now do it."), *one.messages[1:])) for one in items])
    rows = [row("What then?", first), beside(arguments={"body": second}), beside(arguments={"city": "Lyon"})]
    found = admit(ledger, store(ledger, rows))
    assert [(1, COPY, ""), (2, COPY, "the arguments of search in turn 2")] == [
        (match.number, match.grade, match.where) for match in found
    ]


def test_a_request_may_say_what_its_tool_is_for(ledger: Ledger) -> None:
    """Most of an item in the description of a tool is no copy, and a short one as a whole wants a look."""
    guard(ledger, [row("Could you provide the current version information of the application, including its name?")])
    guard(ledger, [row("Calculate the area of a circle with a given radius now")], "suite:circles")
    tools = [
        {"name": "version", "description": "Provide the current version information of the application."},
        {"name": "area", "description": "Calculate the area of a circle with a given radius now."},
    ]
    found = admit(ledger, store(ledger, [beside(tools=tools[:1]), beside(tools=tools[1:])]))
    assert [(2, ALIKE, "the descriptions of tools")] == [(match.number, match.grade, match.where) for match in found]


def test_boilerplate_is_no_copy_and_sixty_copies_are_no_boilerplate(ledger: Ledger) -> None:
    """A frame shared by many rows proves nothing; an item that was copied sixty times is found sixty times."""
    frame = "You are given a request of a customer of the bank. Read it with care and name its topic in one word. "
    guard(ledger, [row(frame + "my card did not come back from the machine at the station"), ITEMS[3]])
    honest = [
        row(f"{frame}request {n * 7919} is about {'abcdefgh'[n % 8] * 5} {n} and nothing else") for n in range(60)
    ]
    leaked = [row(f"homework {n}: {ITEMS[3].prompt_text} due on day {n}") for n in range(60)]
    found = admit(ledger, store(ledger, [*honest, *leaked]))
    assert set(range(61, 121)) == {match.number for match in found}


def test_a_row_made_from_an_item_is_a_copy_whatever_it_says(ledger: Ledger) -> None:
    """Lineage is followed through rows that the ledger knows."""
    guard(ledger)
    first = row("something quite different", parents=(ITEMS[2].id,))
    second = row("something else again", parents=(first.id,))
    found = admit(ledger, store(ledger, [first, second, row("unrelated")]))
    assert [(1, {"made-from": 1.0}), (2, {"made-from": 1.0})] == [(m.number, dict(m.definitions)) for m in found]


def test_a_parent_that_no_row_is_called_is_no_item(ledger: Ledger) -> None:
    """Files name parents by ids of their own, and not every file comes."""
    guard(ledger)
    assert [] == admit(ledger, store(ledger, [row("something quite different", parents=("o17",))]))


def test_the_index_holds_no_words(ledger: Ledger) -> None:
    """Nothing that is stored for a sealed item has any of its longer words in it."""
    guard(ledger)
    stored = [ledger.content.get(node.body[key]) for node in ledger.find("protection") for key in ("list", "index")]
    words = {word for item in ITEMS for word in item.text.lower().split() if len(word) > 5}
    bodies = [data.partition(b"\n")[2] or data for data in stored]  # an index begins with the names of its arrays
    assert set() == {word for data in bodies for word in words if word.encode() in data.lower()}


def test_a_version_of_rows_that_were_not_admitted_is_refused(ledger: Ledger) -> None:
    """Freezing without an admission is refused, with one it works, and after new items it is refused again."""
    numbers = store(ledger, [row(TOPIC), row("unrelated words about nothing in particular")])
    guard(ledger)
    with pytest.raises(Refused, match="never held against"):
        freeze(ledger, numbers)
    assert [] == admit(ledger, numbers)
    assert "sums@1" == freeze(ledger, numbers)
    guard(ledger, [row(TOPIC)], origin="suite:other", pool="gate")
    with pytest.raises(Refused, match="never held against"):
        freeze(ledger, numbers)
    assert [1] == [match.number for match in admit(ledger, numbers)]
    with pytest.raises(Refused, match="copy protected items"):
        freeze(ledger, numbers)
    assert "sums@2" == freeze(ledger, BitMap([2]))


def test_rows_of_held_out_splits_may_match(ledger: Ledger) -> None:
    """What is never trained on may hold items, but was checked all the same."""
    numbers = store(ledger, [row(TOPIC), ITEMS[0]])
    guard(ledger)
    splits = {"train": BitMap([1]), "dev": BitMap([2])}
    with pytest.raises(Refused):
        freeze(ledger, numbers, splits=splits, held_out=["dev"])
    admit(ledger, numbers)
    with pytest.raises(Refused):
        freeze(ledger, numbers, splits=splits)
    assert "sums@1" == freeze(ledger, numbers, splits=splits, held_out=["dev"])


def test_rows_are_only_held_against_what_is_new(ledger: Ledger) -> None:
    """A second admission checks nothing; a new item opens old rows to itself alone; a new row meets all items."""
    numbers = store(ledger, [row(TOPIC), row("unrelated words about nothing in particular")])
    guard(ledger)
    admit(ledger, numbers)
    admit(ledger, numbers)
    assert 1 == len(ledger.find("admission"))
    assert 0 == guard(ledger)
    assert 1 == guard(ledger, [*ITEMS, row(TOPIC)])
    admit(ledger, numbers | store(ledger, [row("a third one")]))
    old, *new = ledger.find("admission")
    assert (1, 2) == (len(old.body["sets"]), old.body["checked"])
    assert {(1, 2), (2, 1)} == {(len(node.body["sets"]), node.body["checked"]) for node in new}
    assert all(ledger.edges_from(node.id, "judged-by") for node in (old, *new))


def test_a_retired_item_stops_blocking_and_stays_known(ledger: Ledger) -> None:
    """Retiring needs a name and a reason, is dated, and leaves the match on record."""
    numbers = store(ledger, [ITEMS[0]])
    guard(ledger)
    assert 1 == len(admit(ledger, numbers))
    with pytest.raises(Refused, match="needs a reason"):
        ledger.protection.retire([ITEMS[0].content_id], name="Ann Lee", reason=" ")
    with pytest.raises(Refused, match="not a protected item"):
        ledger.protection.retire([row("nobody").content_id], name="Ann Lee", reason="seen by all")
    ledger.protection.retire([ITEMS[0].content_id], name="Ann Lee", reason="it was quoted in a talk")
    (claim,) = ledger.claims.history(ITEMS[0].content_id, "retired")
    assert ("Ann Lee", {"pool": "dev", "reason": "it was quoted in a talk"}) == (claim.source, claim.value)
    assert claim.valid_from is not None
    assert ([], 1) == (admit(ledger, numbers), len(ledger.protection.matches(numbers)))
    assert "sums@1" == freeze(ledger, numbers)


def test_a_whole_pool_can_be_named(ledger: Ledger) -> None:
    """Items are named by address, by its beginning, or by their suite and pool."""
    guard(ledger)
    everything = {item.content_id for item in ITEMS}
    assert everything == set(items_named(ledger, ["suite:maths/sealed"]))
    assert [ITEMS[4].content_id] == items_named(ledger, [ITEMS[4].content_id[:14]])
    with pytest.raises(Refused):
        items_named(ledger, ["suite:nobody"])


def test_new_items_reopen_the_newest_version(ledger: Ledger) -> None:
    """Rows of the newest version that match what was protected later are reported; older versions are left alone."""
    numbers = store(ledger, [row(TOPIC), row("unrelated words about nothing in particular")])
    freeze(ledger, numbers)
    freeze(ledger, BitMap([1]))
    guard(ledger, [row(TOPIC)])
    (found,) = reopen(ledger)
    assert ("sums@2", [1]) == (found.version, [match.number for match in found.matches])


PROGRAM = """
import os, signal, sys
from pathlib import Path
from pyroaring import BitMap
from headgate.ledger.ledger import Ledger
from headgate.rules import firewall

firewall.BLOCK_ROWS = 4
check = firewall._check

def checked(*arguments):
    check(*arguments)
    if 8 in arguments[3]:
        os.kill(os.getpid(), signal.SIGKILL)

firewall._check = checked
with Ledger.open(Path(sys.argv[1])) as ledger:
    firewall.admit(ledger, BitMap(range(1, 21)))
"""


def test_a_killed_check_goes_on_where_it_stood(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """kill -9 after two of five blocks: those stay recorded, the rest is checked, the matches are those of one go."""
    store(ledger, [row(f"unrelated text number {n} about the colour {n % 7}") for n in range(19)] + [ITEMS[5]])
    guard(ledger)
    ledger.close()
    assert -signal.SIGKILL == subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], check=False).returncode
    asked: list[BitMap] = []
    check = firewall._check
    monkeypatch.setattr(firewall, "_check", lambda *a: (asked.append(a[3]), check(*a)))
    with Ledger.open(tmp_path) as opened:
        (name,) = {one.id for one in opened.protection.sets()}
        assert BitMap(range(1, 9)) == opened.protection.checked()[name]
        assert [20] == [match.number for match in admit(opened, BitMap(range(1, 21)))]
        assert [BitMap(range(9, 21))] == asked
        assert () == opened.verify().problems


def test_items_of_an_older_version_are_protected_anew(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes of another kind find nothing, so they stop what comes in until the same items are protected again."""
    with monkeypatch.context() as older:
        for module in (firewall, protected):
            older.setattr(module, "FORMAT", protected.FORMAT - 1)
        assert len(ITEMS) == guard(ledger)
    numbers = store(ledger, [ITEMS[3]])
    with pytest.raises(Refused, match=r"(?s)maths/sealed was protected by another version.*import the suite again"):
        admit(ledger, numbers)
    assert len(ITEMS) == guard(ledger)
    assert [COPY] == [one.grade for one in admit(ledger, numbers)]
    assert [len(ITEMS)] == [one["items"] for one in firewall.standing(ledger)]
    assert 0 == guard(ledger)
