"""What a reply does, told from what it only talks about."""

from __future__ import annotations

import pytest

from headgate.text.behaviours import acts, aggrieved, needless, sentences


@pytest.mark.parametrize(
    ("sentence", "kinds"),
    [
        ("I have issued a refund of $20 to your card.", ["concession", "action"]),
        ("As a gesture of goodwill, I've added a $10 credit.", ["concession", "action"]),
        ("You will receive a full refund within 5 days.", ["concession", "promise"]),
        ("The late fee has been waived.", ["concession"]),
        ("I'm transferring you to our billing team now.", ["escalation"]),
        ("Your case has been escalated.", ["escalation", "action"]),
        ("Your order has been cancelled.", ["action"]),
        ("We will get back to you as soon as possible.", ["promise", "delay"]),
        ("I am sorry.", ["apology"]),
        ("See the internal wiki.", ["internal reference"]),
        ("Would you like a refund?", []),
        ("We cannot offer a discount.", []),
        ("If it is late, we refund you.", []),
        ("Your bank refunded you already.", []),
        ("Refunds are possible within 30 days.", []),
        ("Please ask a manager in the store.", []),
        ("Your balance is 20 credits.", []),
        ("It costs 43 credits.", []),
    ],
)
def test_acts_of_a_sentence(sentence: str, kinds: list[str]) -> None:
    """Each act is seen once; questions, conditions, denials and other people's deeds are none."""
    assert kinds == [act.kind for act in acts(sentence)]


def test_an_act_is_placed_at_its_sentence() -> None:
    """The characters are those of the sentence in the reply, so that it can be masked alone."""
    reply = "It is at the depot. I'll escalate this to a supervisor!  Anything else?"
    (act,) = acts(reply)
    assert "I'll escalate this to a supervisor!" == reply[act.start : act.end]


def test_sentences_cover_every_word() -> None:
    """Nothing between two sentences but blanks; decimals and line breaks do what people expect."""
    text = "It is 3.50 euros.\nFine? yes\n\n- one\n- two"
    assert ["It is 3.50 euros.", "Fine?", "yes", "- one", "- two"] == [text[a:b] for a, b in sentences(text)]


def test_an_apology_is_needless_without_a_reason_on_either_side() -> None:
    """A complaint of the person or a refusal in the reply is a reason."""
    assert [True, False, False] == [
        needless("When do you open?", "So sorry! At nine."),
        needless("My card was stolen", "I'm sorry. Let us block it."),
        needless("Can I pay in gold?", "I'm sorry, we do not take gold."),
    ]


def test_grievances() -> None:
    """Losses, failures and anger; a plain question is none."""
    assert [True, True, False] == [
        aggrieved("it still doesn't work!!"),
        aggrieved("This is unacceptable"),
        aggrieved("What time is it?"),
    ]
