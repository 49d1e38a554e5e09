"""Opens a model by its address: a folder on this machine, or a name behind a URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from headgate.kit.doors import open_door
from headgate.kit.errors import Refused
from headgate.models.doors import LOCAL
from headgate.models.model import Model

FORMS = "local:FOLDER or http://HOST:PORT/v1#MODEL-NAME"


def open_model(spec: str, *, adapter: Path | None = None, **options: Any) -> Model:
    """Opens `local:FOLDER` (with an adapter folder, where given) or `http://host/v1#name`.

    `options` go to the constructor of what is opened, such as `concurrency` or `timeout`.

    Raises:
        Refused: the address has another form, the folder is missing, or an adapter is given for a URL.
        Unavailable: a local model is asked for and the libraries that run it are not installed.
    """
    kind, _, rest = spec.partition(":")
    if kind == "local":
        return _local(Path(rest), adapter, options)
    if kind in ("http", "https"):
        if adapter is not None:
            raise Refused(
                "an adapter folder cannot be given to a server",
                found=spec,
                wanted="the name under which the server serves the adapter, after #",
            )
        return _endpoint(spec, options)
    raise Refused("not the address of a model", found=repr(spec), wanted=FORMS)


def _local(folder: Path, adapter: Path | None, options: dict[str, Any]) -> Model:
    for wanted in (folder, adapter):
        if wanted is not None and not wanted.is_dir():
            raise Refused("no such model folder", file=str(wanted), wanted="a folder with config.json and safetensors")
    return cast(Model, open_door(LOCAL).open_local(folder, adapter=adapter, **options))


def _endpoint(spec: str, options: dict[str, Any]) -> Model:
    url, mark, name = spec.partition("#")
    if not mark or not name:
        raise Refused("no model name in the address", found=repr(spec), wanted=FORMS)
    from headgate.models.endpoint import EndpointModel

    return EndpointModel(url, name, **options)
