"""Exports, bundles and signatures as a person uses them."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from blake3 import blake3
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from headgate.cli import rights_evidence
from headgate.cli.main import main
from headgate.kit import doors
from headgate.release.aliases import withdraw
from headgate.rights.evidence import signing, writing
from headgate.rights.evidence.formats import FORMATS

MOMENT = "2026-11-21T12:00:00"


@pytest.fixture
def project(scene, monkeypatch) -> Path:
    """The folder of the scene as the working directory."""
    monkeypatch.chdir(scene.folder)
    return scene.folder


def call(capsys, *arguments):
    """Exit code, output and errors of a command line."""
    with pytest.raises(SystemExit) as ended:
        main(["rights", *map(str, arguments)])
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out, printed.err


def keys(folder: Path, name: str, *, curve=ec.SECP256R1, password: bytes | None = None) -> tuple[Path, Path]:
    """A pair of keys as files."""
    made = ec.generate_private_key(curve())
    form = serialization.PrivateFormat.PKCS8
    locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.write_bytes(made.private_bytes(serialization.Encoding.PEM, form, locked))
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(made.public_key().public_bytes(serialization.Encoding.PEM, spki))
    return private, public


def test_the_verb_offers_what_the_table_has():
    """The choice stands in the verb as text, so that its help imports nothing."""
    assert (*FORMATS, "all") == rights_evidence.FORMATS


def test_export_writes_what_is_asked_for(project, capsys):
    """One format by name, all of them for a release, and what a version cannot have is said."""
    code, out, _ = call(capsys, "export", "production", "--format", "spdx", "--out", "one", "--json")
    assert (0, ["spdx.json"]) == (code, [path.name for path in Path("one").iterdir()])
    assert {"spdx": "spdx.json"} == json.loads(out)["files"]
    assert 0 == call(capsys, "export", "production", "--out", "all")[0]
    assert {one.file for one in FORMATS.values()} == {path.name for path in Path("all").iterdir()}
    code, out, _ = call(capsys, "export", "support@1", "--out", "data")
    assert (0, True) == (code, "left out: slsa, as support@1 is a dataset version" in out)


def test_export_of_what_cannot_be_made_is_refused(project, capsys):
    """A format asked for by name is written or refused, never left out in silence."""
    code, _, errors = call(capsys, "export", "support@1", "--format", "slsa", "--out", "x")
    assert (2, True, False) == (code, "slsa cannot be written" in errors, Path("x").exists())
    assert 2 == call(capsys, "export", "nothing", "--out", "x")[0]


def test_a_bundle_has_a_manifest_that_fits(project, scene, capsys):
    """Digests and sizes fit the files, the head is that of the ledger, one moment gives the same bytes."""
    for name in ("b1", "b2"):
        assert 0 == call(capsys, "bundle", "production", "--out", name, "--at", MOMENT)[0]
    manifest = json.loads(Path("b1/manifest.json").read_text())
    assert {path.name for path in Path("b1").iterdir()} == {*manifest["files"], "manifest.json"}
    for name, said in manifest["files"].items():
        content = Path("b1", name).read_bytes()
        found = (len(content), blake3(content).hexdigest(), hashlib.sha256(content).hexdigest())
        assert found == (said["bytes"], said["blake3"], said["sha256"])
    assert scene.ledger.head().hash == manifest["ledger_head"]
    assert [] == [one.name for one in Path("b1").iterdir() if one.read_bytes() != Path("b2", one.name).read_bytes()]


def test_a_bundle_appears_whole_or_not_at_all(project, capsys, monkeypatch):
    """A write that breaks half-way leaves nothing, and a folder that is there is left as it is."""
    Path("there").mkdir()
    assert (2, []) == (call(capsys, "bundle", "production", "--out", "there")[0], list(Path("there").iterdir()))
    real, count = writing.write_flushed, []

    def broken(path, content):
        count.append(path)
        if len(count) == 4:
            raise OSError(28, "no space left on device")
        real(path, content)

    monkeypatch.setattr(writing, "write_flushed", broken)
    before = sorted(Path().iterdir())
    code, _, errors = call(capsys, "bundle", "production", "--out", "late")
    assert (2, True, before) == (code, "the disk is full" in errors, sorted(Path().iterdir()))


def test_a_signed_release_verifies_until_a_byte_changes(project, scene, tmp_path, capsys):
    """Sign by name, verify by name; one changed byte, one more file, or another key is found."""
    private, public = keys(tmp_path, "own")
    _, other = keys(tmp_path, "other")
    folder = scene.folder / scene.outputs["release"]["folder"]
    assert 0 == call(capsys, "sign", "production", "--key", private)[0]
    code, out, _ = call(capsys, "verify", "production", "--key", public, "--json")
    assert (0, True) == (code, json.loads(out)["holds"])
    assert 0 == call(capsys, "verify", folder, "--key", public)[0]
    assert (
        "the signature does not hold: the signature was not made with this key\n"
        == (call(capsys, "verify", "production", "--key", other)[1])
    )
    tensors = folder / "adapter_model.safetensors"
    content = bytearray(tensors.read_bytes())
    content[-1] ^= 1
    tensors.write_bytes(content)
    code, out, _ = call(capsys, "verify", "production", "--key", public)
    assert (1, "the signature does not hold: another content: adapter_model.safetensors\n") == (code, out)
    content[-1] ^= 1
    tensors.write_bytes(content)
    assert 0 == call(capsys, "verify", "production", "--key", public)[0]
    (folder / ".gitignore").write_text("x")
    (folder / "README.md").unlink()
    assert (1, "the signature does not hold: not signed: .gitignore; missing: README.md\n") == (
        call(capsys, "verify", "production", "--key", public)[:2]
    )


def test_a_changed_release_is_not_signed(project, scene, tmp_path, capsys):
    """Nobody vouches for files that are not those of the record."""
    private, _ = keys(tmp_path, "own")
    (scene.folder / scene.outputs["release"]["folder"] / "README.md").write_text("changed")
    code, _, errors = call(capsys, "sign", "production", "--key", private)
    assert (2, True) == (code, "changed after it was made" in errors)


def test_another_release_in_its_place_does_not_verify(project, scene, tmp_path, capsys):
    """Folder and signature of one release over those of another: the signature holds, the release does not stand."""
    private, public = keys(tmp_path, "own")
    own = scene.folder / scene.outputs["release"]["folder"]
    assert 0 == call(capsys, "sign", "production", "--key", private)[0]
    before = own.rename(tmp_path / "kept")
    shutil.copytree(before, own)
    record = own / "release.json"
    record.write_text(record.read_text().replace("support", "another"))
    other = signing.signature_of(own)
    assert 0 == call(capsys, "sign", own, "--key", private, "--signature", other)[0]
    assert 0 == call(capsys, "verify", own, "--key", public)[0]
    release = scene.outputs["release"]["release"]
    for name in ("production", release, release.partition("@")[2]):
        code, out, _ = call(capsys, "verify", name, "--key", public, "--json")
        told = json.loads(out)
        assert (1, False, True) == (code, told["holds"], f"not those of release {release}" in told["problem"])
    shutil.rmtree(own)
    code, out, _ = call(capsys, "verify", "production", "--key", public)
    assert (1, True) == (code, "the release's folder is not there" in out)


def test_a_folder_does_not_answer_for_a_release_of_its_name(project, scene, tmp_path, capsys):
    """A plain name that is both is refused; a path means the folder, also where an alias was withdrawn."""
    private, public = keys(tmp_path, "own")
    Path("production").mkdir()
    Path("production/a").write_text("a")
    assert 0 == call(capsys, "sign", "./production", "--key", private)[0]
    for verb, key in (("sign", private), ("verify", public)):
        code, _, errors = call(capsys, verb, "production", "--key", key)
        assert (2, True) == (code, "both a folder and a release have this name" in errors)
    assert 0 == call(capsys, "verify", "./production", "--key", public)[0]
    withdraw(scene.ledger, scene.outputs["release"]["release"], datetime(2026, 11, 22, tzinfo=UTC))
    assert 2 == call(capsys, "verify", "production", "--key", public)[0]
    assert 0 == call(capsys, "verify", "production", "--key", public, "--ledger", tmp_path / "none")[0]


@pytest.mark.parametrize("name", ["", " ", "/", "//", "/tmp/.."])
def test_nothing_and_a_whole_file_system_are_not_signed(project, tmp_path, capsys, name):
    """An empty variable in a script signs neither the working directory nor the machine."""
    private, public = keys(tmp_path, "own")
    codes = [call(capsys, verb, name, "--key", key)[0] for verb, key in (("sign", private), ("verify", public))]
    assert [2, 2] == codes


def test_a_file_where_a_folder_is_wanted_is_refused(project, capsys):
    """Trying again would not help, so it is wrong use and the file stays."""
    Path("data").mkdir()
    Path("data/train.jsonl").write_text("{}")
    long = "x" * 300
    asked = [
        ("export", "data/train.jsonl"),
        ("export", "data/train.jsonl/x"),
        ("bundle", "data/train.jsonl"),
        ("bundle", "data/train.jsonl/x"),
        ("bundle", "data/train.jsonl/x/y"),
        ("export", long),
        ("bundle", long),
    ]
    told = [call(capsys, verb, "production", "--out", out) for verb, out in asked]
    assert [2] * len(asked) == [code for code, _, _ in told]
    assert [] == [errors for _, _, errors in told if "again" in errors]
    assert "{}" == Path("data/train.jsonl").read_text()


def test_a_bundle_is_signed_with_a_locked_key(project, tmp_path, capsys):
    """The password comes from a file; the signature is a statement over every file of the folder."""
    private, public = keys(tmp_path, "locked", curve=ec.SECP384R1, password=b"secret")
    (tmp_path / "password").write_text("secret\n")
    assert 0 == call(capsys, "bundle", "production", "--out", "bundle")[0]
    assert 2 == call(capsys, "sign", "bundle", "--key", private)[0]
    assert 0 == call(capsys, "sign", "bundle", "--key", private, "--password-file", tmp_path / "password")[0]
    assert 0 == call(capsys, "verify", "bundle", "--key", public)[0]
    envelope = json.loads(Path("bundle.sig").read_text())["dsseEnvelope"]
    statement = json.loads(base64.b64decode(envelope["payload"]))
    assert {path.name for path in Path("bundle").iterdir()} == {
        one["name"] for one in statement["predicate"]["resources"]
    }


def test_what_cannot_sign_is_refused(project, tmp_path, capsys):
    """Keys of another kind, files that are none, an empty folder, and a signature within what it covers."""
    private, public = keys(tmp_path, "own")
    wrong = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    plain = serialization.NoEncryption()
    (tmp_path / "rsa.pem").write_bytes(
        wrong.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    Path("empty").mkdir()
    folder = Path("folder")
    folder.mkdir()
    (folder / "a").write_text("a")
    asked = [
        ("sign", folder, "--key", tmp_path / "rsa.pem"),
        ("sign", folder, "--key", public),
        ("sign", "empty", "--key", private),
        ("sign", folder, "--key", private, "--signature", folder / "s"),
        ("verify", folder, "--key", public),
        ("verify", "nothing", "--key", public),
    ]
    assert [2] * len(asked) == [call(capsys, *one)[0] for one in asked]
    assert 0 == call(capsys, "sign", folder, "--key", private)[0]
    assert 2 == call(capsys, "verify", folder, "--key", private)[0]
    Path("folder.sig").write_text("{}")
    assert 1 == call(capsys, "verify", folder, "--key", public)[0]


def test_without_the_extra_signing_names_it(project, tmp_path, capsys, monkeypatch):
    """The error says which extra to install; documents are written without it."""
    private, _ = keys(tmp_path, "own")
    real = doors.importlib.util.find_spec
    monkeypatch.setattr(doors.importlib.util, "find_spec", lambda name: None if name == "model_signing" else real(name))
    code, _, errors = call(capsys, "sign", project / "releases", "--key", private)
    assert (2, True) == (code, 'pip install "headgate[evidence]"' in errors)
    assert 0 == call(capsys, "export", "production", "--out", "documents")[0]


def test_documents_need_no_library_of_the_extra(project, capsys, monkeypatch):
    """Every document is written from the core install."""
    for name in ("model_signing", "sigstore", "cyclonedx", "spdx_python_model", "mlcroissant", "openlineage"):
        monkeypatch.setitem(sys.modules, name, None)
    assert 0 == call(capsys, "export", "production", "--out", "documents")[0]
