"""Telephone numbers in running text, told apart from dates, amounts and order numbers.

Three shapes: international (`+44 20 7946 0958`), North American (`415-555-0132`), national with a
trunk zero (`030 / 123 45 67`). A bare run of digits counts only where the words before it speak of
a telephone.
"""

from __future__ import annotations

import re

PHONE = re.compile(
    r"(?<![\w.,+#$£€¥/-])"
    r"(?:(?:\+|00)[1-9]\d{0,3}[ ./-]?(?:\(\d{1,5}\)[ ./-]?)?\d{1,14}(?:[ ./-]\d{1,8}){0,6}"
    r"|(?:1[ .-])?(?:\(\d{3}\) ?|[2-9]\d{2}[ .-])[2-9]\d{2}[ .-]\d{4}"
    r"|(?:\(0[1-9]\d{0,4}\)|0[1-9]\d{0,4}) ?[ ./-] ?\d{2,8}(?:[ .-]\d{2,5}){0,4}"
    r"|\d{9,12})"
    r"(?![\w%€£¥$+-]|[.,:/]\d|\.[a-z])"
)
SPOKEN = re.compile(
    r"\b(?:phone|telephone|tel|mobile|cell(?:phone)?|fax|whatsapp|call|ring|text|sms|hotline|landline|handy|telefon\w*"
    r"|t[ée]l[ée]phone|portable|tel[ée]fono|m[óo]vil|celular|telefone|cellulare|telefoon\w*)\b[^\d\n]{0,25}$",
    re.IGNORECASE,
)
COUNTED = re.compile(
    r"\b(?:order|invoice|bill|ref|reference|ticket|case|tracking|parcel|booking|reservation|confirmation|serial|sku|isbn"
    r"|article|item|part|policy|claim|contract|customer|account|acct|transaction|bestellung|rechnung|auftrag|kunden\w*"
    r"|commande|facture|pedido|factura)\b[^\d\n.!?]{0,20}$",
    re.IGNORECASE,
)
DATE = re.compile(r"(?<!\d)(?:\d{1,2}([./-])\d{1,2}\1(?:19|20)?\d{2}|(?:19|20)\d{2}([./-])\d{1,2}\2\d{1,2})(?!\d)")
THOUSANDS = re.compile(r"\+?\d{1,3}(?:[ .]\d{3})+")
MIDDLE = re.compile(r"\d[ .-]$")  # the match begins inside a longer row of digits
BEFORE = 40  # characters before a number that may say what it is


def is_phone(match: re.Match[str]) -> bool:
    """Whether a match of `PHONE` is a telephone number, by its digits, its groups and the words before it."""
    text = match.group()
    before = match.string[max(0, match.start() - BEFORE) : match.start()]
    digits = re.sub(r"\D", "", text)
    if DATE.search(text) or not 9 <= len(digits) <= 15:
        return False
    if not text.startswith("+") and MIDDLE.search(before):
        return False
    if SPOKEN.search(before):
        return True
    if text.isdigit() or COUNTED.search(before):
        # A bare run of digits is an order or account number until something says otherwise.
        return text.startswith("00") and text[2] != "0" and len(digits) >= 11 and not COUNTED.search(before)
    if text.startswith("+"):
        return _international(text, digits)
    return not THOUSANDS.fullmatch(text)


def _international(text: str, digits: str) -> bool:
    # +1 and +7 are closed numbering plans of eleven digits (ITU-T E.164); the rest are not.
    if digits[0] in "17":
        return len(digits) == 11
    return not (THOUSANDS.fullmatch(text) and len(digits) <= 9)
