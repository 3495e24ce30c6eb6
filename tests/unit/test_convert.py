"""The converter as a whole: what comes out of documents, that it loads, and that no field is forgotten."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from weighbridge.cli import app
from weighbridge.convert import Converted, convert
from weighbridge.convert.reading import Ledger, Node
from weighbridge.convert.writing import Section, stack_file
from weighbridge.errors import SettingsError
from weighbridge.settings import load

FOLDER = Path(__file__).parent / "convert"
EXAMPLES = sorted(FOLDER.glob("*.yaml"))
NAMES = [each.stem for each in EXAMPLES]
EXTRA = "zzExtra"
PLACEHOLDER = re.compile(r"<[a-z_]+>")

FILLED = {
    "<image>": "registry.example.com/app:1",
    "<namespace>": "default",
    "<port>": 80,
    "<query>": "sum(up)",
    "<success_condition>": "result[0] > 0",
}
"""What a reader of an example would put for its placeholders."""


def converted(path: Path) -> Converted:
    return convert({path.name: path.read_text(encoding="utf-8")})


def documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def filled(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: filled(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner) for inner in value]
    return FILLED.get(value, value) if isinstance(value, str) else value


def read_back(text: str) -> dict[str, Any]:
    """The settings in the text of a stack file, as the program's own reader of YAML has them."""
    config = yaml.safe_load(text)["config"]
    return {key.removeprefix("weighbridge:"): value for key, value in config.items()}


@pytest.mark.parametrize("path", EXAMPLES, ids=NAMES)
def test_an_example_gives_its_stack_file(path: Path) -> None:
    """What comes out is what lies beside it; `weighbridge convert NAME.yaml > NAME.stack` writes it anew."""
    assert converted(path).text == path.with_suffix(".stack").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", EXAMPLES, ids=NAMES)
def test_what_comes_out_loads(path: Path) -> None:
    """The settings load as they are, or, where the documents lack something, once its placeholders are filled in."""
    found = converted(path)
    if PLACEHOLDER.search(json.dumps(found.settings)):
        assert found.missing
        with pytest.raises(SettingsError):
            load(found.settings)
    assert load(filled(found.settings)).releases


@pytest.mark.parametrize("path", EXAMPLES, ids=NAMES)
def test_the_text_says_the_settings(path: Path) -> None:
    """The stack file's text is the settings, and has each line of what is missing and what has no equal."""
    found = converted(path)
    assert read_back(found.text) == found.settings
    assert [line for line in found.lines if f"# {line}\n" not in found.text] == []
    assert found.text.count("# add: ") == len(found.missing)


@pytest.mark.parametrize("secret", ["hunter2", "s3cr3t", "correct-horse-battery"])
def test_no_secret_comes_out(secret: str) -> None:
    """What stands in a Secret, an authentication or a header with a credential is in no text, line or setting."""
    held = [path for path in EXAMPLES if secret in path.read_text(encoding="utf-8")]
    assert held
    for path in held:
        found = converted(path)
        assert secret not in repr(found)


