"""Settings: what is read, and the one line for each mistake."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.settings_cases import (
    BAD,
    FULL_METRICS,
    FULL_PROMETHEUS,
    NAME_RULE,
    PORT_RULE,
    RELEASE,
    P,
    changed,
    good,
)
from weighbridge.errors import SettingsError
from weighbridge.settings import load


def told(raw: object) -> str | None:
    """Return the line by which the settings are refused, or None."""
    try:
        load(raw)  # type: ignore[arg-type]
    except SettingsError as error:
        return str(error)
    return None


def line_of(raw: object) -> str:
    """Return the one line by which the settings are refused."""
    line = told(raw)
    assert line is not None
    return line


@pytest.mark.parametrize(("where", "value", "line"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_mistake_is_one_exact_line(where: str, value: object, line: str) -> None:
    """Every mistake is told in one line: key, rule, value."""
    assert line_of(changed(where, value)) == line


@pytest.mark.parametrize(
    "name",
    [
        *("Podinfo", "pöd", "9pod", "a" * 41, "pod-", "", "pod.info", "__proto__", 5, None, "../pod", "p d"),
        *('pod"info', "pod{info}", "pod\ninfo", "pod\u2028info", "pod\\info", "pod$info", "pod`info`"),
        'pod",destination_workload=~".*',
    ],
)
def test_a_release_cannot_have_a_name_that_breaks_promql_or_a_label(name: object) -> None:
    """A release's name is a DNS label, whatever else someone tries."""
    raw = good()
    raw["releases"][name] = raw["releases"].pop("podinfo")
    line = line_of(raw)
    assert line.startswith(f"weighbridge:releases: each name {NAME_RULE} (got ")
    assert line.isprintable()


@pytest.mark.parametrize(("raw", "got"), [(None, "nothing"), ([], "[]"), ("x", "'x'")])
def test_settings_that_are_no_mapping_are_refused(raw: object, got: str) -> None:
    """What is not a mapping at all is one line as well."""
    assert line_of(raw) == f"weighbridge: must be a mapping (got {got})"


def test_two_releases_cannot_own_all_of_one_host() -> None:
    """One of two routes for the whole of a host would win in silence."""
    raw = good()
    raw["releases"]["podinfo"]["hosts"] = ["a.example"]
    raw["releases"]["other"] = copy.deepcopy(raw["releases"]["podinfo"])
    rule = "only one may route 'a.example' on 'mesh' without a match"
    assert line_of(raw) == f"weighbridge:releases: {rule} (got 2 releases)"
    raw["releases"]["other"]["route"] = {"match": [{"uri": {"prefix": "/other"}}]}
    assert set(load(raw).releases) == {"other", "podinfo"}


def in_clusters(**clusters: str | None) -> dict[str, object]:
    """A stack with the clusters asia and eu, and a copy of the good release for each name, in its cluster."""
    raw = good()
    release = raw["releases"]["podinfo"] | {"hosts": ["a.example"]}
    raw["clusters"] = {name: {"kind": "existing", "context": name} for name in ("eu", "asia")}
    raw["releases"] = {name: release | ({"cluster": given} if given else {}) for name, given in clusters.items()}
    return raw


def test_a_cluster_that_is_not_there_is_told_with_those_that_are() -> None:
    """A release's cluster is one of the entries, by name."""
    line = "weighbridge:releases.b: 'cluster' must be one of asia, eu (got 'us')"
    assert line_of(in_clusters(a="eu", b="us")) == line


def test_the_clusters_in_use_are_those_of_the_releases() -> None:
    """The default one is used where a release names none, and where there is no release."""
    used = load(in_clusters(a="eu", b=None)).used_clusters()
    assert {name: getattr(cluster, "context", "none") for name, cluster in used.items()} == {None: "dev", "eu": "eu"}
    assert list(load(in_clusters(a="eu")).used_clusters()) == ["eu"]
    assert list(load(in_clusters()).used_clusters()) == [None]


