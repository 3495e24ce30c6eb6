"""In which order resources go."""

from __future__ import annotations

from graphlib import TopologicalSorter

from weighbridge.engine.rehearsal.state import Record


def dependents_first(doomed: list[Record]) -> TopologicalSorter[int]:
    """Order a deletion, by index: whatever leans on a resource goes before it."""
    order: TopologicalSorter[int] = TopologicalSorter()
    for index, record in enumerate(doomed):
        order.add(index)
        leans_on = {*record.dependencies, record.parent, record.provider.rpartition("::")[0]}
        for other, support in enumerate(doomed):
            if support.urn in leans_on and other != index:
                order.add(other, index)
    order.prepare()
    return order
