"""What the pods' processes use, as a kubelet's cAdvisor tells it at `/metrics/cadvisor`."""

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import psutil

CPU = "container_cpu_usage_seconds_total"
MEMORY = "container_memory_working_set_bytes"


@dataclass(frozen=True)
class Usage:
    """One container's process: the labels by which cAdvisor knows it, and its number."""

    namespace: str
    pod: str
    container: str
    image: str
    pid: int


def exposition(running: Iterable[Usage]) -> str:
    """The series of the containers that run, in the text format; one that ends meanwhile is left out."""
    cpu, memory = [f"# TYPE {CPU} counter"], [f"# TYPE {MEMORY} gauge"]
    for each in running:
        labels = {key: getattr(each, key) for key in ("container", "image", "namespace", "pod")}
        with contextlib.suppress(psutil.Error):
            processes = [psutil.Process(each.pid)]
            processes += processes[0].children(recursive=True)
            times = [process.cpu_times() for process in processes]
            held = sum(process.memory_info().rss for process in processes)
            cpu.append(_line(CPU, {**labels, "cpu": "total"}, sum(time.user + time.system for time in times)))
            memory.append(_line(MEMORY, labels, float(held)))
    return "\n".join([*cpu, *memory, ""])


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    return f"{name}{{{','.join(f'{key}={json.dumps(labels[key])}' for key in sorted(labels))}}} {value!r}"
