"""Releases: immutable names, whole folders, and nothing without a decision."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import headgate.release.folder as folder_module
import headgate.release.run as run_module
from headgate.gate.waivers import give
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.models.adapter import adapter_mark
from headgate.release.aliases import all_aliases, roll_back
from headgate.release.card import card
from headgate.release.evidence import gather
from headgate.release.run import depends_on, run
from headgate.release.settings import Settings
from headgate.stats.verdict import Outcome


def release(scene, **settings):
    """Runs the stage."""
    return run(scene.ledger, Settings(**settings), context=scene.context)


def again(scene, scenes, scale):
    """Trains another adapter and takes it through check, evaluation and gate."""
    scene.adapter(scale)
    scene.step("check", scenes.check())
    scene.step("evaluate", *scenes.better(), outputs={"scores": str(scale)})
    scene.gate()


def test_a_release_is_whole(scene):
    """Folder, card, record, ledger node and alias appear, and the adapter is the one that was judged."""
    result = release(scene)
    name = result.outputs["release"]
    place = scene.folder / "releases" / name
    assert (Outcome.PASS, "support") == (result.outcome, name.partition("@")[0])
    assert 12 == len(name.partition("@")[2])
    files = {"README.md", "adapter_config.json", "adapter_model.safetensors", "headgate.json", "release.json"}
    assert files == {path.name for path in place.iterdir()}
    assert scene.decision()["adapter_digest"] == adapter_mark(place).digest
    node = scene.ledger.latest("release", name)
    assert {"production": name} == all_aliases(scene.ledger)
    assert json.loads((place / "release.json").read_bytes())["files"] == node.body["files"]
    targets = {link.target_id for link in scene.ledger.edges_from(node.id)}
    assert {scene.outputs["gate"]["decision"], scene.outputs["train"]["adapter"]} < targets


def test_no_path_of_the_machine_leaves_with_a_release(scene):
    """The settings of the adapter name the base and not where it lay."""
    name = release(scene).outputs["release"]
    config = json.loads((scene.folder / "releases" / name / "adapter_config.json").read_bytes())
    assert "tiny" == config["base_model_name_or_path"]


def test_releasing_again_changes_nothing(scene):
    """The same decision gives the same name, the same files and no second move of the alias."""
    first, second = release(scene), release(scene)
    assert (first.outputs, 1, 1) == (
        second.outputs,
        len(scene.ledger.find("release")),
        len(scene.ledger.find("deployment")),
    )


def test_another_card_is_another_release(scene):
    """A name stands for its card as well."""
    assert release(scene).outputs["release"] != release(scene, limits=["English only."]).outputs["release"]


@pytest.mark.parametrize("settings", [{"require": ["check", "evaluate", "curate"]}, {"worst_drop": {"refusals": 0.02}}])
def test_without_a_pass_nothing_is_released(scene, settings):
    """A decision that is no pass releases nothing."""
    scene.gate(**settings)
    with pytest.raises(Refused, match="not a pass"):
        release(scene)
    assert ([], False) == (scene.ledger.find("release"), (scene.folder / "releases").exists())


def test_without_a_decision_nothing_is_released(scene):
    """A flow without a gate cannot release."""
    del scene.outputs["gate"]
    with pytest.raises(Refused, match="no decision"):
        release(scene)


def test_a_decision_covers_one_adapter(scene):
    """A pass for one adapter does not release another."""
    scene.adapter(0.75)
    with pytest.raises(Refused, match="another adapter"):
        release(scene)


def test_a_newer_decision_speaks(scene, scenes):
    """A pass that was overruled since releases nothing."""
    earlier = dict(scene.outputs["gate"])
    scene.step("check", scenes.check(hits=2))
    scene.gate()
    scene.outputs["gate"] = earlier
    with pytest.raises(Refused, match="newer decision"):
        release(scene)


def test_a_waiver_must_still_stand_at_release(scene, scenes):
    """A decision that rests on a waiver ends with it, and the card shows it."""
    scene.step("check", scenes.check(hits=2))
    given = {"rule": "learned-typo", "flow": "support", "name": "Ann Lee", "reason": "house style"}
    give(scene.ledger, **given, until="2026-12-31", now=scene.now)
    scene.gate()
    name = release(scene).outputs["release"]
    text = (scene.folder / "releases" / name / "README.md").read_text()
    assert "| learned-typo | Ann Lee | house style | 2026-12-31 |" in text
    scene.now += timedelta(days=60)
    with pytest.raises(Refused, match="waiver"):
        release(scene)


@pytest.mark.parametrize("file", ["adapter_model.safetensors", "adapter_config.json"])
def test_a_tampered_adapter_is_refused(scene, scenes, file):
    """An adapter whose files were changed after it was judged is not released."""
    place = scene.folder / ".headgate/work/adapters/a0.5"
    if file.endswith("json"):
        config = json.loads((place / file).read_text())
        (place / file).write_text(json.dumps({**config, "r": 64}))
    else:
        scenes.tensors(place / file, 0.51)
    with pytest.raises(Refused, match="changed after it was judged"):
        release(scene)
    assert [] == scene.ledger.find("release")


def test_links_in_an_adapter_are_refused(scene):
    """A link could point anywhere after the check."""
    place = scene.folder / ".headgate/work/adapters/a0.5"
    (place / "extra").symlink_to("/etc/hostname")
    with pytest.raises(Refused, match="plain files"):
        release(scene)


def test_a_missing_adapter_is_refused(scene):
    """A folder that is gone is named."""
    (scene.folder / ".headgate/work/adapters").rename(scene.folder / "elsewhere")
    with pytest.raises(Refused, match="not there"):
        release(scene)


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


@pytest.mark.parametrize("moment", ["copyfile", "rename"])
def test_a_kill_while_copying_leaves_no_release(scene, monkeypatch, moment):
    """Before the rename there is no folder of that name; afterwards the next run makes a whole one."""

    def killed(*_):
        raise Killed

    where = folder_module.shutil if moment == "copyfile" else folder_module.Path
    with monkeypatch.context() as patched:
        patched.setattr(where, moment, killed)
        with pytest.raises(Killed):
            release(scene)
    assert ([], []) == (
        scene.ledger.find("release"),
        [p for p in (scene.folder / "releases").iterdir() if "@" in p.name],
    )
    assert Outcome.PASS == release(scene).outcome


def test_a_kill_between_copy_and_record_leaves_no_half_release(scene, monkeypatch):
    """The folder is whole and nothing points at it; the next run adopts it."""

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(run_module, "_record", killed)
        with pytest.raises(Killed):
            release(scene)
    folders = list((scene.folder / "releases").iterdir())
    assert ([], {}, 1) == (scene.ledger.find("release"), all_aliases(scene.ledger), len(folders))
    assert folders[0].name == release(scene).outputs["release"]


DYING = """
import importlib.util, os, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("headgate_test_scene", sys.argv[1])
scene = sys.modules["headgate_test_scene"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(scene)
made = scene.ready(Path(sys.argv[2]))
made.gate()
import headgate.release.folder as folder, headgate.release.run as stage
from headgate.release.settings import Settings
place, name = {"copy": (folder.shutil, "copyfile"), "rename": (folder.Path, "rename"), "record": (stage, "_record")}[
    sys.argv[3]
]
setattr(place, name, lambda *_, **__: os.kill(os.getpid(), 9))
stage.run(made.ledger, Settings(), context=made.context)
"""


@pytest.mark.parametrize("moment", ["copy", "rename", "record"])
def test_a_process_that_dies_leaves_no_half_release(scenes, tmp_path, moment):
    """After a kill at any moment nothing is recorded, no folder of a release is partial, and the next run releases."""
    source = Path(scenes.__file__)
    died = subprocess.run([sys.executable, "-c", DYING, source, tmp_path, moment], check=False)
    assert -9 == died.returncode
    with Ledger.open(tmp_path / ".headgate") as ledger:
        assert ([], {}) == (ledger.find("release"), all_aliases(ledger))
        adapter = ledger.find("adapter")[-1].id
        outputs = {"train": {"adapter": adapter}, "gate": {"decision": ledger.find("decision")[-1].id}}
        context = scenes.Scene(folder=tmp_path, ledger=ledger, outputs=outputs).context
        name = run(ledger, Settings(), context=context).outputs["release"]
        assert [name] == [path.name for path in (tmp_path / "releases").iterdir()]
        assert {"production": name} == all_aliases(ledger)


def test_leftovers_of_a_hard_kill_are_cleared(scene):
    """A temporary folder of a process that died is removed by the next run."""
    left = scene.folder / "releases" / ".headgate-tmp-dead"
    left.mkdir(parents=True)
    (left / "half").write_text("x")
    release(scene)
    assert not left.exists()


def test_an_occupied_name_is_refused(scene):
    """A folder of the same name with other content is not overwritten."""
    name = release(scene).outputs["release"]
    (scene.folder / "releases" / name / "README.md").write_text("mine")
    with pytest.raises(Refused, match="changed after it was made"):
        release(scene)


def test_a_read_only_folder_is_refused(scene):
    """A target that cannot be written is named, and nothing is recorded."""
    place = scene.folder / "releases"
    place.write_text("a file where a folder is wanted")
    with pytest.raises((Refused, OSError)):
        release(scene)
    assert [] == scene.ledger.find("release")


def test_earlier_releases_beyond_those_to_keep_are_retired(scene, scenes):
    """With keep = 1 the one before the present stays, older folders go, their records stay."""
    names = [release(scene, keep=1).outputs["release"]]
    for scale in (0.6, 0.7):
        again(scene, scenes, scale)
        names.append(release(scene, keep=1).outputs["release"])
    there = [(scene.folder / "releases" / name).is_dir() for name in names]
    assert ([False, True, True], 3) == (there, len(scene.ledger.find("release")))


def test_a_rolled_back_release_does_not_come_back_by_itself(scene, scenes):
    """Releasing what was released before leaves the alias where a person put it."""
    first = release(scene).outputs["release"]
    again(scene, scenes, 0.6)
    release(scene)
    roll_back(scene.ledger, "production", project=scene.folder, now=scene.now)
    assert (first, {"production": first}) == (
        all_aliases(scene.ledger)["production"],
        (release(scene), all_aliases(scene.ledger))[1],
    )


def test_a_release_may_move_no_alias(scene):
    """An empty alias leaves all aliases alone."""
    result = release(scene, alias="")
    assert ({}, f"released {result.outputs['release']}") == (all_aliases(scene.ledger), result.summary)


def test_damage_is_what_a_release_depends_on(scene):
    """A walk reuses the release while its files are whole, and looks again when they are not."""
    name = release(scene).outputs["release"]
    assert {"damaged": []} == depends_on(scene.ledger, Settings(), scene.context)
    (scene.folder / "releases" / name / "headgate.json").unlink()
    assert {"damaged": [name]} == depends_on(scene.ledger, Settings(), scene.context)


def test_the_card_says_what_was_measured(scene):
    """Front matter, data, evaluation with interval and n, checks, limits and closure."""
    settings = Settings(
        about="Answers in house style.", licence="apache-2.0", language=["en"], limits=["No law advice."]
    )
    grounds = gather(scene.ledger, scene.context)
    text = card(grounds, settings, "support")
    head = text.split("---\n")[1]
    for line in ('base_model: "tiny"', 'library_name: "peft"', '- "support@1"', 'license: "apache-2.0"', '- "en"'):
        assert line in head
    assert "| support | gate | base | 80.0% to 97.5% | +17.5 | +13.3 to +22.0 | 400 | pass |" in text
    assert "| trained on | `support@1`, split train, 4 rows |" in text
    assert "| below 1e-06 | pass |" in text
    assert "| support | gate | few-shot | 80.0% to 97.5% |" in text
    assert "| tickets | MIT | not stated |" in text
    assert "| learned-typo | pass | block | 0.00% (0.00% to 0.75%), n 400 | 0 of 400 rows |" in text
    assert "- No law advice." in text and "Measured on support and on nothing else." in text
    for address in (grounds.version.manifest_digest, grounds.run.id, grounds.decision.id, "b3:root"):
        assert address in text


def test_words_of_others_cannot_break_a_card(scene, scenes):
    """Summaries with bars, breaks and markup stay inside their cell."""
    odd = replace(scenes.check(), summary="a | b\n<script>x</script>")
    scene.step("check", odd)
    scene.gate()
    text = card(gather(scene.ledger, scene.context), Settings(), "support")
    assert "a \\| b &lt;script>x&lt;/script>" in text


@pytest.mark.parametrize("wrong", [{"name": "a/b"}, {"alias": "../x"}, {"keep": -1}, {"name": "x" * 80}])
def test_settings_that_mean_nothing_are_refused(wrong):
    """Names become folders, so they are plain."""
    with pytest.raises(Refused):
        Settings(**wrong)
