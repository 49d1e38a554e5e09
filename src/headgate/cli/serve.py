"""`headgate serve`: many adapters on one base behind the OpenAI surface."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headgate.cli.output import answer, common_options, examples, print_json
from headgate.cli.stage_verb import FLOW_FILE
from headgate.kit.errors import Exit, Refused

if TYPE_CHECKING:
    from headgate.serve.desk import Desk

TOKEN = "HEADGATE_SERVE_TOKEN"


@click.command(
    epilog=examples(
        "serve", "", "--base base --adapter support=adapters/support --port 8001", "--router desk=both --check --json"
    )
)
@FLOW_FILE
@click.option("--base", default="", metavar="BASE", help="Folder or name; without it, that of [train].")
@click.option("--adapter", "given", multiple=True, metavar="NAME=FOLDER", help="Serve this folder; no project needed.")
@click.option(
    "--router", "routers", multiple=True, metavar="NAME=FOLDER", help="Serve a router that fleet compose wrote."
)
@click.option("--route-log", type=click.Path(path_type=Path), help="Keep what routers decided, by request, no text.")
@click.option("--engine", type=click.Choice(["embedded", "vllm"]), default="embedded", show_default=True)
@click.option("--vllm", "vllm_url", default="", metavar="URL", help="A vLLM server that runs already.")
@click.option("--vllm-rank", default=64, show_default=True, help="Largest rank that the vLLM server takes.")
@click.option("--vllm-adapters", default=8, show_default=True, help="Adapters that a started vLLM batches together.")
@click.option("--vllm-held", default=128, show_default=True, help="Most adapters that a vLLM server is to hold.")
@click.option("--vllm-arguments", default="", metavar="WORDS", help="More words for the vllm serve that is started.")
@click.option("--host", default="127.0.0.1", show_default=True, help=f"Another than loopback needs {TOKEN}.")
@click.option("--port", default=8000, show_default=True, help="0 takes a free one.")
@click.option("--budget", default=512.0, show_default=True, help="MB for loaded adapters.")
@click.option("--batch", default=32, show_default=True, help="Rows that are answered together.")
@click.option("--queue", default=256, show_default=True, help="Rows that may wait.")
@click.option("--max-tokens", default=1024, show_default=True, help="Longest answer.")
@click.option("--grace", default=30.0, show_default=True, help="Seconds for running requests at the end.")
@click.option("--check", "only_check", is_flag=True, help="Load every adapter once, say what is refused, and end.")
@common_options
def command(
    flow_file: Path, base: str, given: tuple[str, ...], routers: tuple[str, ...], route_log: Path | None,
    only_check: bool, quiet: bool, as_json: bool, **options: Any,
) -> int:  # fmt: skip
    """Serves every release of the project, by its immutable name and by its aliases, on 127.0.0.1.

    /v1/models, /v1/chat/completions, /v1/completions and /healthz, until it is told to stop. An adapter is loaded when
    it is first asked for, after proof that it was made for this base and is what was released; the longest unused
    leave memory first. Where an alias moves to an adapter that is refused, the one before goes on. A folder of
    --adapter that does not belong to the base is refused at the start. A router is a name that sends each request to
    one adapter by its words. Exit code 2 where something is refused, with --check too.
    """
    from headgate.cli.arguments import pairs
    from headgate.flow.serving import served_from
    from headgate.kit.doors import open_door
    from headgate.serve.doors import SERVER
    from headgate.serve.opening import must_all_belong, open_desk
    from headgate.serve.routes import read_routes
    from headgate.serve.settings import Settings

    settings = Settings(**options, token=os.environ.get(TOKEN, ""))
    server = open_door(SERVER)
    with nullcontext() if only_check else server.place_of(settings) as place:
        adapters = {name: Path(folder) for name, folder in pairs(given, "--adapter", "NAME=FOLDER").items()}
        named = {name: Path(path) for name, path in pairs(routers, "--router", "NAME=FOLDER").items()}
        routes = read_routes(named, route_log)
        folder, name, names = served_from(flow_file, base, adapters)
        if place is not None:
            must_all_belong(adapters.values(), folder)
        desk = open_desk(folder, names, settings, name=name, routes=routes)
        if place is None:
            return _checked(desk, quiet=quiet, as_json=as_json)

        def told(address: str) -> None:
            if as_json:
                print_json(answer("serve", {"address": address, "models": [one["id"] for one in desk.models()]}))
            elif not quiet:
                click.echo(f"{name} and {len(desk.models()) - 1} names on {address}")

        server.run(desk, settings, told, place)
    return 0


def _checked(desk: Desk, *, quiet: bool, as_json: bool) -> int:
    found = desk.check()
    desk.close(0.0)
    refused = sum(map(bool, found.values()))
    if as_json:
        parts: dict[str, Any] = {
            "base": desk.base,
            "adapters": [{"model": name, "refused": why} for name, why in found.items()],
        }
        if refused:
            parts["error"] = {"kind": Refused.title, "what": f"{refused} of {len(found)} adapters cannot be served"}
        print_json(answer("serve", parts, "error" if refused else "pass"))
    elif not quiet:
        for name, why in found.items():
            click.echo(f"{name}: {why or 'can be served'}")
        click.echo(f"{len(found)} adapters, {refused} refused")
    return int(Exit.WRONG_USE if refused else Exit.PASS)
