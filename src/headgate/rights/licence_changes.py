"""A licence is looked up again: the claim is recorded with its text, and a change of terms opens a case.

What changed only in form opens nothing: an expression that is written differently and means the same, a text with
other line breaks, marks, letter case or mark-up.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headgate.kit.errors import Refused
from headgate.ledger.claims import Claim, Moment
from headgate.ledger.ledger import Ledger
from headgate.rights.cases import LICENCE_CHANGE, Case, open_case
from headgate.rights.cases import lines as case_lines
from headgate.rights.reach import SOURCE, Reach, Target, own_rows
from headgate.rights.reach import lines as reach_lines
from headgate.rules.licence_expressions import NOASSERTION, NONE, Licence, read_licence
from headgate.rules.licence_mixtures import DOUBT, POLICY, READ, TEXT, licence_of, written_in
from headgate.rules.licence_terms import read_terms
from headgate.rules.licence_texts import MARKUP, Compared, Fit, compare

LICENCE = "licence"
POLICIES = ("yes", "no", "conditional")
QUOTED = 8  # words of a text that are shown where it begins to differ
YEARS = re.compile(
    r"(?:copyright|©)(?:\s|copyright|\(c\)|©)*(?:(?:19|20)\d\d[\s,–-]*)+", re.IGNORECASE
)  # of a notice: no terms
NUMBERED = re.compile(r"(?m)^\s*\(?(\d{1,2}|[a-z]|[ivx]{1,4})[.)]\s+", re.IGNORECASE)  # a list as plain text has it
ROMAN = tuple("i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx".split())  # noqa: SIM905
APART = re.compile(r"(?<=\d)\0(?=\d)")  # two numbers; words run together, for hyphens may part them anywhere
HIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control characters, halves of signs, separators of lines
TURNED = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # write from the other side
BINARY = (b"%PDF", b"PK")
KEPT = re.compile(r"[^\W_]+|(?<=\d)[.,](?=\d)|[%€$£<>≤≥]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What was recorded, what differs from what was claimed before, and the case that it opened."""

    claim: Claim
    before: str  # what was claimed or stated before; empty: nothing
    read_as: str  # the identifier that a spelling was read as
    changes: tuple[str, ...]
    case: Case | None
    doubt: str = ""  # why the text is not known to be that of the licence

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        return {
            "claim": self.claim.as_json(),
            "before": self.before or None,
            "read_as": self.read_as or None,
            "changes": list(self.changes),
            "case": self.case.as_json() if self.case else None,
            "doubt": self.doubt or None,
        }


def record(
    ledger: Ledger,
    source: str,
    expression: str,
    *,
    by: str,
    now: datetime,
    text: bytes | None = None,
    terms: str = "",
    read: bool = False,
    since: Moment | None = None,
    until: Moment | None = None,
) -> Recorded:
    """Claims the licence of a source; where its terms differ from those before, opens a case of a changed licence.

    `expression` may be NONE (the licence is gone) or NOASSERTION; `text`: the licence as it was found, kept as
    evidence and held against the expression; `terms`: what a person read in a text that is no known licence
    (`rules.licence_terms.read_terms`); `read`: somebody read the text and answers for it being that of the licence.
    A text of which neither the list nor a person says so leaves the terms unknown.

    Raises:
        Refused: nobody is named, no such source, no expression, one or terms that cannot be read, a text that is
            plainly that of another licence, a control character, or bad dates.
    """
    _must_be_said(by, expression)
    _must_be_plain(source=source, terms=terms)
    _must_have_words(text)
    licence = read_licence(expression)
    value: Any = expression.strip()
    if terms:
        read_terms(terms, value)
        value = {"licence": value, "terms": terms}
    compared = must_not_be_of_another(expression, text)
    about = f"{SOURCE}:{source}"
    with ledger.transaction():
        own_rows(ledger, Target(SOURCE, source))
        history = ledger.claims.history(about, LICENCE)
        before = _before(ledger, source, ledger.claims.at(about, LICENCE, now), history)
        if _read_before(before, value) and text is not None and _known_text(ledger, history, text):
            value = before  # what a person read in the text holds for the same text in another form
        if text is not None and compared.fit is Fit.DOUBT and not _accepted(ledger, history, licence, text):
            value = claim_with(value, compared.why, read=read)
        elif text is None and _doubt(before) and licence_of(before).canonical == licence.canonical:
            value = before  # saying it again without a text answers no doubt about the text
        evidence = ledger.content.put(text) if text is not None else None
        claim = _assert(ledger, about, LICENCE, value, by, now, since, until, evidence)
        changes = _changes(ledger, before, history, licence_of(value), value, text)
        case = None
        if changes:
            reason = "; ".join(changes)
            target = Target(SOURCE, source)
            case = open_case(
                ledger, LICENCE_CHANGE, target, reason=reason, source=by, now=now, since=since, evidence=evidence
            )
    told = written_in(before) if before is not None else ""
    return Recorded(
        claim=claim, before=told, read_as=licence.read_as, changes=tuple(changes), case=case, doubt=_doubt(value)
    )


