"""The chat template of a model folder, rendered without the library that serves it.

One renderer for pre-flight, training and the local engine: what is trained on is what is served.
A template is code from outside, so it runs in Jinja's sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from headgate.kit.errors import Refused
from headgate.kit.files import must_be_file

Messages = Sequence[Mapping[str, Any]]
TOKEN_NAMES = ("bos_token", "eos_token", "pad_token", "unk_token", "sep_token", "cls_token", "mask_token")

_TALK = ({"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good morning.\n"})
# What a template is asked to render for its identity: (messages, with the opening of an answer).
FIXED_CONVERSATIONS: tuple[tuple[Messages, bool], ...] = (
    (_TALK[:1], True),
    (_TALK, False),
    (({"role": "system", "content": " Be brief. "}, *_TALK, {"role": "user", "content": "Bye\n\n"}), True),
    (({"role": "user", "content": ""},), True),
    (({"role": "user", "content": "é 漢字 \u00a0"}, {"role": "assistant", "content": ""}), False),
)


@dataclass(frozen=True)
class ChatTemplate:
    """Source and special tokens of a chat template."""

    source: str
    tokens: Mapping[str, str] = field(default_factory=dict)  # such as {"eos_token": "<|end|>"}
    file: str = ""  # where it was read from, for messages

    @staticmethod
    def of_folder(folder: Path) -> ChatTemplate | None:
        """The template of a model folder; None where it has none.

        Raises:
            Refused: the folder's tokenizer settings are damaged.
        """
        settings = folder / "tokenizer_config.json"
        body: dict[str, Any] = {}
        if settings.exists():
            try:
                body = json.loads(must_be_file(settings).read_bytes())
            except ValueError:
                raise Refused("not JSON", file=str(settings)) from None
        own = folder / "chat_template.jinja"
        source = own.read_text(encoding="utf-8") if own.exists() else body.get("chat_template")
        if not isinstance(source, str):
            return None
        return ChatTemplate(source, special_tokens(body), str(own if own.exists() else settings))

    @property
    def depends_on_date(self) -> bool:
        """Whether the text may change from day to day, so that training and serving drift apart."""
        return "strftime_now" in self.source

    @cached_property
    def _compiled(self) -> Any:
        import jinja2
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        from headgate.models.generation_marks import GenerationMarks

        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[GenerationMarks, "jinja2.ext.loopcontrols"]
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _raise
        try:
            return environment.from_string(self.source)
        except jinja2.TemplateError as error:
            raise Refused("the chat template cannot be read", file=self.file, found=str(error)) from None

    def render(self, messages: Messages, *, add_generation_prompt: bool, tools: Sequence[Any] = ()) -> str:
        """The text that the model sees; with `add_generation_prompt` it ends where an answer begins.

        Raises:
            Refused: the template does not take this conversation.
        """
        import jinja2

        try:
            text = self._compiled.render(
                messages=list(messages),
                add_generation_prompt=add_generation_prompt,
                tools=list(tools) or None,
                documents=None,
                **self.tokens,
            )
        except (jinja2.TemplateError, TypeError, ValueError, AttributeError, KeyError) as error:
            raise Refused(
                "the chat template does not take this conversation", file=self.file, found=str(error)
            ) from None
        return str(text)

    def outcome(self, messages: Messages, add_generation_prompt: bool) -> str:
        """The rendered text, or what the template refused, as text: part of a template's identity."""
        try:
            return self.render(messages, add_generation_prompt=add_generation_prompt)
        except Refused as error:
            return f"refused: {error.found}"


def special_tokens(settings: Mapping[str, Any]) -> dict[str, str]:
    """Special tokens by name from tokenizer settings, where each is text or an object with `content`."""
    out = {}
    for name in TOKEN_NAMES:
        value = settings.get(name)
        text = value.get("content") if isinstance(value, dict) else value
        if isinstance(text, str):
            out[name] = text
    return out


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None, **rest: Any) -> str:
    # Templates are written for plain JSON; Jinja's own filter would escape for HTML.
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **rest)


def _raise(message: str) -> None:
    import jinja2

    raise jinja2.TemplateError(message)
