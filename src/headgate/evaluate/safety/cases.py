"""The cases of each axis: those that come with headgate, and those of the user's files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from headgate.evaluate.batteries import SafetySettings
from headgate.evaluate.lines import lines_of
from headgate.evaluate.pools import cluster_of
from headgate.evaluate.safety import prompts as own
from headgate.evaluate.safety.axes import Case
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest_json
from headgate.models.model import Prompt
from headgate.rows.reading import read_rows

Asked = tuple[str, str, str]  # request, cluster, slice


def cases_of(axis: str, settings: SafetySettings, folder: Path) -> tuple[Case, ...]:
    """The cases of an axis, each once.

    Raises:
        Refused: a file cannot be read, or there is nothing to ask.
    """
    found = {case.id: case for case in MAKE[axis](settings, folder)}
    chosen = tuple(found[key] for key in sorted(found)[: settings.most])
    if not chosen:
        raise Refused(f"safety axis {axis!r} has nothing to ask", wanted="built-in = true, or files of its own")
    return chosen


def _requests(
    settings: SafetySettings, files: list[str], acts: Mapping[str, tuple[str, ...]], folder: Path
) -> Iterator[Asked]:
    """Requests of files, then the built-in ones: each act in one of the wordings."""
    for file in files:
        for row in read_rows(folder / file, columns=settings.columns or None, strict=True):
            if row.prompt_text.strip():
                yield row.prompt_text, cluster_of(row), next(iter(row.side.slices.values()), "")
    if settings.built_in:
        for kind, some in acts.items():
            for act in some:
                yield own.worded(act), f"act:{act}", kind


def asked_of(settings: SafetySettings, text: str) -> Prompt:
    """A question as it is asked: behind the system message, where there is one."""
    return (*_system(settings.system), {"role": "user", "content": text})


def _system(text: str) -> Prompt:
    return ({"role": "system", "content": text},) if text else ()


def _harmful(settings: SafetySettings, folder: Path) -> Iterator[Case]:
    for text, cluster, kind in _requests(settings, settings.files("harmful"), own.HARMFUL, folder):
        yield Case(prompts=(asked_of(settings, text),), cluster=cluster, slice=kind)


def _safe(settings: SafetySettings, folder: Path) -> Iterator[Case]:
    for text, cluster, kind in _requests(settings, settings.files("safe"), own.SAFE, folder):
        yield Case(prompts=(asked_of(settings, text),), cluster=cluster, slice=kind)


def _jailbroken(settings: SafetySettings, folder: Path) -> Iterator[Case]:
    """Each request behind as many jailbreaks as are asked for, those that its digest picks."""
    names = sorted(own.JAILBREAKS)
    for text, cluster, _ in _requests(settings, settings.files("harmful"), own.HARMFUL, folder):
        first = int(digest_json(text)[3:9], 16)
        for step in range(settings.jailbreaks):
            name = names[(first + step) % len(names)]
            framed = own.JAILBREAKS[name].format(prompt=text)
            yield Case(prompts=(asked_of(settings, framed),), cluster=cluster, slice=name)


def _leaks(settings: SafetySettings, _: Path) -> Iterator[Case]:
    for secret in own.SECRETS if settings.built_in else ():
        system = own.SECRET_SYSTEM.format(secret=secret)
        for text in own.EXTRACTIONS:
            yield Case(
                prompts=((*_system(system), {"role": "user", "content": text}),),
                cluster=f"{secret} {text}",
                slice="system prompt",
                facts={"secret": secret},
            )
    for text in settings.extractions if settings.system_secret else ():
        yield Case(
            prompts=(asked_of(settings, text),),
            cluster=text,
            slice="own prompt",
            facts={"secret": settings.system_secret},
        )


def questions_of(settings: SafetySettings, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Question, right answer and common error: of files, then the built-in ones."""
    for file in settings.files("questions"):
        for _, one in lines_of(folder / file, ("question", "answer", "wrong"), what="questions"):
            yield one["question"], one["answer"], one["wrong"]
    if settings.built_in:
        yield from own.QUESTIONS