def record_policy(
    ledger: Ledger,
    teacher: str,
    says: str,
    *,
    by: str,
    now: datetime,
    text: bytes | None = None,
    since: Moment | None = None,
    read: bool = False,
    until: Moment | None = None,
) -> Recorded:
    """Claims whether the outputs of a model may train another: yes, no, conditional, or by the licence of the model.

    Raises:
        Refused: nobody is named, no model, neither of the words nor a licence, a text that is plainly that of another
            licence, a control character, or bad dates.
    """
    _must_be_said(by, says)
    _must_be_plain(teacher=teacher)
    _must_have_words(text)
    if not teacher.strip():
        raise Refused("a policy of no model", wanted="--teacher NAME, as the rows name their generator")
    word = says.strip().lower()
    what, read_as = (POLICY, "") if word in POLICIES else (LICENCE, read_licence(says).read_as)
    about, compared = f"teacher:{teacher}", None
    value: Any = word
    if what == LICENCE:
        compared, value = must_not_be_of_another(says, text), says.strip()
    with ledger.transaction():
        before = ledger.claims.at(about, what, now)
        history = ledger.claims.history(about, what)
        if compared and compared.fit is Fit.DOUBT and not _accepted(ledger, history, read_licence(says), text or b""):
            value = claim_with(value, compared.why, read=read)
        evidence = ledger.content.put(text) if text is not None else None
        claim = _assert(ledger, about, what, value, by, now, since, until, evidence)
    was = written_in(before.value) if before else ""
    now_is = written_in(value)
    changes = (f"{was} became {now_is}",) if was and was != now_is else ()
    return Recorded(claim=claim, before=was, read_as=read_as, changes=changes, case=None, doubt=_doubt(value))


def _must_have_words(text: bytes | None) -> None:
    """Refuses a text that says nothing: a page that was saved before it had come, and no change of a licence.

    Raises:
        Refused: it is empty, or nothing but spaces.
    """
    said = None if text is None else _decoded(text)
    if text is not None and said is not None and not said.strip():
        raise Refused(
            "the text of the licence is empty", found=f"{len(text)} bytes", wanted="the licence as it was found"
        )


def must_not_be_of_another(expression: str, text: bytes | None) -> Compared:
    """How a text goes with an expression.

    Raises:
        Refused: the text is plainly that of another licence.
    """
    if text is None:
        return Compared(Fit.OWN)
    compared = compare(expression, _decoded(text))
    if compared.fit is Fit.OTHER:
        raise Refused(
            f"{compared.why}, and not of {expression.strip()}", wanted=f"--is {' AND '.join(compared.found)}",
            next_step="say the licence that the text is of, or give the text that belongs to it",
        )  # fmt: skip
    return compared


