"""Pre-flight: every row is rendered and tokenised as in serving, before a model is loaded.

What is proved for each row: some token is learned; the token that ends an answer is learned; nothing
is cut away; the text up to an answer, and its tokens, are the ones that serving would send; no
message smuggles in a control token. A row that fails is named, and the run does not start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from headgate.kit.errors import Refused
from headgate.kit.progress import Advance, silent
from headgate.models.chat_template import ChatTemplate
from headgate.models.fingerprint import read_json
from headgate.models.tokenizer import Encoded, Tokenizer
from headgate.rows.row import Kind, Row
from headgate.rules.data.dat009_rows_without_lesson import rows_without_lesson
from headgate.rules.given import Corpus, Given, TokenCount
from headgate.stats.judging import judge_share
from headgate.stats.verdict import Finding, Level, Verdict
from headgate.train.rendering import Rendered, Span, rendered
from headgate.train.shard import Shard, shard_of

BLOCK_ROWS = 512  # rows tokenised at once

NO_LESSON = "no token is learned"
NO_END = "the token that ends the answer is not learned, so the model would not learn to stop"
OTHER_TOKENS = "serving would send other tokens before the answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """One row after pre-flight."""

    tokens: list[int]
    weights: list[float]
    count: TokenCount
    problem: str  # empty: the row can be trained on


@dataclass(frozen=True, slots=True, kw_only=True)
class PreFlight:
    """The whole of pre-flight: the shard that would be trained on and what was found."""

    shard: Shard
    counts: tuple[TokenCount, ...]
    verdicts: tuple[Verdict, ...]
    longest: int  # tokens of the longest row
    pad_id: int

    @property
    def blocks(self) -> bool:
        """Whether training must not start."""
        return any(verdict.blocks for verdict in self.verdicts)


def pre_flight(
    rows: Sequence[Row], tokenizer: Tokenizer, template: ChatTemplate | None, limit: int, advance: Advance = silent
) -> PreFlight:
    """Renders, tokenises and examines every row; `limit` is the longest row in tokens."""
    examined: list[Examined] = []
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        examined += examine(block, tokenizer, template, limit)
        advance(len(block))
    counts = tuple(one.count for one in examined)
    given = Given({"training-rows": Corpus(rows, "training rows"), "tokens": counts})
    problems = [one.problem for one in examined]
    size = Size(learned=sum(c.supervised_tokens for c in counts), tokens=sum(len(e.tokens) for e in examined))
    verdicts = (census(rows, problems, size, limit, template), rows_without_lesson.judge(given))
    return PreFlight(
        shard=shard_of([row.id for row in rows], [e.tokens for e in examined], [e.weights for e in examined]),
        counts=counts,
        verdicts=verdicts,
        longest=max((len(one.tokens) for one in examined), default=0),
        pad_id=tokenizer.pad_id or 0,
    )


def examine(rows: Sequence[Row], tokenizer: Tokenizer, template: ChatTemplate | None, limit: int) -> list[Examined]:
    """Renders, tokenises and weighs rows that teach their answers."""
    texts = [rendered(row, template) for row in rows]
    whole = tokenizer.encode([one.text for one in texts])
    heads = [(i, span) for i, one in enumerate(texts) for span in one.spans if span.answer]
    before = tokenizer.ids([texts[i].text[: span.begin] for i, span in heads])
    opened: dict[int, list[tuple[Span, list[int]]]] = {}
    for (i, span), head in zip(heads, before, strict=True):
        opened.setdefault(i, []).append((span, head))
    return [
        _examined(row, text, encoded, opened.get(i, []), tokenizer, limit)
        for i, (row, text, encoded) in enumerate(zip(rows, texts, whole, strict=True))
    ]


def _examined(
    row: Row,
    text: Rendered,
    encoded: Encoded,
    opened: Sequence[tuple[Span, list[int]]],
    tokenizer: Tokenizer,
    limit: int,
) -> Examined:
    tokens, offsets = list(encoded.ids), list(encoded.offsets)
    if row.kind is Kind.TEXT and tokenizer.end_ids:
        tokens.append(min(tokenizer.end_ids))
        offsets.append((len(text.text), len(text.text)))
    weights = _weights(text, tokens, offsets, row.kind is Kind.TEXT)
    same = all(tokens[: len(head)] == head for _, head in opened)
    ended = [_end_answer(span, len(head), tokens, offsets, weights, tokenizer) for span, head in opened]
    learned = sum(1 for weight in weights if weight)
    cut = len(tokens) > limit
    count = TokenCount(
        supervised_tokens=learned,
        end_token_supervised=all(ended) and bool(ended or row.kind is Kind.TEXT),
        cut=cut,
        answer_cut=cut and any(weights[limit:]),
    )
    problem = text.problem or next(_problems(row, tokenizer, count, same, len(tokens), limit), "")
    return Examined(tokens=tokens, weights=weights, count=count, problem=problem)


def _problems(row: Row, tokenizer: Tokenizer, count: TokenCount, same: bool, length: int, limit: int) -> Iterator[str]:
    smuggled = [name for name in tokenizer.special if any(name in message.content for message in row.messages)]
    if smuggled:
        yield f"a message holds the control token {smuggled[0]}"
    if not count.supervised_tokens:
        yield NO_LESSON
    if not same:
        yield OTHER_TOKENS
    if not count.end_token_supervised:
        yield NO_END
    if count.cut:
        yield f"{length} tokens do not fit {limit}; something would be cut away"


def _weights(text: Rendered, tokens: list[int], offsets: list[tuple[int, int]], plain: bool) -> list[float]:
    """The loss weight of each token: that of the span its characters lie in, 0 where any of them is masked."""
    weights = [0.0] * len(tokens)
    for span in text.spans:
        for i, (begin, end) in enumerate(offsets):
            if begin >= span.begin and end <= span.end and (end > begin or plain):
                weights[i] = span.weight
    for low, high in text.masked:
        for i, (begin, end) in enumerate(offsets):
            if begin < high and end > low:
                weights[i] = 0.0
    if weights:
        weights[0] = 0.0  # nothing stands before the first token to tell it from
    return weights


def _end_answer(
    span: Span,
    first: int,
    tokens: list[int],
    offsets: list[tuple[int, int]],
    weights: list[float],
    tokenizer: Tokenizer,
) -> bool:
    """Cuts learning off behind the first end token of an answer; False when there is none to learn."""
    ended = False
    for i in range(first, len(tokens)):
        if offsets[i][0] >= span.end:
            break
        if ended:
            weights[i] = 0.0  # what a template writes behind the end is never generated
        elif tokens[i] in tokenizer.end_ids:
            ended = True
            if not weights[i]:
                return False
    return ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much there is to train on."""

    learned: int  # tokens that reach the loss
    tokens: int


