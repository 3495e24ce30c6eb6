"""The rehearsal's steps, on programs of a few lines with real providers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.programs import Program, new_program


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """An empty project."""
    return new_program(tmp_path)


def said(program: Program, *starts: str) -> list[str]:
    """The lines of the last run that begin so."""
    return [line for line in program.lines if line.startswith(starts)]


def test_a_second_run_finds_everything_the_same(program: Program) -> None:
    """What is created once is the same afterwards: diff is asked with the old outputs, nothing else is called."""
    first = program.up("Thing('a', size=1)")
    assert first.ok
    assert dict(first.changes) == {"create": 2}
    second = program.up()
    assert dict(second.changes) == {"same": 2}
    assert said(program, "diff", "create", "update") == ["diff a here 1.0"]


def test_the_first_line_says_that_it_is_a_rehearsal(program: Program) -> None:
    """Nobody takes a rehearsal for the real thing."""
    program.up("")
    assert program.lines[0] == "engine: rehearsal (asked for)"


def test_numbers_reach_a_provider_as_floats(program: Program) -> None:
    """An int of the program is a float in the provider, as Pulumi's wire has it."""
    program.up("Thing('a', size=1)")
    assert said(program, "create") == ["create a float"]


def test_a_change_is_an_update_in_place(program: Program) -> None:
    """Changed inputs become an update, whose outputs replace the old ones."""
    program.up("pulumi.export('made', Thing('a', size=1).made)")
    result = program.up("pulumi.export('made', Thing('a', size=2).made)")
    assert result.changes["update"] == 1
    assert program.engine.outputs() == {"made": "there"}


def test_a_preview_changes_nothing_and_echoes_the_checked_inputs(program: Program) -> None:
    """In a preview a resource's outputs are what its check made of the inputs, and nothing is created or saved."""
    program.write("Thing('b', size=Thing('a', size=2).doubled)")
    result = program.engine.preview(program.lines.append)
    assert dict(result.changes) == {"create": 3}
    assert not said(program, "create")
    assert not (program.folder / ".weighbridge" / "rehearsal" / "dev.json").exists()


def test_a_failed_check_is_one_line_and_stops_the_run(program: Program) -> None:
    """The provider's own reason is the whole error."""
    result = program.up("a = Thing('a', size=101)\nThing('b', opts=pulumi.ResourceOptions(depends_on=[a]))")
    assert result.errors == ("size must be small (got 101)",)
    assert not said(program, "create")


def test_an_exception_in_a_diff_is_one_line(program: Program) -> None:
    """No traceback of a provider reaches the result or the lines, in a preview as in a run."""
    program.up("Thing('a', size=1)")
    program.write("Thing('a', size=13)")
    assert program.engine.preview(program.lines.append).errors == ("ValueError: thirteen is not a size",)
    assert program.up().errors == ("ValueError: thirteen is not a size",)
    assert not [line for line in program.lines if "Traceback" in line or "File" in line]


def test_a_red_run_keeps_what_was_done_and_deletes_nothing(program: Program) -> None:
    """What came before the failure is saved, the failed resource is not, and what left the program stays."""
    program.up("Thing('old')")
    result = program.up("a = Thing('a')\nThing('b', broken=True, opts=pulumi.ResourceOptions(depends_on=[a]))")
    assert result.errors == ("RuntimeError: it broke",)
    assert not said(program, "delete")
    after = program.up("Thing('a')")
    assert after.ok
    assert said(program, "create", "delete") == ["delete old "]


def test_deletion_is_last_and_dependents_go_first(program: Program) -> None:
    """What leaves the program goes after the green program, and nothing goes before what leans on it."""
    program.up(
        "a = Thing('a')\nb = Thing('b', size=a.doubled)\nThing('c', opts=pulumi.ResourceOptions(depends_on=[b]))"
    )
    result = program.up("Thing('d')")
    assert result.ok
    assert said(program, "create", "delete") == ["create d NoneType", "delete c ", "delete b ", "delete a "]


def test_a_replacement_is_created_before_the_old_one_goes(program: Program) -> None:
    """A property that asks for replacement gives a new resource first; the old one goes at the end."""
    program.up("Thing('a', shape='round')")
    result = program.up("Thing('a', shape='square')")
    assert result.ok
    assert said(program, "create", "delete") == ["create a NoneType", "delete a round"]


def test_a_replacement_may_ask_to_be_deleted_first(program: Program) -> None:
    """`delete_before_replace` turns the order round."""
    program.up("Thing('a', shape='round')")
    program.up("Thing('a', shape='square', first=True)")
    assert said(program, "create", "delete") == ["delete a round", "create a NoneType"]


def test_a_protected_resource_is_not_deleted_and_nothing_else_is(program: Program) -> None:
    """A deletion that meets a protected resource does not begin."""
    program.up("Thing('a', opts=pulumi.ResourceOptions(protect=True))\nThing('b')")
    result = program.up("")
    assert len(result.errors) == 1
    assert "a: is protected" in result.errors[0]
    assert not said(program, "delete")


