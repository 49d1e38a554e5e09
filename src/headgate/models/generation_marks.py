"""`{% generation %}` … `{% endgeneration %}`: marks that some templates set around assistant text.

They mean nothing for the text itself; the shard finds what to supervise by rendering twice.
"""

from __future__ import annotations

from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser


class GenerationMarks(Extension):
    """Reads the marks and leaves what stands between them."""

    tags = {"generation"}  # noqa: RUF012 - the name and type that Jinja wants

    def parse(self, parser: Parser) -> nodes.Node:
        """A scope around the body, as if the marks were not there."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)
