"""Rehearsals without the seconds that their imports take: each run is a fork of a process that has the packages.

For whoever runs many: the tests. `Nursery` is a `weighbridge.engine.rehearsal.start.Start`. A run finds what it would
find in a process of its own: the project's folder, the environment, a session, a leash. What is imported ahead is other
people's code and the library; a project's program and its components are read anew in each run.

    nursery ── fork ── run ── fork ── dynamic providers
       │                │
       └── one socket for each run: signals in, exit code out
"""

from lab.nursery.client import Nursery, Run

__all__ = ["Nursery", "Run"]
