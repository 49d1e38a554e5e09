"""`headgate rights sign` and `verify`: signatures over the folder of a release, an adapter or a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from headgate.cli.output import answer, examples, print_json
from headgate.cli.rights_options import store_options
from headgate.kit.errors import Exit

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
SIGNATURE = click.option(
    "--signature",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The signature (default: FOLDER.sig).",
)


@click.command(epilog=examples("rights", "sign production --key key.pem", "sign evidence-2026-11 --key key.pem"))
@click.argument("target")
@click.option("--key", type=FILE, required=True, help="Private key on P-256, P-384 or P-521, as PEM.")
@click.option("--password-file", type=FILE, help="Its password, where the key has one: first line of a file.")
@SIGNATURE
@store_options
def sign(target: str, key: Path, **asked: Any) -> None:
    """Signs every file of a folder, or of a release by name, with a key of your own; nothing goes over a network.

    The signature is a sigstore bundle after the OpenSSF's model signing, so that others can verify it without
    headgate. Needs the extra `evidence`.
    """
    from headgate.rights.evidence import signing

    meant = signing.target_of(target, asked["store"])
    meant.must_stand()
    folder = meant.folder
    password = _first_line(asked["password_file"]) if asked["password_file"] else None
    made = signing.sign(folder, key, password=password, signature=asked["signature"])
    if asked["as_json"]:
        print_json(answer("rights sign", {"folder": str(folder), "signature": str(made)}))
    elif not asked["quiet"]:
        click.echo(str(made))


@click.command(epilog=examples("rights", "verify production --key key.pub", "verify evidence-2026-11 --key key.pub"))
@click.argument("target")
@click.option("--key", type=FILE, required=True, help="Public key, as PEM.")
@SIGNATURE
@store_options
def verify(target: str, key: Path, **asked: Any) -> int:
    """Verifies the signature of a folder or release; exit code 1 where a byte, a file or the key is another."""
    from headgate.rights.evidence import signing

    meant = signing.target_of(target, asked["store"])
    folder, problem = meant.folder, signing.verify_target(meant, key, signature=asked["signature"])
    if asked["as_json"]:
        parts = {"folder": str(folder), "holds": not problem, "problem": problem}
        print_json(answer("rights verify", parts, "fail" if problem else "pass"))
    elif not asked["quiet"]:
        click.echo(f"the signature does not hold: {problem}" if problem else f"the signature holds for {folder}")
    return int(Exit.FAIL if problem else Exit.PASS)


def _first_line(file: Path) -> bytes:
    return (file.read_bytes().splitlines() or [b""])[0]
