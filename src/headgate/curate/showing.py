"""A proposal on the terminal: what it does to slices on top, then cluster by cluster."""

from __future__ import annotations

from collections.abc import Sequence

from headgate.curate.differences import ClusterDiff, marked
from headgate.curate.reviews import Proposal

SLICES_SHOWN = 12
STAYS_SHOWN = 3


def heading(proposed: Proposal, undecided: int) -> list[str]:
    """How much is proposed, and what accepting all of it would do to slices."""
    rows = len(proposed.rows)
    clusters = f"{len(proposed.clusters):,} clusters may go, {undecided:,} clusters undecided"
    out = [f"{proposed.dataset}: {rows:,} rows in {clusters}"]
    if proposed.prompt_only:
        out.append(f"{proposed.prompt_only:,} rows share only the question with another; they are not proposed")
    if proposed.slices:
        out.append("if all of them go:")
    for line in proposed.slices[:SLICES_SHOWN]:
        before, after = line["before"], line["after"]
        out.append(f"  {line['slice']:<40} {before:>8,} to {after:>8,} rows, {after / before:.0%} kept")
    if len(proposed.slices) > SLICES_SHOWN:
        out.append(f"  and {len(proposed.slices) - SLICES_SHOWN:,} more slices that lose less")
    return out


def cluster_lines(one: ClusterDiff, *, colour: bool) -> list[str]:
    """One cluster: what stays, and each row that may go with its difference from its witness."""
    out = [f"cluster {one.name}" + (f"  {one.slices}" if one.slices else "")]
    out += [f"  stays         {' '.join(text.split())}" for text in one.stays[:STAYS_SHOWN]]
    if len(one.stays) > STAYS_SHOWN:
        out.append(f"  and {len(one.stays) - STAYS_SHOWN:,} more that stay")
    for row in one.goes:
        field = f" {row.field}" if row.field else ""
        out.append(f"  may go {row.similarity:.2f}{field}  {marked(row.prompt, colour=colour)}")
        if row.answer:
            out.append(f"                answer: {marked(row.answer, colour=colour)}")
        out.append(f"                {row.row[:15]}  {row.state}")
    return out


def mixed_lines(found: Sequence[tuple[str, tuple[str, ...]]]) -> list[str]:
    """Rows that are alike in all words and differ in a slice or a label: kept, and named."""
    out = [f"{len(found):,} clusters are alike in all words and mix slices or labels; they are kept:"] if found else []
    for differ, texts in found:
        out.append(f"  {differ}")
        out += [f"    {' '.join(text.split())}" for text in texts[:STAYS_SHOWN]]
    return out
