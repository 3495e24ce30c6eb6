"""The one Prometheus of a stack, out of every place that names one."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from weighbridge.convert.fitting import refusal
from weighbridge.convert.reading import Node, span_text
from weighbridge.convert.variables import filled, named
from weighbridge.convert.writing import Section
from weighbridge.settings import Prometheus

SECRET = "prometheus.auth takes it as a reference, {env: NAME}, {file: PATH} or {config: NAME}"
INSECURE = "no certificate is trusted unseen: name it by prometheus.tls.ca"


class Server:
    """Gathers the section `prometheus`. The first address counts."""

    def __init__(self) -> None:
        self.section = Section()

    def ordered(self) -> Section:
        """Give the section, with its address first."""
        entries = self.section.entries
        self.section.entries = {key: entries[key] for key in ("url", *entries)}
        return self.section

    def address(self, node: Node, args: Mapping[str, str] | None = None) -> bool:
        """Read an address; tell whether it is the server of this stack.

        Args:
            node: the address.
            args: what Argo's arguments in it are.
        """
        if not node:
            return True
        text = filled(str(node.value), args or {}).rstrip("/")
        known = self.section.entries.get("url")
        if known is not None and known != text:
            node.leave("a stack has one Prometheus, and another one came first")
            return False
        if named(text) or (broken := refusal(Prometheus, "url", text)):
            node.leave(f"the settings' rule: {broken}" if not named(text) else "nothing gives its argument a value")
            return False
        node.used()
        if known is None:
            self.section.put("url", text, ".".join(map(str, node.path[-2:])))
        return True

    def timeout(self, node: Node) -> None:
        """Read a time for one question, in seconds."""
        seconds = node.whole()
        if seconds is None:
            return
        if broken := refusal(Prometheus, "timeout", span_text(max(0, seconds))):
            node.leave(f"the settings' rule: {broken}")
        elif self.section.entries.get("timeout", span_text(seconds)) != span_text(seconds):
            node.leave("a stack has one Prometheus, and another timeout came first")
        else:
            self.section.put("timeout", span_text(seconds), "timeout")

    def headers(self, pairs: Mapping[str, Node]) -> None:
        """Read headers; what could be a credential is left, as it must not stand in a stack file."""
        for name, node in pairs.items():
            asked = {"url": "http://prometheus", "headers": {name: node.value}}
            try:
                TypeAdapter(Prometheus).validate_python(asked)
            except ValidationError:
                node.leave("prometheus.headers refuses it; a credential in it has to be a reference")
                continue
            if named(str(node.value)):
                node.leave("prometheus.headers takes no argument")
                continue
            given = self.section.entries.setdefault("headers", {})
            if given.get(name, node.value) != node.value:
                node.leave("a stack has one Prometheus, and another value came first")
                continue
            given[name] = node.text()