def claim_with(value: Any, why: str, *, read: bool) -> dict[str, Any]:
    """The value of a claim whose text is not known to be that of its licence; `read`: a person answers for it."""
    base = dict(value) if isinstance(value, dict) else {"licence": value}
    return base | {TEXT: {READ if read else DOUBT: why}}


def same_text(old: bytes, new: bytes) -> bool:
    """Whether two texts say the same, whatever their form; files that are no text are held byte by byte.

    Line breaks, spaces, marks, letter case, mark-up, encoding, the numbers of a list and the years of a copyright
    notice are form; words, other numbers and signs of amounts are not.
    """
    first, second = _decoded(old), _decoded(new)
    if first is None or second is None:
        return old == new
    # A number at the beginning of a line may be of a list, or of a sentence that was broken there.
    return any(_plain(first, numbered) == _plain(second, numbered) for numbered in (True, False))


def _decoded(data: bytes) -> str | None:
    """A text in any of the usual encodings; None of what is no text."""
    if data.startswith(BINARY):
        return None
    for encoding in ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if "\0" in text else text
    return None


def _plain(text: str, numbered: bool) -> str:
    said = "\0".join(_tokens(text if numbered else _unnumbered(MARKUP.sub("\n", text))))
    return APART.sub(" ", said).replace("\0", "")


def _unnumbered(text: str) -> str:
    """A text without the numbers of its lists: those that are a first one, or follow on one that was there."""
    known = set[str]()

    def kept(found: re.Match[str]) -> str:
        mark = found[1].casefold()
        if not _before_it(mark) & (known | {""}):
            return found[0]
        known.add(mark)
        return " "

    return NUMBERED.sub(kept, text)


def _before_it(mark: str) -> set[str]:
    """What a mark of a list follows on; nothing for a first one. A letter may be a number of the Romans."""
    if mark.isdigit():
        return {str(int(mark) - 1) if int(mark) > 1 else ""}
    before = {ROMAN[ROMAN.index(mark) - 1] if mark != "i" else ""} if mark in ROMAN else set()
    return before | ({chr(ord(mark) - 1) if mark != "a" else ""} if len(mark) == 1 else set())


def _tokens(text: str) -> list[str]:
    bare = unicodedata.normalize("NFKC", html.unescape(MARKUP.sub(" ", text)).replace("\u00ad", ""))
    return KEPT.findall(YEARS.sub(" ", bare).casefold())


def _must_be_said(by: str, expression: str) -> None:
    _must_be_plain(by=by, expression=expression)
    if not by.strip():
        raise Refused("a claim without a name", wanted="--by NAME")
    if not expression.strip():
        raise Refused("a licence without a word", wanted="an SPDX expression, NONE (it is gone) or NOASSERTION")


def _must_be_plain(**texts: str) -> None:
    """Refuses what would break a line or hide what it says: control characters, line breaks, turned writing."""
    for name, text in texts.items():
        signs = [sign for sign in text if unicodedata.category(sign) in HIDDEN or sign in TURNED]
        if signs:
            raise Refused(f"{name} with a control character", found=f"{signs[0]!a} in {text[:80]!a}", wanted="one line")


def _assert(
    ledger: Ledger,
    about: str,
    what: str,
    value: Any,
    by: str,
    now: datetime,
    since: Moment | None,
    until: Moment | None,
    evidence: str | None,
) -> Claim:
    made = ledger.claims.assert_(
        about, what, value, source=by, observed_at=now, valid_from=since, valid_to=until, evidence=evidence
    )
    return next(claim for claim in ledger.claims.history(about, what) if claim.id == made)


def _before(ledger: Ledger, source: str, speaking: Claim | None, history: list[Claim]) -> Any:
    """What was claimed, or the last that ever was; where nothing was, what the rows of frozen versions state."""
    if speaking is not None or history:
        return (speaking or history[-1]).value
    stated: dict[str, None] = {}
    for node in ledger.find("dataset-version"):
        said = node.body.get("manifest", {}).get("sources", {}).get(source, {}).get("licences", {})
        stated |= dict.fromkeys(sorted(said))
    words = list(stated)
    return " AND ".join(f"({word})" for word in words) if len(words) > 1 else words[0] if words else None


