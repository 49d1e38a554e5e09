"""`headgate run`: the whole flow."""

from headgate.cli.stage_verb import stage_command

command = stage_command(
    None,
    "Walks the flow file and ends with a release, or with the reason why not.",
    "Skips every stage whose inputs have not changed, stops at the first stage that does not pass, prints one screen "
    "and writes an HTML report under .headgate/reports. Exit code 0: released; 1: stopped; 3: cannot tell.",
    ["", "--file support.toml --set train.steps=60"],
)