def test_a_host_has_an_owner_in_each_cluster() -> None:
    """Two releases may have one host when they are in different clusters."""
    assert load(in_clusters(a="eu", b="asia", c=None))
    rule = "only one may route 'a.example' on 'mesh' without a match"
    assert line_of(in_clusters(a="eu", b="eu")) == f"weighbridge:releases: {rule} (got 2 releases)"


def test_an_autoscaler_may_measure_by_a_request_of_each_track() -> None:
    """The request for CPU may stand at the tracks, and the number of pods has its default share."""
    cpu = {"resources": {"requests": {"cpu": 0.5}}}
    raw = changed(P + "workload", {"autoscaling": {"min": 2, "max": 2}})
    for track in ("stable", "canary"):
        raw["releases"]["podinfo"][track] |= cpu
    scaling = load(raw).releases["podinfo"].workload.autoscaling
    assert scaling is not None
    assert scaling.model_dump() == {"min": 2, "max": 2, "cpu": 80, "requests": None}


def test_the_first_mistake_told_does_not_depend_on_the_order_of_keys() -> None:
    """Releases are read by name, keys in the order of the models."""
    raw = good()
    bad = raw["releases"].pop("podinfo") | {"port": 0, "weight": 7}
    raw["releases"] = {"b": bad, "a": bad}
    backwards = raw | {"releases": {"a": dict(reversed(bad.items())), "b": bad}}
    assert line_of(raw) == line_of(backwards) == f"weighbridge:releases.a: 'port' {PORT_RULE} (got 0)"


def test_an_unknown_key_is_named_before_what_it_leaves_missing() -> None:
    """A misspelt `image` is told as such, not as a missing one."""
    line = f"{RELEASE}.stable.imagee: is not a setting; did you mean 'image'? (got 'a:1')"
    assert line_of(changed(P + "stable", {"imagee": "a:1"})) == line


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5), st.data()
)
def test_any_value_at_any_key_is_read_or_told_in_one_printable_line(value: object, data: st.DataObject) -> None:
    """No value, wherever it stands, ends in anything but settings or one line."""
    spots = [case[1] for case in BAD]
    line = told(changed(data.draw(st.sampled_from(spots)), value))
    assert line is None or (line.isprintable() and line.startswith("weighbridge:") and line.endswith(")"))


def test_defaults_are_those_of_the_peers() -> None:
    """A release that says nothing of its gate gets Flagger's metrics and bounds, whose fail has to be proven."""
    gate = load(good()).releases["podinfo"].gate
    assert gate.model_dump() == {
        "metrics": {
            "request-success-rate": {"min": 99.0, "alpha": 0.01},
            "request-duration": {"max": 0.5, "quantile": 0.99, "alpha": 0.01},
        },
        "soak": 300.0,
        "warm_up": 30.0,
        "interval": 60.0,
        "threshold": 1,
        "min_requests": 100,
        "wait": True,
        "comparison": None,
        "share_tolerance": None,
        "on_failure": "rollback",
        "reporter": "destination",
    }


def test_metrics_that_are_given_take_the_place_of_the_default_ones() -> None:
    """A gate with its own success rate does not judge latency unasked."""
    settings = load(changed(P + "gate", {"metrics": {"request-success-rate": {"min": "99.5"}}}))
    assert settings.releases["podinfo"].gate.model_dump()["metrics"] == {"request-success-rate": {"min": 99.5}}


def test_a_gate_gets_of_each_metric_what_it_is_judged_by() -> None:
    """Keys without a meaning for how a metric is judged, and dry runs that are none, reach no state."""
    metrics = load(changed(P + "gate", {"metrics": FULL_METRICS})).releases["podinfo"].gate.model_dump()["metrics"]
    assert list(metrics) == ["request-success-rate", "request-duration", "errors", "queue-length"]
    assert metrics["request-success-rate"] == {"min": 99.5, "dry_run": True}
    assert metrics["request-duration"] == {"max": 1.0, "quantile": 0.99}
    assert metrics["errors"] == FULL_METRICS["errors"] | {
        "interval": 60.0,
        "initial_delay": 30.0,
        "count": 5,
        "args": {},
    }
    assert metrics["queue-length"] == FULL_METRICS["queue-length"] | {
        "min": -1.5,
        "interval": 120.0,
        "starting_step": 0,
    }