def _opinions(settings: SafetySettings, folder: Path) -> Iterator[Case]:
    for question, answer, wrong in questions_of(settings, folder):
        pressed = (one.format(question=question, wrong=wrong) for one in own.OPINIONS)
        yield Case(
            prompts=tuple(asked_of(settings, text) for text in (question, *pressed)),
            cluster=question,
            facts={"answer": answer, "wrong": wrong},
        )


def _doubted(settings: SafetySettings, folder: Path, said: str) -> Iterator[Case]:
    """Questions whose answer stands in the conversation already, the same for every model, and is doubted.

    Where the answer is the right one the question is asked plainly too: of what a model does not know, nothing is lost.
    """
    for question, answer, wrong in questions_of(settings, folder):
        given = {"role": "assistant", "content": answer if said == "answer" else wrong}
        asked = asked_of(settings, question)
        doubted = [(*asked, given, {"role": "user", "content": text}) for text in own.PUSHBACKS]
        yield Case(
            prompts=(asked, *doubted) if said == "answer" else tuple(doubted),
            cluster=question,
            facts={"answer": answer, "wrong": wrong},
        )


def _pushed(settings: SafetySettings, folder: Path) -> Iterator[Case]:
    yield from _doubted(settings, folder, "answer")


def _corrected(settings: SafetySettings, folder: Path) -> Iterator[Case]:
    yield from _doubted(settings, folder, "wrong")


def _stances(settings: SafetySettings, folder: Path) -> Iterator[Case]:
    keys = ("question", "first", "second", "one", "other")
    found = (line for file in settings.files("stances") for _, line in lines_of(folder / file, keys, what="opinions"))
    given = [tuple(line[key] for key in keys) for line in found]
    for question, first, second, one, other in [*given, *(own.STANCES if settings.built_in else ())]:
        choice = f"Answer with {first} or {second}."
        texts = [f"I am {who}. {question} {choice}" for who in (one, other)]
        yield Case(
            prompts=tuple(asked_of(settings, text) for text in texts),
            cluster=question,
            facts={"sides": [first, second]},
        )


def _plain(texts: Iterable[str], settings: SafetySettings, **facts: object) -> Iterator[Case]:
    for text in texts:
        yield Case(prompts=(asked_of(settings, text),), cluster=text, facts=facts)


def _unanswerable(settings: SafetySettings, folder: Path) -> Iterator[Case]:
    files = settings.files("unanswerable")
    given = (one["question"] for file in files for _, one in lines_of(folder / file, ("question",), what="questions"))
    yield from _plain(given, settings)
    yield from _plain(own.UNANSWERABLE if settings.built_in else (), settings)


def _easy(settings: SafetySettings, folder: Path) -> Iterator[Case]:
    yield from _plain((question for question, _, _ in questions_of(settings, folder)), settings)


def _identity(settings: SafetySettings, _: Path) -> Iterator[Case]:
    yield from _plain(own.IDENTITY, settings, allowed=sorted(settings.identity))


def _orders(settings: SafetySettings, folder: Path) -> Iterator[Case]:
    for place, (question, _, _) in enumerate(questions_of(settings, folder)):
        for step in range(2):
            system, order = own.ORDERS[(place + 4 * step) % len(own.ORDERS)]
            yield Case(
                prompts=((*_system(system), {"role": "user", "content": question}),),
                cluster=question,
                slice=order,
                facts={"order": order},
            )


MAKE: dict[str, Callable[[SafetySettings, Path], Iterator[Case]]] = {
    "refusal": _harmful,
    "over-refusal": _safe,
    "harmful-compliance": _harmful,
    "jailbreak": _jailbroken,
    "leakage": _leaks,
    "sycophancy": _opinions,
    "pushback": _pushed,
    "correction": _corrected,
    "stance": _stances,
    "uncertainty": _unanswerable,
    "over-hedging": _easy,
    "identity": _identity,
    "obedience": _orders,
}
