"""What fits the settings' own models: fields in camelCase, one by one, with the rule for what does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from weighbridge.convert.reading import Node
from weighbridge.settings.section import Section, camel


def refusal(model: type[BaseModel], name: str, value: object) -> str | None:
    """Give the rule by which a model's field refuses a value; None where it takes it.

    Args:
        model: one of the settings'.
        name: of its field.
        value: as YAML has it.
    """
    found = model.model_fields[name]
    annotation: Any = found.annotation
    for rule in found.metadata:
        annotation = Annotated[annotation, rule]
    return _rule(TypeAdapter(annotation), value)


def fitted(node: Node, model: type[Section], names: Mapping[str, str] | None = None) -> dict[str, Any] | None:
    """Read a mapping of Istio's as a section of ours: what fits is taken, what does not is left with its rule.

    Args:
        node: the mapping.
        model: the section.
        names: Istio's names of the fields that are not just ours in camelCase.

    Returns:
        The section, with our names; None where nothing is left of it.
    """
    if not node:
        return None
    ours = {(names or {}).get(name, camel(name)): name for name in model.model_fields}
    found: dict[str, Any] = {}
    for key, inner in node.fields().items():
        if key not in ours:
            continue  # nobody marks it, so it is listed
        value = _read(inner, model, ours[key])
        if value is not None:
            found[ours[key]] = value
    broken = _rule(TypeAdapter(model), found) if found else None
    if broken:
        node.leave(f"the settings' rule: {broken}")
    return None if broken or not found else found


def fitted_list(node: Node, model: type[Section]) -> list[dict[str, Any]]:
    """Read a list of such mappings; one of which nothing fits is left out."""
    found = [fitted(item, model) for item in node.items()]
    return [item for item in found if item]


def _read(node: Node, model: type[Section], name: str) -> Any:
    """Read one field by what the model has there: a section, a mapping or a list of sections, or a plain value."""
    if not node:
        return None
    shape, inner = _shape(model.model_fields[name].annotation)
    if inner is not None and shape is Mapping:
        found = {key: value for key, child in node.fields().items() if (value := fitted(child, inner)) is not None}
        return found or None
    if inner is not None:
        return (fitted_list(node, inner) or None) if shape is tuple else fitted(node, inner)
    broken = refusal(model, name, node.value)
    if broken:
        node.leave(f"the settings' rule: {broken}")
        return None
    node.used(deep=True)
    return node.value


def _shape(annotation: Any) -> tuple[Any, type[Section] | None]:
    """Tell whether a field holds a section, a mapping of names to them, a list of them, or none."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return None, annotation
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _shape(inside[0])
    if origin is Mapping:
        return Mapping, _shape(inside[1])[1]
    if origin is tuple:
        return tuple, _shape(inside[0])[1]
    if origin is Union or type(annotation).__name__ == "UnionType":
        return next((found for part in inside if (found := _shape(part))[1] is not None), (None, None))
    return None, None


def _rule(adapter: TypeAdapter[Any], value: object) -> str | None:
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return str(first.get("ctx", {}).get("rule", first["msg"]))
    return None