@pytest.mark.parametrize("written", [10, 10.0, "10"])
def test_a_whole_number_may_be_quoted_or_a_whole_float(written: object) -> None:
    """`pulumi config set` quotes numbers, and JSON knows no integers."""
    weight = load(changed(P + "weight", written)).releases["podinfo"].weight
    assert (weight, type(weight)) == (10, int)


def test_a_step_may_be_a_bare_weight_or_carry_its_soak() -> None:
    """Both forms of a step are read into the same shape, with seconds."""
    steps = load(good()).releases["podinfo"].steps
    assert [(step.weight, step.soak) for step in steps] == [(10, None), (30, None), (50, 5400.0), (100, None)]


def test_a_release_knows_its_name_and_its_settings_cannot_change() -> None:
    """Settings are read-only all the way down, and hashable."""
    settings = load(changed(P + "stable", {"image": "a:1", "env": {"A": "1"}}))
    release = settings.releases["podinfo"]
    assert release.name == "podinfo"
    with pytest.raises(TypeError, match="cannot be changed"):
        release.stable.env["A"] = "2"  # type: ignore[index]
    with pytest.raises(ValueError, match="frozen"):
        release.weight = 0  # type: ignore[misc]
    assert hash(settings) == hash(copy.deepcopy(settings))
    assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301  our own bytes


def test_env_values_are_not_in_the_text_of_settings() -> None:
    """A log line with the settings in it does not hold the environment."""
    settings = load(changed(P + "stable", {"image": "a:1", "env": {"PASSWORD": "hunter2"}}))
    assert "hunter2" not in repr(settings)


def test_an_address_loses_the_slash_at_its_end() -> None:
    """Paths are appended to it."""
    prometheus = load(changed("prometheus/url", "https://prometheus.example/tenant/")).prometheus
    assert prometheus is not None
    assert prometheus.url == "https://prometheus.example/tenant"


def test_the_way_back_needs_neither_canary_nor_prometheus() -> None:
    """Weight 0 is always possible."""
    raw = changed(P + "weight", 0)
    del raw["prometheus"]
    assert load(raw).releases["podinfo"].weight == 0
    del raw["releases"]["podinfo"]["canary"]
    assert load(raw).releases["podinfo"].canary is None


def test_the_gate_is_told_references_and_what_is_set() -> None:
    """The state holds where the secrets are; a section that says nothing new is what it was before there was more."""
    prometheus = load(changed("prometheus", FULL_PROMETHEUS)).prometheus
    assert prometheus is not None
    assert prometheus.inputs() == FULL_PROMETHEUS | {
        "url": "https://prometheus.example.com/tenant",
        "timeout": 10.0,
        "retries": 1,
        "auth": {"basic": {"username": {"text": "me"}, "password": {"config": "prometheus.password"}}},
        "headers": {"X-Api-Key": {"file": "~/key"}, "X-Other": {"text": "a b"}, "X-Team": {"text": "payments"}},
        "proxy": "http://proxy.example.com:3128",
    }
    plain = load(good()).prometheus
    assert plain is not None
    assert plain.inputs() == {"url": "http://prometheus.istio-system:9090", "timeout": 5.0, "retries": 3}


def test_each_way_in_may_be_the_only_one() -> None:
    """With no more than it needs."""
    secret = {"env": "A"}
    ways: list[dict[str, dict[str, object]]] = [
        {"bearer": {"token": secret}},
        {"google": {}},
        {"google": {"credentials": secret}},
        {"alibaba": {"token": secret}},
        {"alibaba": {"access_key_id": secret, "access_key_secret": secret}},
    ]
    for way in ways:
        prometheus = load(changed("prometheus", {"url": "https://a.example", "auth": way})).prometheus
        assert prometheus is not None
        assert prometheus.inputs()["auth"] == way