def census(
    rows: Sequence[Row],
    problems: Sequence[str],
    size: Size,
    limit: int,
    template: ChatTemplate | None,
    proved: str = "text and tokens are those of serving, ends are learned",
) -> Verdict:
    """The verdict over all rows, from the problem of each; no row may have one."""
    reasons = Counter(one for one in problems if one)
    findings = [
        Finding(message=problem, row=row.id, place=row.place, remedy="review")
        for row, problem in zip(rows, problems, strict=True)
        if problem
    ]
    summary = f"{len(rows):,} rows, {size.learned:,} learned tokens: {proved}"
    if reasons:
        (reason, most), *others = reasons.most_common()
        rest = f", {len(others)} more reason{'s' * (len(others) > 1)}" if others else ""
        summary = f"{reasons.total():,} of {len(rows):,} rows cannot be trained on: {reason} ({most:,}){rest}"
    verdict = judge_share(
        len(findings),
        len(rows),
        name="rows that cannot be trained on",
        summary=summary,
        zero_tolerance=True,
        findings=tuple(findings),
        details={
            "learned_tokens": size.learned,
            "tokens": size.tokens,
            "limit": limit,
            "reasons": dict(reasons.most_common()),
            "template_depends_on_date": bool(template and template.depends_on_date),
        },
    )
    return replace(verdict, rule="pre-flight", failure="method-matrix", level=Level.BLOCK)


def must_fit_vocabulary(folder: Path, tokenizer: Tokenizer) -> None:
    """Refuses a tokenizer that makes ids for which the base has no embedding.

    Raises:
        Refused: tokens were added to the tokenizer and not to the model.
    """
    size = int(read_json(folder / "config.json").get("vocab_size") or 0)
    if size and tokenizer.size > size:
        raise Refused(
            "the tokenizer has tokens that the base does not know",
            file=str(folder),
            found=f"{tokenizer.size} tokens, {size} embeddings",
            next_step="resize the base's embeddings and save it again, or take the tokenizer it came with",
        )


def limit_of(folder: Path, asked: int) -> int:
    """The longest row in tokens: what was asked for, and never more than the base's context."""
    context = int(read_json(folder / "config.json").get("max_position_embeddings") or 0)
    return min(one for one in (asked, context, 1 << 30) if one)