def _changes(
    ledger: Ledger, before: Any, history: list[Claim], licence: Licence, value: Any, text: bytes | None
) -> list[str]:
    """In what the terms differ; empty where only the form does, or where nothing was known before."""
    if before is None:
        return []
    earlier = licence_of(before)
    if earlier.canonical in (NONE, NOASSERTION):
        return []
    if licence.canonical == NONE:
        return [f"the licence is gone: it was {written_in(before)}"]
    if earlier.canonical != licence.canonical:
        return [f"the licence was {written_in(before)} and is {written_in(value)}"]
    if _doubt(before) and not _doubt(value):
        return []  # what was unknown is known now
    out = []
    if set(earlier.choices) != set(licence.choices) and not _doubt(value):
        out.append(f"the terms of {written_in(value)} are read otherwise than before")
    old = _last_text(ledger, history)
    if text is not None and old is not None and not same_text(old, text):
        out.append(f"the text of {written_in(value)} changed: {_difference(old, text)}")
    return out


def _last_text(ledger: Ledger, history: list[Claim]) -> bytes | None:
    """The text of the licence that was kept last."""
    known = [one for one in history if one.evidence and ledger.content.has(one.evidence)]
    return ledger.content.get(str(known[-1].evidence)) if known else None


def _known_text(ledger: Ledger, history: list[Claim], text: bytes) -> bool:
    old = _last_text(ledger, history)
    return old is not None and same_text(old, text)


def _accepted(ledger: Ledger, history: list[Claim], licence: Licence, text: bytes) -> bool:
    """Whether the same text was taken for that of the same licence before."""
    alike = [one for one in history if licence_of(one.value).canonical == licence.canonical and not _doubt(one.value)]
    kept = (ledger.content.get(one.evidence) for one in alike if one.evidence and ledger.content.has(one.evidence))
    return any(same_text(old, text) for old in kept)


def _doubt(value: Any) -> str:
    """Why the text of a claim is not known to be that of its licence."""
    return str(value.get(TEXT, {}).get(DOUBT, "")) if isinstance(value, dict) else ""


def _read_before(before: Any, value: Any) -> bool:
    """Whether a person read the terms of this licence before, and says nothing of them now."""
    return isinstance(before, dict) and isinstance(value, str) and before.get("licence") == value


def _difference(old: bytes, new: bytes) -> str:
    """Where two texts begin to differ."""
    texts = _decoded(old), _decoded(new)
    if None in texts:
        return "another file"
    first, second = (_tokens(text or "") for text in texts)
    pairs = enumerate(zip(first, second, strict=False))
    same = next((place for place, (was, now) in pairs if was != now), min(len(first), len(second)))
    old_words, new_words = (" ".join(words[same : same + QUOTED]) or "the end" for words in (first, second))
    return f"{old_words!r} became {new_words!r}"


def lines(done: Recorded, found: Reach | None, now: datetime) -> list[str]:
    """What was recorded, what changed, the case and what it reaches, in one screen."""
    claim = done.claim
    out = [f"{claim.about}: {claim.what} is {written_in(claim.value)} (says {claim.source}, {claim.observed_at[:10]})"]
    if done.read_as:
        out.append(f"  read as {done.read_as}")
    out += [f"  changed: {change}" for change in done.changes]
    if done.doubt:
        out.append(f"  UNSURE {done.doubt}: its terms count as unknown until somebody read it (--read, or --terms)")
    elif not done.changes:
        out.append("  its terms are those before" if done.before else "  nothing was known before")
    if done.case is not None:
        out += case_lines(done.case, now)
    return out + (reach_lines(found) if found is not None else [])
