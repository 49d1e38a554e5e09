"""Makes the files of this example from BANKING77: twenty intents, three pools of items, customer keys.

    python examples/support/make_data.py

`topic` is the published category in plain words: what the model is to answer. BANKING77 says
nothing about who wrote a row, so the column `customer` is invented: a hash of the text, folded so
that about three rows share a key. Everything else is as published.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ORIGIN = HERE.parent / "data" / "banking77"
INTENTS = (
    "activate_my_card",
    "age_limit",
    "apple_pay_or_google_pay",
    "atm_support",
    "card_about_to_expire",
    "card_acceptance",
    "card_arrival",
    "card_linking",
    "card_not_working",
    "card_swallowed",
    "change_pin",
    "compromised_card",
    "contactless_not_working",
    "edit_personal_details",
    "getting_spare_card",
    "lost_or_stolen_card",
    "passcode_forgotten",
    "pin_blocked",
    "terminate_account",
    "visa_or_mastercard",
)
POOLS = {"dev": 0.2, "gate": 0.4, "sealed": 0.4}  # share of the test items


def read(name: str) -> list[dict[str, str]]:
    """Rows of one published file that belong to the chosen intents."""
    with gzip.open(ORIGIN / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["category"] in INTENTS]
    return [{**row, "topic": row["category"].replace("_", " ")} for row in rows]


def fraction(text: str, salt: str) -> float:
    """A number in 0..1 that depends on the text alone."""
    return int.from_bytes(hashlib.blake2b(f"{salt}:{text}".encode(), digest_size=8).digest()) / 2**64


def customer(text: str, salt: str, rows: int) -> str:
    """An invented customer key; about three rows share one."""
    return f"{salt}-{int(fraction(text, salt) * rows / 3):04d}"


def pool(text: str) -> str:
    """The pool of an item; adding items moves none, and the same words stay together."""
    point, edge = fraction("".join(letter for letter in text.lower() if letter.isalnum()), "pool"), 0.0
    for name, share in POOLS.items():
        edge += share
        if point < edge:
            return name
    return name


def table(rows: Iterable[dict[str, str]], names: Sequence[str]) -> bytes:
    """Rows as CSV bytes."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def main() -> None:
    """Writes data/train.csv and data/{dev,gate,sealed}.csv."""
    folder = HERE / "data"
    folder.mkdir(exist_ok=True)
    names = ("text", "topic", "category", "customer")
    train = read("train")
    (folder / "train.csv").write_bytes(
        table(({**row, "customer": customer(row["text"], "c", len(train))} for row in train), names)
    )
    items = read("test")
    for name in POOLS:
        chosen = [
            {**row, "customer": customer(row["text"], "t", len(items))} for row in items if pool(row["text"]) == name
        ]
        (folder / f"{name}.csv").write_bytes(table(chosen, names))


if __name__ == "__main__":
    main()
