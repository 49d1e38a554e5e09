"""Sentences that desks write about a case, clipped as lists of abbreviations of three other houses clip them.

The abbreviations are those of lists that others wrote for themselves; the sentences are whole English, and words that a
list does not have stay whole. Patterns were widened by what was missed of field notes of a sales force, case notes of a
car maker's desk, the typing aids of a repair service, and two lists of hotels. Nothing was changed for the lists of a
parcel shop and of a store's columns, in the same sentences as the first three.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

SENTENCES = (
    "Customer called back about the wrong order, please check the amount.",
    "Customer states that the delivery was not received.",
    "Advised the customer that the account is pending approval.",
    "The manager will call the customer back today.",
    "Order cancelled, amount paid back to the account.",
    "The customer requests a callback from the manager regarding the account.",
    "Billing problem with two orders, please refer to the retail department.",
    "Talked to the customer about the time frame and left a message.",
    "The product is back in stock, shipping from the warehouse tomorrow.",
    "Called the customer, no voice mail, will call back.",
    "The contract was rejected, the office will send a reminder.",
    "Customer called in regarding the extended warranty.",
    "Confirmed contact information, number on the account updated.",
    "Quantity is wrong on the order, requested records from the department.",
    "The vehicle was inspected, customer asks for the documents.",
    "Payment received, large order, service review pending.",
)
SALES = {
    "stock": "stk", "not": "nt", "from": "frm", "delivery": "dlvry", "customer": "cust", "price": "prc",
    "problem": "prblm", "order": "ordr", "orders": "ordrs", "amount": "amt", "quantity": "qty", "paid": "pd",
    "billing": "bllng", "product": "pdct", "back": "bck", "service": "srvc", "retail": "rtl", "contract": "cntrct",
    "large": "lrg", "review": "rvw", "pending": "pndng", "approval": "apprvl", "rejected": "rjctd", "warehouse": "whs",
    "cancelled": "cncl", "refer": "rfr", "reminder": "rmndr", "shipping": "shpng", "received": "rcvd", "send": "snd",
    "office": "offc", "department": "dept", "manager": "mgr", "wrong": "wrg",
}  # fmt: skip
CARS = {
    "customer": "cust", "advised": "adv", "vehicle": "veh", "states": "sts", "asks": "sks", "requests": "sks",
    "regarding": "re", "account": "acct", "records": "recs", "requested": "req", "documents": "docs",
    "callback": "c/b", "manager": "mgr", "department": "dept", "called": "clld",
}  # fmt: skip
REPAIRS = {
    "customer called in": "cci", "customer": "cx", "talked to": "tt", "call": "cl", "called": "cld", "callback": "cb",
    "phone": "ph", "paid": "pif", "voice mail": "vm", "number": "num", "time frame": "tf", "extended warranty": "extw",
    "confirmed contact information": "con", "updated": "upd", "left a message": "lm",
}  # fmt: skip
STAYS = (
    "Guest transfer from the airport confirmed, please inform the manager.",
    "Booking cancelled before arrival, the deposit goes back to the card.",
    "Guest requests a late check out, please advise the manager.",
    "Room upgraded, voucher left at the reception.",
    "The reservation is guaranteed by the company, two people in a double.",
    "Breakfast included, guest pays own account.",
    "Urgent message for the guest, housekeeping was informed.",
    "Amount confirmed, the group arrives after eight.",
    "Guest asked for a single, none free before the departure of the party.",
    "Extended by one night, confirmation number was sent to the travel agent.",
    "Check in with the manager on duty, room out of order.",
    "Complimentary breakfast, guest paid by credit card.",
)
HOTEL = {
    "transfer": "trsf", "booking": "bkg", "guest": "pax", "people": "pax", "guaranteed": "gtd", "check in": "c/i",
    "check out": "c/o", "advise": "adv", "after": "aft", "amount": "amt", "arrival": "arr", "arrives": "arr",
    "before": "bef", "confirmed": "cfm", "cancelled": "cxl", "double": "dbl", "departure": "dep", "inform": "infm",
    "informed": "infm", "manager": "mgr", "message": "msg", "please": "pls", "requests": "rq", "single": "sgl",
    "urgent": "urg", "reservation": "resv", "included": "incl", "complimentary": "comp",
}  # fmt: skip
RECEPTION = {
    "room": "rm", "paid by": "p/b", "voucher": "vch", "travel agent": "ta", "credit card": "cc", "deposit": "dep",
    "company": "co", "guaranteed": "gtd", "cancelled": "cxl", "pays own account": "poa", "group": "grp",
    "party": "pty", "late check out": "lco", "extended": "ext", "upgraded": "upg", "complimentary": "comp",
    "reservation": "rsvn", "breakfast": "bbf", "confirmation number": "conf#", "people": "pax", "check in": "c/i",
    "check out": "c/o", "housekeeping": "hskp", "manager on duty": "mod", "reception": "fd", "out of order": "ooo",
}  # fmt: skip
PARCELS = {
    "order": "ord", "orders": "ord", "customer": "cust", "shipping": "shp", "payment": "pmt", "refund": "ref",
    "received": "rcvd", "delivery": "dlvd", "pending": "proc", "paid back": "ref",
}  # fmt: skip
STORES = {
    "customer": "cust", "order": "ord", "orders": "ord", "product": "prod", "warehouse": "whs", "today": "dt",
    "states": "sts", "quantity": "qty", "amount": "amt", "department": "dept", "manager": "mgr", "account": "acct",
    "rejected": "rtn", "retail": "sls", "office": "rgn",
}  # fmt: skip
SEEN: Mapping[str, Mapping[str, str]] = {
    "sales": SALES, "cars": CARS, "repairs": REPAIRS, "hotel": HOTEL, "reception": RECEPTION,
}  # fmt: skip
NEW: Mapping[str, Mapping[str, str]] = {"parcels": PARCELS, "stores": STORES}
KEPT = 0.3  # share of the words on a list that are written whole all the same


def clipped(name: str, drawn: random.Random) -> str:
    """A sentence in the shorthand of one list; at least one of its words is clipped."""
    words = {**SEEN, **NEW}[name]
    pattern = re.compile(r"\b(" + "|".join(sorted(words, key=len, reverse=True)) + r")\b", re.IGNORECASE)
    able = [one for one in (STAYS if name in ("hotel", "reception") else SENTENCES) if pattern.search(one)]
    while True:
        said = drawn.choice(able)
        short = pattern.sub(lambda hit: hit[0] if drawn.random() < KEPT else words[hit[0].lower()], said)
        if short != said:
            return short
