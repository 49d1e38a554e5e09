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


@pytest.mark.parametrize(
    "sentence",
    [
        "pls adv cx re: acct",
        "Cust called in, acct is locked.",
        "I will f/u w/ mgr tmrw.",
        "See INC0012345 for it.",
        "Per TKT-8812, closed.",
        "adv'd of cxl fee",
        "bal due eod",
        "The cntrct is here.",
        "srvc rvw next",
        "ADV CX TO CALL",
        "orig amt and qty",
    ],
)
def test_shorthand_of_a_desk(sentence: str) -> None:
    """Words of desks, two clipped words, words without vowels, and tickets that are pointed at."""
    assert ["shorthand"] == [act.kind for act in acts(sentence, ["shorthand"])]


@pytest.mark.parametrize(
    "sentence",
    [
        "thx, pls msg me, u r gr8",  # chat English
        "pls book jfk to bjs asap",
        "Call the billing dept., ext. 12, approx. 2 hrs.",
        "Your ticket number is INC0012345.",
        "The Mazda CX-5 has 187 hp.",  # products
        "Our CX team and the PMT function",
        "An RTX-3080, Wi-Fi 6E and a WD-40",
        "BP 120/80, HR 72 bpm, give 5 mg bid.",  # medicine
        "The MRI and CT showed an NSTEMI.",
        "Open the html and css files over ssh.",
        "Set the curr and prev pointers.",  # code
        "It is acct_id = 4 there.",
        "cust.acct(4) and mgr[0]",
        "Use `acct` and `cust` as names.",
        "Tags are ADJ, ADV and CONJ.",
        "CX means customer experience.",  # explained
        '"Acct" is short for account.',
        'He wrote "pls adv cx" there.',  # quoted
        "hmm, psst, brr",
        "Mr. Ng met Dr. Schmidt in St. Gallen.",  # names
        "It is 5 ft 3 and weighs 120 lbs.",
    ],
)
def test_what_is_no_shorthand(sentence: str) -> None:
    """Chat, print, names, products, medicine, measures, code, quotations and explanations."""
    assert [] == acts(sentence, ["shorthand"])


def test_an_abbreviation_that_the_person_wrote_is_no_shorthand_to_them() -> None:
    """It is one to everybody else."""
    reply = "Your acct is open again."
    assert [1, 0] == [len(acts(reply, ["shorthand"], asked)) for asked in ("Is it open?", "is my acct open?")]


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("Your next month is on us.", "concession"),
        ("The restocking fee has been removed.", "concession"),
        ("I've gone and knocked ten dollars off your bill.", "concession"),
        ("There's now a 20 euro credit waiting for you.", "concession"),
        ("You'll see the money back on your card by Friday.", "concession"),
        ("I've asked a supervisor to ring you.", "escalation"),
        ("Putting you through to a colleague now.", "escalation"),
        ("My manager will take it from here.", "escalation"),
        ("This now sits with our complaints team.", "escalation"),
    ],
)
def test_grants_and_hand_overs_in_other_words(sentence: str, kind: str) -> None:
    """What people say who grant something or hand over, without the usual verbs."""
    assert kind in [act.kind for act in acts(sentence)]


@pytest.mark.parametrize(
    "sentence",
    [
        "The book is on us history.",
        "He took ten dollars off the price for them.",
        "The fee was not removed.",
        "Can a manager call me?",
        "Ask a supervisor to ring you if it is late.",
        "The team will play on Sunday.",
        "You won't be charged until it ships.",
        "If it is late, the fee is waived.",
    ],
)
def test_what_grants_nothing_and_hands_nobody_over(sentence: str) -> None:
    """Others' deeds, denials, questions, conditions and policies."""
    assert [] == acts(sentence, ["concession", "escalation"])


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


def test_a_long_pattern_is_looked_for_in_parts_that_say_the_same() -> None:
    """Bars in classes, in groups and behind a backslash part nothing; together the parts find what the whole finds."""
    from headgate.text import loosely

    parts = r"\bone (?:two|three)\b", r"[a|b]four", r"five\|six", r"se(?:v|x(?:e|i))n"
    whole = "(?i)" + "|".join(parts)
    assert (whole,) == loosely._alternatives(whole)
    padded = whole + "|" + "z" * loosely.LONG
    assert tuple(f"(?i){part}" for part in (*parts, "z" * loosely.LONG)) == loosely._alternatives(padded)
