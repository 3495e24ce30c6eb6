"""One run: each registration becomes a step, each step is saved, and what nothing asks for any more goes last."""

from __future__ import annotations

import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from weighbridge.engine.protocol import Line
from weighbridge.engine.rehearsal.goal import Goal, StepFailed
from weighbridge.engine.rehearsal.kinds import Change, Kind, Made, NotReady
from weighbridge.engine.rehearsal.order import dependents_first
from weighbridge.engine.rehearsal.paths import changed, with_ignored
from weighbridge.engine.rehearsal.state import Checkpoint, Record
from weighbridge.errors import WeighbridgeError

WORKERS = 8
"""Resources that are read or deleted at the same time."""

SIGNS = {"create": "+", "update": "~", "replace": "±", "delete": "-"}


class Stopped(StepFailed):
    """Something else has failed or the run was interrupted: nothing new is started."""


class Kinds(Protocol):
    """Finds the room that can operate on a resource."""

    def of(self, resource: Goal | Record) -> Kind:
        """Give the kind of a resource; raises `StepFailed` for one that only the real engine can do."""


class Run:
    """The steps of one run over a checkpoint; registrations may come from many threads at once."""

    def __init__(self, checkpoint: Checkpoint, kinds: Kinds, say: Line, *, preview: bool = False) -> None:
        self.checkpoint = checkpoint
        self.preview = preview
        self.changes: Counter[str] = Counter()
        self.errors: list[str] = []
        self._kinds = kinds
        self._say = say
        self._seen: set[str] = set()
        self._stopped = False
        self._under_way = 0
        self._turn = threading.Condition()

    def register(self, goal: Goal) -> Made:
        """Bring a resource to what the program asks for, and remember it."""
        with self._step(goal.urn):
            return self._bring(goal)

    def fail(self, error: BaseException) -> None:
        """Note a failure that no step has noted, and start nothing new."""
        with self._turn:
            if not isinstance(error, Stopped):
                self.errors.append(_text(error))
            self._stopped = True

    def describe(self, urn: str, outputs: dict[str, object]) -> None:
        """Keep the outputs that a component declares."""
        record = self.checkpoint.records.get(urn)
        if record and not self.preview and record.outputs != outputs:
            self.checkpoint.put(replace(record, outputs=outputs))

    def idle(self, timeout: float | None = None) -> bool:
        """Wait until no step is under way; False when `timeout` seconds were not enough."""
        with self._turn:
            return self._turn.wait_for(lambda: not self._under_way, timeout)

    def refresh(self) -> None:
        """Read what is live into the state."""
        with ThreadPoolExecutor(WORKERS) as readers:
            list(readers.map(self._read, list(self.checkpoint.records.values())))

    def sweep(self, *, everything: bool = False) -> None:
        """Delete what the program did not ask for, dependents first; nothing at all when a part of it is protected."""
        doomed = [
            *self.checkpoint.condemned,
            *(record for urn, record in self.checkpoint.records.items() if everything or urn not in self._seen),
        ]
        kept = [record for record in doomed if record.protect]
        for record in kept:
            self.fail(StepFailed(f"{record.name}: is protected, and cannot be deleted (type '{record.type}')"))
        if kept:
            return
        order = dependents_first(doomed)
        with ThreadPoolExecutor(WORKERS) as workers:
            while order.is_active():
                ready = order.get_ready()
                list(workers.map(lambda index: self._delete(doomed[index]), ready))
                order.done(*ready)

    def _delete(self, record: Record) -> None:
        try:
            with self._step(f"delete {id(record)} {record.urn}"):
                # With what it is deleted with, it goes by itself.
                goes_along = record.deleted_with and record.deleted_with not in self.checkpoint.records
                if not (self.preview or record.retain or goes_along):
                    self._kinds.of(record).delete(record)
                self._count("delete", record)
                self.checkpoint.drop(record)
        except StepFailed:
            return

    def _read(self, record: Record) -> None:
        try:
            with self._step(f"read {record.urn}"):
                reading = self._kinds.of(record).read(record)
                if reading is None:
                    self._count("delete", record)
                    self.checkpoint.drop(record)
                    return
                inputs = record.inputs if reading.inputs is None else reading.inputs
                fresh = replace(record, id=reading.id, inputs=inputs, outputs=reading.outputs)
                fresh.drifted = record.drifted or reading.drifted
                self._count("same" if fresh == record else "update", record)
                if fresh != record:
                    self.checkpoint.put(fresh)
        except StepFailed:
            return

    def _bring(self, goal: Goal) -> Made:
        kind = self._kinds.of(goal)
        old = self._known(goal)
        goal = replace(goal, inputs=with_ignored(goal.inputs, old.inputs, goal.ignored)) if old else goal
        inputs = kind.check(goal, old)
        change = self._change(kind, goal, old, inputs) if old else None
        if self.preview:
            return self._foresee(kind, goal, old, inputs, change)
        if old is None:
            return self._make("create", goal, inputs, lambda: kind.create(goal, inputs))
        if change is Change.SAME:
            return self._keep(goal, old, inputs)
        if change is Change.UPDATE:
            return self._make("update", goal, inputs, lambda: kind.update(goal, old, inputs))
        return self._replace(kind, goal, old, deleting_first=change is Change.REPLACE_DELETING_FIRST)

    def _change(self, kind: Kind, goal: Goal, old: Record, inputs: dict[str, object]) -> Change:
        change = kind.diff(goal, old, inputs)
        if change in {Change.SAME, Change.UPDATE} and changed(old.inputs, inputs, goal.replaced_by):
            change = Change.REPLACE
        if change is Change.REPLACE and goal.delete_first:
            return Change.REPLACE_DELETING_FIRST
        return Change.UPDATE if change is Change.SAME and (old.init_errors or old.drifted) else change

    def _foresee(
        self, kind: Kind, goal: Goal, old: Record | None, inputs: dict[str, object], change: Change | None
    ) -> Made:
        if old and change is Change.SAME:
            self._count("same", goal)
            return Made(old.id, old.outputs)
        replaced = change in {Change.REPLACE, Change.REPLACE_DELETING_FIRST}
        self._count("replace" if replaced else "update" if old else "create", goal)
        return kind.preview(goal, None if replaced else old, inputs)

    def _keep(self, goal: Goal, old: Record, inputs: dict[str, object]) -> Made:
        self._count("same", goal)
        fresh = _record(goal, inputs, Made(old.id, old.outputs))
        if fresh != old:
            self.checkpoint.put(fresh)
        return Made(old.id, old.outputs)

    def _make(
        self,
        operation: str,
        goal: Goal,
        inputs: dict[str, object],
        make: Callable[[], Made],
        *,
        instead_of: Record | None = None,
    ) -> Made:
        try:
            made = make()
        except NotReady as unready:
            unfinished = replace(_record(goal, inputs, unready.made), init_errors=[str(unready)])
            self.checkpoint.put(unfinished, instead_of=instead_of)
            raise
        self._count(operation, goal)
        self.checkpoint.put(_record(goal, inputs, made), instead_of=instead_of)
        return made

    def _replace(self, kind: Kind, goal: Goal, old: Record, *, deleting_first: bool) -> Made:
        if old.protect:
            raise StepFailed(f"{goal.name}: is protected, and cannot be replaced (type '{goal.type}')")
        # The real engine checks again without the old inputs, as what replaces is a new resource.
        inputs = kind.check(goal, None)
        if deleting_first:
            kind.delete(old)
            self.checkpoint.drop(old)
        return self._make(
            "replace", goal, inputs, lambda: kind.create(goal, inputs), instead_of=None if deleting_first else old
        )

    def _known(self, goal: Goal) -> Record | None:
        """Find what the state has, under its name or a former one."""
        records = self.checkpoint.records
        for urn in (goal.urn, *goal.aliases):
            record = records.get(urn)
            if record is None or (urn != goal.urn and urn in self._seen):
                continue
            if urn != goal.urn:
                self.checkpoint.rename(record, goal.urn, goal.name)
            return record
        return None

    @contextmanager
    def _step(self, key: str) -> Iterator[None]:
        with self._turn:
            if self._stopped:
                raise Stopped("nothing new is started after a failure")
            if key in self._seen:
                raise StepFailed(f"duplicate resource: {key}")
            self._seen.add(key)
            self._under_way += 1
        try:
            yield
        except BaseException as error:  # noqa: BLE001  whatever a step raises ends the run, and is told in one line
            self.fail(error)
            raise error if isinstance(error, StepFailed) else StepFailed(_text(error)) from None
        finally:
            with self._turn:
                self._under_way -= 1
                self._turn.notify_all()

    def _count(self, operation: str, resource: Goal | Record) -> None:
        with self._turn:
            self.changes[operation] += 1
        if operation in SIGNS and resource.custom and not resource.type.startswith("pulumi:providers:"):
            self._say(f"{SIGNS[operation]} {resource.type.rpartition(':')[2]} {resource.name}")


def _record(goal: Goal, inputs: dict[str, object], made: Made) -> Record:
    return Record(
        urn=goal.urn,
        type=goal.type,
        name=goal.name,
        id=made.id,
        custom=goal.custom,
        parent=goal.parent,
        provider=goal.provider,
        inputs=inputs,
        outputs=made.outputs,
        dependencies=list(goal.dependencies),
        protect=goal.protect,
        retain=goal.retain,
        deleted_with=goal.deleted_with,
    )


def _text(error: BaseException) -> str:
    if isinstance(error, (StepFailed, WeighbridgeError)):
        return str(error)
    return "".join(traceback.format_exception(error))