def test_a_retained_resource_leaves_the_state_alone(program: Program) -> None:
    """`retain_on_delete` forgets a resource without calling its provider."""
    program.up("Thing('a', opts=pulumi.ResourceOptions(retain_on_delete=True))")
    assert program.up("").changes["delete"] == 1
    assert not said(program, "delete a")


def test_an_alias_keeps_a_renamed_resource(program: Program) -> None:
    """A resource that is known under a former name is not created again."""
    program.up("Thing('a', label='x')")
    result = program.up("Thing('b', label='x', opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name='a')]))")
    assert dict(result.changes) == {"same": 2}


def test_ignored_changes_are_ignored(program: Program) -> None:
    """`ignore_changes` keeps the old value."""
    program.up("Thing('a', size=1)")
    result = program.up("Thing('a', size=2, opts=pulumi.ResourceOptions(ignore_changes=['size']))")
    assert dict(result.changes) == {"same": 2}


def test_a_refresh_takes_over_what_is_live(program: Program) -> None:
    """What read gives is the state afterwards, and the same `up --refresh` puts it right."""
    program.up("Thing('a', size=1)")
    (program.folder / "drift").touch()
    assert program.engine.refresh(program.lines.append).changes["update"] == 1
    result = program.up(refresh=True)
    assert said(program, "update") == ["update a"]
    assert result.changes["update"] == 1


def test_a_refresh_drops_what_is_gone(program: Program) -> None:
    """A resource that read does not find is created again by the next run."""
    program.up("Thing('a', size=1)")
    (program.folder / "gone").touch()
    program.up(refresh=True)
    assert said(program, "create") == ["create a float"]


def test_a_waiting_resource_does_not_block_another(program: Program) -> None:
    """Two resources that can only be created at the same time are created."""
    import os  # noqa: PLC0415  the fifo is this test's alone

    os.mkfifo(program.folder / "meeting")
    assert program.up("Thing('a', fifo='meeting')\nThing('b', fifo='meeting', opens=True)").ok


def test_destroy_takes_everything_away(program: Program) -> None:
    """After a destroy nothing is left, outputs neither."""
    program.up("pulumi.export('x', 1)\nThing('a')")
    assert program.engine.destroy(program.lines.append).ok
    assert program.engine.outputs() == {}
    assert said(program, "delete") == ["delete a "]


def test_outputs_are_those_of_the_last_green_run(program: Program) -> None:
    """A red run leaves the outputs as they were."""
    program.up("pulumi.export('x', 1)")
    assert not program.up("pulumi.export('x', 2)\nThing('a', broken=True)").ok
    assert program.engine.outputs() == {"x": 1}


def test_a_secret_stands_in_no_state_file_and_in_no_output(program: Program) -> None:
    """Secrets are kept apart, for the owner only, and a run with the same ones finds nothing changed."""
    source = "t = Thing('a', colour=pulumi.Output.secret('hunter2'))\npulumi.export('colour', t.label)\n"
    source += "pulumi.export('secret', pulumi.Output.secret('hunter2'))"
    assert program.up(source).ok
    state = program.folder / ".weighbridge" / "rehearsal"
    assert "hunter2" not in (state / "dev.json").read_text()
    assert state.stat().st_mode & 0o777 == 0o700
    assert (state / "dev.secrets.json").stat().st_mode & 0o777 == 0o600
    assert program.engine.outputs()["secret"] == "[secret]"
    assert dict(program.up().changes) == {"same": 2}


def test_a_program_can_read_the_saved_resources_of_its_stack(program: Program) -> None:
    """The engine's builtin gives type and outputs of each resource, by URN."""
    ask = (
        "found = pulumi.runtime.invoke('pulumi:pulumi:readStackResourceOutputs', {'stackName': 'dev'}).value\n"
        "print(sorted((urn.split('::')[-1], each['type']) for urn, each in found['outputs'].items()))\n"
    )
    program.up(f"{ask}Thing('a')")
    assert "[]" in program.lines
    program.up()
    assert "('a', 'pulumi-python:dynamic/tests:Thing')" in "".join(program.lines)


def test_a_bug_in_a_program_is_one_line_with_its_place(program: Program) -> None:
    """What a program raises is told with file and line."""
    assert program.up("{}['x']").errors == ("KeyError: 'x' (__main__.py:3)",)


def test_a_run_error_is_its_own_text(program: Program) -> None:
    """`pulumi.RunError` is how a program says what a person can mend."""
    assert program.up("raise pulumi.RunError('size: must be small (got 7)')").errors == ("size: must be small (got 7)",)


def test_what_only_the_real_engine_can_do_is_said_so(program: Program) -> None:
    """A resource of another provider is one clear line."""
    result = program.up("pulumi.CustomResource('cloud:index:Bucket', 'b', {})")
    assert result.errors == ("b: resources of type 'cloud:index:Bucket' need the real Pulumi engine",)


def test_config_reaches_the_program_and_the_providers(tmp_path: Path) -> None:
    """Values are texts and objects JSON texts, under the project's namespace."""
    program = new_program(tmp_path, "  small:size: 4\n  small:list: [1, 2]\n")
    assert program.up("c = pulumi.Config()\nprint(c.require_int('size'), c.require_object('list'), c.get('list'))").ok
    assert "4 [1, 2] [1,2]" in program.lines