def mappings(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        yield path
        for key, inner in value.items():
            yield from mappings(inner, (*path, key))
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from mappings(inner, (*path, number))


PLACES = [
    (path, number, place)
    for path in EXAMPLES
    for number, document in enumerate(documents(path))
    for place in mappings(document)
    if document["kind"] != "List" or len(place) > 2  # a List itself is only the paper around its items
]
VALUES: st.SearchStrategy[Any] = st.sampled_from(["text", 7, True, None, {}, [], {"a": {"b": 1}}, [{"c": "d"}], 0.5])


@hypothesis_settings(max_examples=80, deadline=None)
@given(where=st.sampled_from(PLACES), value=VALUES)
def test_no_field_is_forgotten(where: tuple[Path, int, tuple[str | int, ...]], value: Any) -> None:
    """A field that nobody expects, anywhere, is in the settings, or listed by its path or by what it stands in."""
    path, number, place = where
    written = deepcopy(documents(path))
    inner = written[number]
    for key in place:
        inner = inner[key]
    inner[EXTRA] = value
    try:
        found = convert({path.name: yaml.safe_dump_all(written)})
    except SettingsError as error:
        assert EXTRA in str(error)  # noqa: PT017  a value of the wrong shape, which is named
        return
    spelt = re.sub(r"^items\[\d+\]\.?", "", dotted((*place, EXTRA)))
    inside = [
        line for line in found.lines if spelt == line.path or spelt.startswith((f"{line.path}.", f"{line.path}["))
    ]
    whole = [line for line in found.lines if not line.path]
    assert EXTRA in json.dumps(found.settings) or inside or whole


def test_a_name_does_not_leave_its_comment() -> None:
    """A line's end in a name ends no comment: nothing that a document says becomes a setting that way."""
    evil = "x\n  weighbridge:gateway: {}\r\u2028y"
    document = {
        "apiVersion": "flagger.app/v1beta1",
        "kind": "Canary",
        "metadata": {"name": evil, "namespace": "b"},
        "spec": {
            "targetRef": {"kind": "Deployment", "name": evil},
            "autoscalerRef": {"kind": "HorizontalPodAutoscaler", "name": evil},
            "service": {"port": 80, evil: evil, "targetPort": evil},
            "analysis": {
                "metrics": [
                    {"name": evil, "query": "up", "templateVariables": {evil: "1"}},
                    {"name": "t", "templateRef": {"name": evil}},
                ]
            },
        },
    }
    found = convert({"x": yaml.safe_dump(document)})
    assert set(read_back(found.text)) == {"cluster", "releases"}
    assert all(str(line).isprintable() for line in (*found.lines, *found.missing))


@pytest.mark.parametrize(
    "place",
    [("spec",), ("spec", "service"), ("spec", "analysis"), ("spec", "analysis", "metrics", 0), ("spec", "targetRef")],
    ids=str,
)
def test_a_forgotten_field_is_listed_by_its_own_path(place: tuple[str | int, ...]) -> None:
    """Where its neighbours are read, the unknown field alone is listed, in one line."""
    written = documents(FOLDER / "flagger-weights.yaml")
    inner = written[0]
    for key in place:
        inner = inner[key]
    inner[EXTRA] = {"a": 1}
    before = {str(line) for line in converted(FOLDER / "flagger-weights.yaml").lines}
    after = {str(line) for line in convert({"x": yaml.safe_dump_all(written)}).lines}
    assert after - before == {f"Canary shop: {dotted((*place, EXTRA))}: nothing reads it: look whether you need it"}
    assert before <= after


def dotted(path: tuple[str | int, ...]) -> str:
    """A path as the lines spell it."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{named(part)}" for part in path]
    return "".join(parts).removeprefix(".")


def named(part: str) -> str:
    return part if re.fullmatch(r"[A-Za-z0-9_/-]+", part) else repr(part)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    [
        "on",
        "yes",
        "n",
        "12:30",
        "1_000",
        "0o7",
        "null",
        "~",
        "a\n",
        "a\nb \n",
        " a\nb",
        "a\n\n\n",
        "# a",
        "a: b",
        "<a>",
        "{",
        "a?b",
        "- a",
        "\u2028",
        "\x85",
    ]
)


@hypothesis_settings(deadline=None)
@given(values=st.dictionaries(TEXTS.filter(len), TEXTS, max_size=4), note=st.sampled_from(["", "a comment"]))
def test_any_text_is_read_back(values: dict[str, str], note: str) -> None:
    """Whatever text stands in the settings, as a name or as a value, the program reads that text."""
    sections, inner = Section(), Section()
    inner.put("env", values, note)
    inner.put("one", "x", note)
    sections.put("releases", inner)
    assert read_back(stack_file(sections, ["Canary a"], []))["releases"] == {"env": values, "one": "x"}


@pytest.mark.parametrize("word", ["y", "N", "on", "Yes", "null", "1_0", "<image>"])
def test_words_that_some_reader_mistakes_are_quoted(word: str) -> None:
    """Readers of YAML differ in what is a truth or a number; quoted it is a text for all of them."""
    sections = Section()
    sections.put("releases", {word: word})
    assert f'{{"{word}": "{word}"}}' in stack_file(sections, [], [])


def test_using_a_mapping_does_not_use_what_is_in_it() -> None:
    """A reader that marks a field as used, without reading its parts, hides none of them."""
    ledger = Ledger("Canary a")
    value = {"spec": {"port": {"number": 80, "name": "x"}, "name": "y"}}
    spec = Node(value, (), ledger).at("spec")
    spec.at("port").used()
    spec.at("port", "number").used()
    spec.at("name").used()
    assert [line.path for line in ledger.lines(value)] == ["spec.port.name"]


CANARY = "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {name: a, namespace: b}\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "the documents must hold a Canary or a Rollout of flagger.app/v1alpha3, flagger.app/v1beta1, argoproj.io/v1alpha1 (got nothing)"),
        ("kind: Service\napiVersion: v1", "the documents must hold a Canary or a Rollout of flagger.app/v1alpha3, flagger.app/v1beta1, argoproj.io/v1alpha1 (got Service v1)"),
        ("a: [", "x.yaml: must be YAML documents (line 1: expected the node content, but found '<stream end>')"),
        ("- 1", "x.yaml: each document must be a Kubernetes object with a kind (got one without)"),
        ("kind: 5", "x.yaml: each document must be a Kubernetes object with a kind (got one without)"),
        ("a: &a [*a]", "x.yaml: must be at most 60 levels deep and 200000 values long (got more)"),
        ("\n".join(["a0: &a0 [1]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 8))]), "x.yaml: must be at most 60 levels deep and 200000 values long (got more)"),
        (CANARY + "spec: 5", "Canary a: 'spec' must be a mapping (got 5)"),
        (CANARY + "spec: {service: {port: '80'}}", "Canary a: 'spec.service.port' must be a whole number (got '80')"),
        (CANARY + "spec: {service: {port: true}}", "Canary a: 'spec.service.port' must be a whole number (got True)"),
        (CANARY + "spec: {analysis: {interval: soon}}", "Canary a: 'spec.analysis.interval' must be a duration such as 30s or 1m (got 'soon')"),
        (CANARY + "spec: {analysis: {metrics: {}}}", "Canary a: 'spec.analysis.metrics' must be a list (got a mapping)"),
        (CANARY + "spec: {analysis: {metrics: [{name: q, query: up, templateVariables: {a: [s3cr3t]}}]}}", "Canary a: 'spec.analysis.metrics[0].templateVariables.a' must be text (got a value not shown)"),
        (CANARY + "---\n" + CANARY, "Canary a: its name must be its own in the stack (got 'a' twice)"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(text: str, line: str) -> None:
    """What cannot be read is told in one line that names the file or the field."""
    with pytest.raises(SettingsError) as caught:
        convert({"x.yaml": text})
    assert str(caught.value) == line


class TestCommand:
    """`weighbridge convert`."""

    def test_needs_neither_project_nor_stack(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """In an empty folder it prints the stack file on standard output, and the list on standard error."""
        monkeypatch.chdir(tmp_path)
        path = FOLDER / "flagger-v1alpha3.yaml"
        ran = CliRunner().invoke(app, ["convert", str(path)])
        found = converted(path)
        assert ran.exit_code == 0
        assert ran.stdout == found.text
        said = ran.stderr.splitlines()
        assert said[:-1] == [*(f"add: {each}" for each in found.missing), *map(str, found.lines)]
        assert said[-1] == f"done: {len(found.missing)} to add, 2 without an equal or with a difference"

    def test_reads_standard_input_and_several_files(self, tmp_path: Path) -> None:
        """`-` is standard input; what the files hold belongs together."""
        secret = tmp_path / "secret.yaml"
        first, second = "kind: Secret\napiVersion: v1\nmetadata: {name: s}", CANARY + "spec: {}"
        secret.write_text(first, encoding="utf-8")
        ran = CliRunner().invoke(app, ["convert", str(secret), "-"], input=second)
        assert ran.exit_code == 0
        assert "Secret s: the settings have nothing of it; it stays as it is" in ran.stderr
        assert "weighbridge:releases:" in ran.stdout

    def test_as_json(self) -> None:
        """With --json one document says all of it."""
        path = FOLDER / "argo-background.yaml"
        ran = CliRunner().invoke(app, ["convert", "--json", str(path)])
        told = json.loads(ran.stdout)
        found = converted(path)
        assert (told["ok"], told["exit"], told["text"], told["settings"]) == (True, 0, found.text, found.settings)
        assert told["missing"] == list(found.missing)
        assert [each["path"] for each in told["lines"]] == [line.path for line in found.lines]

    @pytest.mark.parametrize("as_json", [False, True])
    def test_bad_input_ends_with_2(self, as_json: bool) -> None:
        """One line on standard error, nothing but JSON on standard output, exit code 2."""
        ran = CliRunner().invoke(app, ["convert", "nowhere.yaml", *(["--json"] if as_json else [])])
        assert ran.exit_code == 2
        assert ran.stderr == "error: nowhere.yaml: cannot be read (No such file or directory)\n"
        assert (json.loads(ran.stdout)["exit"] if as_json else ran.stdout) == (2 if as_json else "")

    def test_namespace_is_for_those_that_name_none(self) -> None:
        """--namespace does not override what a document says."""
        ran = CliRunner().invoke(
            app, ["convert", "--namespace", "shop", "-"], input=CANARY.replace(", namespace: b", "")
        )
        assert read_back(ran.stdout)["releases"]["a"]["namespace"] == "shop"
        ran = CliRunner().invoke(app, ["convert", "--namespace", "shop", "-"], input=CANARY)
        assert read_back(ran.stdout)["releases"]["a"]["namespace"] == "b"
