"""The only Prometheus client: runs a query, and trusts no answer.

Built on prometheus-api-client's `PrometheusConnect`. What that leaves open is closed by the session it is given:
a deadline for the whole exchange, retries by urllib3, and an answer that is not `success`, or that carries
warnings (a partial response of Thanos or Mimir), is an error and not an empty result. The way in, with all its
secrets, is the session's alone (`access`); no text that leaves here has one in it.
"""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import math
import time
from dataclasses import dataclass
from typing import Any, Final

import requests
from prometheus_api_client.prometheus_connect import PrometheusConnect
from urllib3.util.retry import Retry

from weighbridge import access
from weighbridge.errors import PrometheusError

_RETRIED_STATUS: Final = (408, 429, 500, 502, 503, 504)
_OK: Final = 200


@dataclass(frozen=True)
class Sample:
    """One series' value at one time.

    Attributes:
        labels: of the series.
        at: Unix time, seconds.
        value: as Prometheus gave it: NaN and infinities included.
    """

    labels: dict[str, str]
    at: float
    value: float


class Prometheus:
    """A server that can be asked.

    Args:
        url: base address, http or https, without credentials.
        timeout: seconds for one query with all its retries.
        retries: further tries after the first, on refused connections and on HTTP 408, 429 and 5xx.
        shared: whether the timeout is one for all queries of this client together.
        session: the way in; one without credentials where it is None.
    """

    def __init__(
        self, url: str, timeout: float, retries: int, *, shared: bool = False, session: access.Session | None = None
    ) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._until = time.monotonic() + timeout if shared else math.inf
        retry = Retry(
            total=retries,
            backoff_factor=0.1,
            status_forcelist=_RETRIED_STATUS,
            allowed_methods=["GET", "POST"],
            raise_on_status=False,
        )
        self._session = session or access.Session()
        self._session.hooks["response"].append(self._insist_on_success)
        self._client = PrometheusConnect(
            url=self._url,
            session=self._session,
            retry=retry,
            timeout=timeout,  # type: ignore[arg-type]  # it says int, and hands it to requests, which takes a float
            method=self._session.asks_by,
        )
        self._session.mount(self._url, self._session.adapter(retry))

    def query(self, promql: str, at: float) -> list[Sample]:
        """Ask for the value of an expression at one time.

        Args:
            promql: an expression that gives a vector.
            at: Unix time, seconds.

        Returns:
            One sample a series; empty where no series matches.

        Raises:
            PrometheusError: no answer in time, or one that is not a vector.
        """
        result = self._ask(lambda: self._client.custom_query(promql, params={"time": f"{at:.3f}"}))
        return [_sample(series, series.get("value")) for series in _vector(result)]

    def query_range(self, promql: str, start: float, end: float, step: int) -> list[Sample]:
        """Ask for the values of an expression at regular times.

        Args:
            promql: an expression that gives a vector.
            start: Unix time of the first, seconds.
            end: Unix time that the last does not pass.
            step: seconds between two.

        Returns:
            The samples of all series.

        Raises:
            PrometheusError: no answer in time, or one that is not a matrix.
        """
        first, last = (dt.datetime.fromtimestamp(at, dt.UTC) for at in (start, end))
        # The client rounds times to seconds, and so to before the weight was live; these are sent instead.
        exact = {"start": f"{start:.3f}", "end": f"{end:.3f}"}
        result = self._ask(lambda: self._client.custom_query_range(promql, first, last, f"{step}s", params=exact))
        return [_sample(series, pair) for series in _vector(result) for pair in series.get("values", ())]

    def samples(self, promql: str, at: float) -> list[Sample]:
        """Ask for the raw samples of a range selector, with the times at which they were scraped.

        Args:
            promql: `metric{...}[5m]`.
            at: Unix time of the range's end, seconds.

        Returns:
            The samples of all series.

        Raises:
            PrometheusError: no answer in time, or one that is not a matrix.
        """
        result = self._ask(lambda: self._client.custom_query(promql, params={"time": f"{at:.3f}"}))
        return [_sample(series, pair) for series in _vector(result) for pair in series.get("values", ())]

    def _ask(self, call: Any) -> Any:
        # requests' timeout is one for each read: a server that drips never meets it. This one is for the whole.
        pool = concurrent.futures.ThreadPoolExecutor(max_workers=1, thread_name_prefix="prometheus")
        try:
            return pool.submit(call).result(timeout=max(0.0, min(self._timeout, self._until - time.monotonic())))
        except concurrent.futures.TimeoutError:
            msg = f"Prometheus at {self._url} gave no answer within {self._timeout:g}s"
            raise PrometheusError(msg) from None
        except requests.RequestException as error:
            raise PrometheusError(f"Prometheus at {self._url} {access.reason(error)}") from None
        except (KeyError, TypeError, ValueError, AttributeError):
            raise PrometheusError(f"Prometheus at {self._url} gave an answer that is not its API's") from None
        finally:
            pool.shutdown(wait=False)

    def _insist_on_success(self, response: requests.Response, *_args: object, **_kwargs: object) -> None:
        status, body = response.status_code, _json(response)
        if status != _OK:
            said = body.get("error") if isinstance(body, dict) else response.text
            raise requests.RequestException(f"refused: HTTP Status Code {status}{self._quoted(said, 160)}")
        if body is None:
            raise requests.RequestException("gave an answer that is not JSON")
        if not isinstance(body, dict) or body.get("status") != "success":
            raise requests.RequestException("gave an answer that is not a success")
        # Prometheus 2 has what 3 calls `infos` among its warnings: remarks on a query whose answer is whole.
        warnings = [each for each in body.get("warnings") or () if not str(each).startswith("PromQL info:")]
        if warnings:
            raise requests.RequestException(f"gave a partial answer{self._quoted(warnings[0], 120)}")

    def _quoted(self, said: Any, length: int) -> str:
        """What a server said, with a colon before it; hidden before it is cut, as half a secret is not found."""
        text = " ".join(self._session.hide(str(said or "")).split())[:length]
        return f": {text}" if text else ""


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _vector(result: Any) -> list[dict[str, Any]]:
    if not isinstance(result, list) or not all(isinstance(series, dict) for series in result):
        raise PrometheusError("Prometheus gave a scalar where a vector was asked for")
    return result


def _sample(series: dict[str, Any], pair: Any) -> Sample:
    try:
        at, value = pair
        return Sample(dict(series.get("metric", {})), float(at), float(value))
    except (TypeError, ValueError):
        raise PrometheusError("Prometheus gave a sample that is not a time and a number") from None
