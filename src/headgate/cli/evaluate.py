"""`headgate evaluate`: the flow up to scores of base, best few-shot prompt and candidate."""

from headgate.cli.stage_verb import stage_command

command = stage_command(
    "evaluate",
    "Scores the base, the best few-shot prompt and the candidate on the same items.",
    "Runs the stages of the flow file up to [evaluate]. Completions are journalled, so an interrupted evaluation "
    "asks nothing twice. The sealed pool answers with verdicts only and counts its looks.",
    ["", "--set evaluate.max-tokens=16"],
)
