"""`headgate curate`: the flow up to a frozen dataset version."""

from headgate.cli.stage_verb import stage_command

command = stage_command(
    "curate",
    "Selects, redacts, splits and deduplicates rows, and freezes a dataset version.",
    "Runs the stages of the flow file up to [curate]; stages whose inputs have not changed are skipped. "
    "Every removed row is listed with the reason and its survivor under .headgate/work/curate.",
    ["", "--file support.toml --json"],
)
