"""`headgate train`: the flow up to a trained adapter."""

from headgate.cli.stage_verb import stage_command

command = stage_command(
    "train",
    "Trains an adapter from the dataset version and closes over everything it used.",
    "Runs the stages of the flow file up to [train]. A pre-flight reads every row through the real chat template "
    "before the first step. A run that was interrupted goes on from its last checkpoint.",
    ["", "--set train.steps=40"],
)
