"""The catalogue: every rule of headgate, sorted by code. A rule that is not here does not exist."""

from __future__ import annotations

from headgate.rules.data.dat003_near_duplicates import near_duplicates
from headgate.rules.data.dat004_learned_typo import learned_typo
from headgate.rules.data.dat006_self_leak import self_leak
from headgate.rules.data.dat007_paraphrased_leak import paraphrased_leak
from headgate.rules.data.dat008_group_leak import group_leak
from headgate.rules.data.dat009_rows_without_lesson import rows_without_lesson
from headgate.rules.data.dat010_erased_slice import erased_slice
from headgate.rules.data.dat011_short_item_leak import short_item_leak
from headgate.rules.data.dat012_time_leak import time_leak
from headgate.rules.data.dat013_few_shot_leak import few_shot_leak
from headgate.rules.data.dat014_failure_copies import failure_copies
from headgate.rules.data.dat015_prompt_leak import prompt_leak
from headgate.rules.data.dat016_derived_leak import derived_leak
from headgate.rules.data.dat017_chosen_on_items import chosen_on_items
from headgate.rules.data.dat018_lost_register import lost_register
from headgate.rules.data.dat020_inherited_habits import inherited_habits
from headgate.rules.data.dat021_house_phrases import house_phrases
from headgate.rules.data.dat022_mixed_terms import mixed_terms
from headgate.rules.judge.jdg001_low_agreement import low_agreement
from headgate.rules.judge.jdg002_shared_errors import shared_errors
from headgate.rules.judge.jdg003_unanimous_errors import unanimous_errors
from headgate.rules.judge.jdg004_unlicensed_annotator import unlicensed_annotator
from headgate.rules.judge.jdg005_wrong_labels import wrong_labels
from headgate.rules.judge.jdg006_related_judge import related_judge
from headgate.rules.lineage.lin001_unsourced_rows import unsourced_rows
from headgate.rules.lineage.lin002_withdrawn_subject import withdrawn_subject
from headgate.rules.lineage.lin003_untyped_signals import untyped_signals
from headgate.rules.lineage.lin004_comments_as_corrections import comments_as_corrections
from headgate.rules.lineage.lin005_dominant_actors import dominant_actors
from headgate.rules.lineage.lin006_impure_labels import impure_labels
from headgate.rules.lineage.lin007_conflicting_terms import conflicting_terms
from headgate.rules.shape import Rule
from headgate.rules.synthetic.syn001_input_gap import input_gap
from headgate.rules.synthetic.syn002_narrowed_answers import narrowed_answers
from headgate.rules.synthetic.syn003_ungrounded_facts import ungrounded_facts
from headgate.rules.synthetic.syn004_deep_generation import deep_generation
from headgate.rules.synthetic.syn005_own_teacher import own_teacher
from headgate.rules.synthetic.syn006_narrowing_series import narrowing_series
from headgate.rules.synthetic.syn007_unknown_identifiers import unknown_identifiers
from headgate.rules.synthetic.syn008_unsupported_sentences import unsupported_sentences
from headgate.rules.synthetic.syn009_lost_facts import lost_facts

CATALOGUE: tuple[Rule, ...] = (
    near_duplicates,
    learned_typo,
    self_leak,
    paraphrased_leak,
    group_leak,
    rows_without_lesson,
    erased_slice,
    short_item_leak,
    time_leak,
    few_shot_leak,
    failure_copies,
    prompt_leak,
    derived_leak,
    chosen_on_items,
    lost_register,
    inherited_habits,
    house_phrases,
    mixed_terms,
    low_agreement,
    shared_errors,
    unanimous_errors,
    unlicensed_annotator,
    wrong_labels,
    related_judge,
    unsourced_rows,
    withdrawn_subject,
    untyped_signals,
    comments_as_corrections,
    dominant_actors,
    impure_labels,
    conflicting_terms,
    input_gap,
    narrowed_answers,
    ungrounded_facts,
    deep_generation,
    own_teacher,
    narrowing_series,
    unknown_identifiers,
    unsupported_sentences,
    lost_facts,
)
