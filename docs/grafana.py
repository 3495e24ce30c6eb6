"""What Grafana does with a dashboard before Prometheus is asked: it fills the variables in, and asks query by query."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

_LABEL_VALUES = re.compile(r"label_values\((?P<series>.+), (?P<label>\w+)\)")


@dataclass(frozen=True)
class Asked:
    """One query of a dashboard.

    Attributes:
        where: the panel's title and the legend, for a person.
        promql: with Grafana's variables.
        instant: whether one moment is asked for, or a range.
    """

    where: str
    promql: str
    instant: bool


def queries(board: Mapping[str, Any]) -> Iterator[Asked]:
    """Every query of the panels and of the annotations."""
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            where = f"{panel['title']} ({target['legendFormat']})"
            yield Asked(where, target["expr"], bool(target.get("instant")))
    for annotation in board["annotations"]["list"]:
        yield Asked(f"annotation {annotation['name']}", annotation["expr"], instant=False)


class Grafana:
    """A dashboard in front of one Prometheus, with its variables chosen as Grafana does: the first value that there is.

    Args:
        url: of Prometheus.
        board: the dashboard's JSON.
        chosen: variables that a person has chosen.
    """

    def __init__(self, url: str, board: str, chosen: Mapping[str, str]) -> None:
        self._url = url
        self.board: dict[str, Any] = json.loads(board)
        # Grafana's own: four scrapes at least, of a data source that says nothing of its interval.
        self.variables = {"__rate_interval": "15s"}
        for variable in self.board["templating"]["list"]:
            if variable["type"] == "query":
                values = self.values(variable["query"])
                picked = chosen.get(variable["name"]) or next(iter(values), "")
                if picked not in values:
                    raise ValueError(f"{variable['name']}: {picked} is none of {values}")
                self.variables[variable["name"]] = picked

    def filled_in(self, text: str) -> str:
        """A query as Prometheus gets it."""
        # What is no variable stays as it is: `$1` is label_replace's.
        return re.sub(r"\$(\w+)", lambda found: self.variables.get(found[1], found[0]), text)

    def values(self, query: str) -> list[str]:
        """What there is to choose from, by a variable's query, in the order of the alphabet."""
        found = _LABEL_VALUES.fullmatch(self.filled_in(query))
        if found is None:
            raise ValueError(f"not a query of label_values: {query}")
        answer = self._get(f"label/{found['label']}/values", {"match[]": found["series"]})
        return sorted(answer)

    def ask(self, asked: Asked, span: int = 60) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
        """The series that a query gives, each with its times and values: of this moment, or every five seconds.

        Args:
            asked: the query.
            span: seconds, of a range.
        """
        now = time.time()
        query = {"query": self.filled_in(asked.promql)}
        if asked.instant:
            answer = self._get("query", {**query, "time": f"{now:.3f}"})
            return [(each["metric"], [_sample(each["value"])]) for each in answer["result"]]
        answer = self._get("query_range", {**query, "start": f"{now - span:.3f}", "end": f"{now:.3f}", "step": "5"})
        return [(each["metric"], [_sample(pair) for pair in each["values"]]) for each in answer["result"]]

    def _get(self, path: str, params: Mapping[str, str]) -> Any:
        answer = requests.get(f"{self._url}/api/v1/{path}", params=params, timeout=10).json()
        if answer["status"] != "success":
            raise ValueError(f"{params}: {answer}")
        return answer["data"]


def _sample(pair: Sequence[Any]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])
