"""Telephone numbers in running text, told apart from dates, amounts and order numbers.

Three shapes: international (`+44 20 7946 0958`), North American (`415-555-0132`), national with a
trunk zero (`030 / 123 45 67`); any other groups of digits count only where the words before them
speak of a telephone. Shapes and words say where to look, and the phonenumbers library says whether
some country numbers its telephones so.
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
GROUPS = re.compile(r"(?<![\w.,+#$£€¥/-])\(?\d{1,5}\)?(?:[ .-]\d{2,5}){1,5}(?![\w%€£¥$+-]|[.,:/]\d)")
# Countries whose national numbers are looked for, in order of how many people type them.
COUNTRIES = (
    "US", "GB", "DE", "FR", "ES", "IT", "IN", "BR", "MX", "NL", "PL", "AU", "SE", "BE", "CH", "AT", "PT", "DK", "NO",
    "FI", "IE", "JP", "ZA", "TR",
)  # fmt: skip
SPOKEN = re.compile(
    r"\b(?:phone|telephone|tel|mobile|cell(?:phone)?|fax|whatsapp|call|ring|text|sms|hotline|landline|handy|telefon\w*"
    r"|t[ée]l[ée]phone|portable|tel[ée]fono|m[óo]vil|celular|telefone|cellulare|telefoon\w*)\b(?:(?<=tel|fax)\.)?[^\d\n.!?]{0,25}$",
    re.IGNORECASE,
)
COUNTED = re.compile(
    r"\b(?:order|invoice|bill|ref|reference|ticket|case|tracking|parcel|booking|reservation|confirmation|serial|sku|isbn"
    r"|article|item|part|policy|claim|contract|customer|account|acct|transaction|bestellung|rechnung|auftrag|kunden\w*"
    r"|commande|facture|pedido|factura)\b[^\d\n.!?]{0,20}$",
    re.IGNORECASE,
)
DATE = re.compile(
    r"(?<!\d)(?<!\d[./-])(?:\d{1,2}([./-])\d{1,2}\1(?:19|20)?\d{2}|(?:19|20)\d{2}([./-])\d{1,2}\2\d{1,2})(?![./-]?\d)"
)
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
        return _numbered(text)
    if text.isdigit() or COUNTED.search(before):
        # A bare run of digits is an order or account number until something says otherwise.
        return text.startswith("00") and text[2] != "0" and len(digits) >= 11 and not COUNTED.search(before)
    return not (THOUSANDS.fullmatch(text) and (len(digits) <= 9 or text[0] != "+")) and _numbered(text)


def is_spoken_phone(match: re.Match[str]) -> bool:
    """Whether groups of digits in any national form are a telephone number: a word before them says so."""
    before = match.string[max(0, match.start() - BEFORE) : match.start()]
    digits = re.sub(r"\D", "", match.group())
    return (
        8 <= len(digits) <= 13
        and not DATE.search(match.group())
        and SPOKEN.search(before) is not None
        and COUNTED.search(before) is None
        and _numbered(match.group(), sure=True)
    )


def _numbered(text: str, *, sure: bool = False) -> bool:
    """Whether some country numbers telephones so; `sure`: in a range that is in use, not only of that length.

    Numbers kept free for films and examples, such as 555-0132, are of the length and not in use.
    """
    import phonenumbers

    text = "+" + text[2:] if text.startswith("00") else text
    for country in (None,) if text.startswith("+") else COUNTRIES:
        try:
            number = phonenumbers.parse(text.replace("(0)", ""), country)
        except phonenumbers.NumberParseException:
            continue
        reason = phonenumbers.is_possible_number_with_reason(number)
        if phonenumbers.is_valid_number(number) or (not sure and reason == phonenumbers.ValidationResult.IS_POSSIBLE):
            return True
    return False
