"""Puts a desk together: an engine on a base, a directory of names, a budget."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from headgate.kit.doors import open_door
from headgate.kit.errors import Refused, merged
from headgate.models.adapter import must_belong
from headgate.models.chat_template import ChatTemplate
from headgate.models.fingerprint import fingerprint_of, read_json
from headgate.models.tokenizer import Tokenizer
from headgate.serve.desk import Desk
from headgate.serve.doors import RUNTIMES
from headgate.serve.names import Directory, Names
from headgate.serve.requests import Reader
from headgate.serve.residents import Residents
from headgate.serve.routes import Routes
from headgate.serve.settings import Settings

MEGABYTE = 1 << 20


def open_desk(base: Path, names: Names, settings: Settings, *, name: str = "", routes: Routes | None = None) -> Desk:
    """A desk over a base; `name` is what the base alone is called, `routes` are names that choose among adapters.

    Raises:
        Refused: the base cannot be loaded, or a router chooses among what is not served.
        Unavailable: the engine's libraries are not installed.
    """
    directory = Directory(names, name or base.resolve().name)
    if routes is not None:
        routes.must_be_served([directory.base, *directory.snapshot.served, *directory.snapshot.aliases])
    runtime = open_door(RUNTIMES[settings.engine]).open_runtime(base, settings)
    budget = int(settings.budget * MEGABYTE)
    residents = Residents(runtime.load, runtime.unload, budget, most=runtime.most, retry=settings.retry)
    return Desk(
        base=directory.base,
        fingerprint=runtime.fingerprint,
        directory=directory,
        residents=residents,
        runtime=runtime,
        reader=reader_of(base, settings, runtime.context),
        routes=routes,
    )


def must_all_belong(adapters: Iterable[Path], base: Path) -> None:
    """Refuses before anything is loaded where one of the adapters given by hand was not made for the base.

    Raises:
        Refused: one or more of them, each with its reason.
    """
    fingerprint, wrong = fingerprint_of(base), []
    for folder in adapters:
        try:
            must_belong(folder, base, fingerprint)
        except Refused as error:
            wrong.append(error)
    if wrong:
        raise merged(wrong)


def reader_of(base: Path, settings: Settings, context: int | None = None) -> Reader:
    """What reads requests for a base; `context` is the engine's own limit of tokens.

    Raises:
        Refused: the base has no tokenizer or no template.
    """
    tokenizer, template = Tokenizer(base), ChatTemplate.of_folder(base)
    if template is None:
        raise Refused("the base has no chat template", file=str(base), wanted="chat_template.jinja")
    limits = [one for one in (read_json(base / "config.json").get("max_position_embeddings"), context) if one]
    render: Callable[..., Any] = lambda messages, tools: template.render(  # noqa: E731
        messages, add_generation_prompt=True, tools=tools
    )
    return Reader(
        settings,
        render,
        lambda text: tokenizer.ids([text])[0],
        min(map(int, limits), default=None),
        tokenizer.size,
    )
