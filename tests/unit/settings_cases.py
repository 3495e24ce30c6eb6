"""Settings for the tests: a good stack, everything that may be set, and a table of mistakes with their lines."""

from __future__ import annotations

from typing import Any

RELEASE = "weighbridge:releases.podinfo"
NAME_RULE = "must be a DNS label: lower-case letters, digits and '-', with a letter first and no '-' last, at most 40"
SPACE_RULE = "must be a DNS label: lower-case letters, digits and '-', at most 63"
SPAN_RULE = "must be a duration such as 90s, 5m, 1h30m or 500ms"
URL_RULE = "must be an http or https address such as http://prometheus.istio-system:9090"
HOST_RULE = "must be a host such as podinfo.example.com or *.example.com, but not '*' alone"
VALUE_RULE = "must be a label's value: letters, digits, '-', '_' and '.', at most 63"
WHY_RULE = "must be one line that says why, at most 200 characters"
TEXT_RULE = "must be text, in quotes where YAML would read something else"
CPU_RULE = "must have 'resources.requests.cpu', which 'workload.autoscaling' measures by"
CLUSTER_RULE = "must be a DNS label of at most 40 that begins with a letter and does not end in 'mesh' or '-mesh'"
PORT_RULE = "must be a whole number from 1 to 65535"
PLACES = "{env: NAME}, {file: PATH} or {config: NAME}"
SECRET_RULE = f"must be where the secret is, {PLACES}, and never the secret itself (got a value not shown)"
CREDENTIAL_RULE = f"must be a reference, {PLACES}, as it is a credential (got a value not shown)"
ALIBABA_RULE = "must hold access_key_id and access_key_secret, or token alone"
PROMETHEUS = {"url": "http://prometheus.istio-system:9090"}
OWN = f"{RELEASE}.gate.metrics.errors"
METRIC_HAS = (
    "it has result, numbers, comparisons, && || !, + - * /, in, len, isNaN, isInf, asFloat, asInt, default, all, any"
)
ONE_WAY = "must have a range (min, max) or conditions (success_condition, failure_condition)"
DELETE = object()


def good() -> dict[str, Any]:
    """Return the settings of a stack with one release in mid-walk."""
    return {
        "cluster": {"kind": "existing", "kubeconfig": "~/.kube/config", "context": "dev"},
        "prometheus": {"url": "http://prometheus.istio-system:9090"},
        "releases": {
            "podinfo": {
                "namespace": "test",
                "port": 9898,
                "stable": {"image": "ghcr.io/stefanprodan/podinfo:6.7.0"},
                "canary": {"image": "ghcr.io/stefanprodan/podinfo:6.7.1"},
                "weight": 10,
                "steps": [10, 30, {"weight": 50, "soak": "1h30m"}, 100],
            },
        },
    }


def changed(where: str, value: object) -> dict[str, Any]:
    """Return the good settings with one key set, by a path such as `releases.podinfo.port`, or deleted."""
    raw = good()
    *path, last = where.split("/")
    section: Any = raw
    for part in path:
        section = section.setdefault(part, {})
    if value is DELETE:
        del section[last]
    else:
        section[last] = value
    return raw


def own(**metric: object) -> dict[str, Any]:
    """Return a gate with a metric of the user's own, `errors`; it has a query and a range unless it is told otherwise."""
    given = {"query": "sum(errors)", "min": 1} | metric
    kept = {key: value for key, value in given.items() if value is not DELETE}
    return {"metrics": {"request-success-rate": {}, "errors": kept}}


SCALED = {"autoscaling": {"min": 2, "max": 3}, "resources": {"requests": {"cpu": "100m"}}}
FULL_WORKLOAD = {
    "autoscaling": {"min": 3, "max": "10", "cpu": 60},
    "command": ["/app"],
    "args": ["--level", "info"],
    "env": {"MODE": "fast"},
    "resources": {"requests": {"cpu": 0.1, "memory": "64Mi"}, "limits": {"cpu": 1}},
    "readiness": {"path": "/readyz", "port": 9797, "period": "2s"},
    "liveness": {"path": "/healthz", "initial_delay": "5s", "failure_threshold": 5},
    "service_account": "podinfo",
    "image_pull_secrets": ["registry"],
    "labels": {"example.com/team": "web"},
    "annotations": {"example.com/note": "any text"},
    "drain": "20s",
    "progress_deadline": "5m",
    "min_ready": "1s",
}
FULL_ROUTE = {
    "match": [{"uri": {"prefix": "/api"}, "headers": {"x-user": {"exact": "a"}}, "ignore_uri_case": True}],
    "rewrite": {"uri": "/"},
    "retries": {"attempts": 3, "per_try_timeout": "1.5s", "retry_on": "5xx,reset"},
    "timeout": "10s",
    "cors": {"allow_origins": [{"exact": "https://a.example"}], "allow_methods": ["GET"], "max_age": "1h"},
    "headers": {"request": {"set": {"x_Some-Header": "1"}, "remove": ["x-b"]}, "response": {"add": {"x-c": "2"}}},
}
FULL_TRAFFIC = {
    "connection_pool": {
        "tcp": {"max_connections": 100, "connect_timeout": "30ms", "tcp_keepalive": {"time": "2h", "probes": 3}},
        "http": {"http1_max_pending_requests": 10, "http2_max_requests": 100, "h2_upgrade_policy": "UPGRADE"},
    },
    "load_balancer": {"consistent_hash": {"http_cookie": {"name": "user", "ttl": 0}}},
    "outlier_detection": {"consecutive_5xx_errors": 7, "interval": "5m", "base_ejection_time": "15m"},
    "tls_mode": "ISTIO_MUTUAL",
}

FULL_PROMETHEUS: dict[str, Any] = {
    "url": "https://prometheus.example.com/tenant/",
    "timeout": "10s",
    "retries": "1",
    "auth": {"basic": {"username": "me", "password": {"config": "prometheus.password"}}},
    "headers": {"X-Team": "payments", "X-Other": {"text": "a b"}, "X-Api-Key": {"file": "~/key"}},
    "tenant": "blue|red",
    "tenant_header": "X-Scope-OrgID",
    "tls": {"ca": "ca.pem", "client_certificate": "a.crt", "client_key": "a.key", "server_name": "a.example"},
    "proxy": "http://proxy.example.com:3128/",
}

FULL_METRICS: dict[str, Any] = {
    "request-success-rate": {"min": 99.5, "dry_run": True},
    "request-duration": {"max": "1s", "dry_run": False},
    "queue-length": {
        "query": 'max(queue{namespace="{{ namespace }}",pod=~"{{ canary }}-.*",x="{{ args.x }}"})',
        "args": {"x": "a b", "y": 1.5, "z": True},
        "min": "-1.5",
        "max": 5,
        "interval": "2m",
        "dry_run": True,
    },
    "errors": {
        "query": 'sum(rate(errors{service="{{ release }}",pod!~"{{ stable }}-.*"}[{{ interval }}]))',
        "success_condition": "result[0] >= 0.95",
        "failure_condition": "result[0] < 0.9",
        "interval": "60s",
        "initial_delay": "30s",
        "count": "5",
        "failure_limit": 1,
        "inconclusive_limit": 2,
        "consecutive_error_limit": 3,
        "starting_step": 0,
    },
}
P = "releases/podinfo/"
BAD: list[tuple[str, str, object, str]] = [
    ("a misspelt key", P + "wieght", 10, f"{RELEASE}.wieght: is not a setting; did you mean 'weight'? (got 10)"),
    ("a key like no other", P + "mood", "blue", f"{RELEASE}.mood: is not a setting (got 'blue')"),
    (
        "a misspelt section, its content unseen",
        "relaeses",
        {"podinfo": {"stable": {"env": {"A": "hunter2"}}}},
        "weighbridge:relaeses: is not a setting; did you mean 'releases'? (got a mapping)",
    ),
    (
        "a key with a newline",
        P + "we\night",
        10,
        f"{RELEASE}.'we\\night': is not a setting; did you mean 'weight'? (got 10)",
    ),
    ("a key that is a number", P + "stable", {"image": "a:1", 5: 5}, f"{RELEASE}.stable.5: is not a setting (got 5)"),
    (
        "a misspelt metric",
        P + "gate",
        {"metrics": {"request-success-rat": {"min": 99}}},
        f"{RELEASE}.gate.metrics.request-success-rat: is not a setting; did you mean 'request-success-rate'? (got a mapping)",
    ),
    (
        "a misspelt env, its content unseen",
        P + "stable",
        {"image": "a:1", "envs": {"PASSWORD": "hunter2"}},
        f"{RELEASE}.stable.envs: is not a setting; did you mean 'env'? (got a mapping)",
    ),
    (
        "env as text, unseen",
        P + "stable",
        {"image": "a:1", "env": "PASSWORD=hunter2"},
        f"{RELEASE}.stable: 'env' must be a mapping (got a value not shown)",
    ),
    (
        "env value that is a number, unseen",
        P + "stable",
        {"image": "a:1", "env": {"PORT": 8080}},
        f"{RELEASE}.stable.env: 'PORT' {TEXT_RULE} (got a value not shown)",
    ),
    (
        "env name with a space",
        P + "stable",
        {"image": "a:1", "env": {"A B": "hunter2"}},
        f"{RELEASE}.stable.env: each name must be the name of an environment variable (got 'A B')",
    ),
    (
        "name is own key",
        P + "name",
        "podinfo",
        f"{RELEASE}.name: is not a setting; did you mean 'namespace'? (got 'podinfo')",
    ),
    ("missing cluster", "cluster", DELETE, "weighbridge:cluster: is required (got nothing)"),
    ("missing namespace", P + "namespace", DELETE, f"{RELEASE}: 'namespace' is required (got nothing)"),
    ("missing image", P + "stable", {}, f"{RELEASE}.stable: 'image' is required (got nothing)"),
    ("cluster text", "cluster", "dev", "weighbridge:cluster: must be a mapping (got 'dev')"),
    (
        "cluster kind",
        "cluster/kind",
        "eks",
        "weighbridge:cluster: 'kind' must be one of existing, gke, ack, stack (got 'eks')",
    ),
    (
        "a whole kubeconfig instead of its path, unseen",
        "cluster/kubeconfig",
        "apiVersion: v1\nkind: Config\nusers: [{user: {token: abcdefghijklmnopqrstuvwxyz}}]\n",
        "weighbridge:cluster: 'kubeconfig' must be the path of a file (got text of 4 lines)",
    ),
    (
        "context number",
        "cluster/context",
        5,
        "weighbridge:cluster: 'context' must be the name of a context in the kubeconfig (got 5)",
    ),
    ("releases list", "releases", ["podinfo"], "weighbridge:releases: must be a mapping (got ['podinfo'])"),
    ("release text", "releases/podinfo", "yes", "weighbridge:releases: 'podinfo' must be a mapping (got 'yes')"),
    ("release nothing", "releases/podinfo", None, "weighbridge:releases: 'podinfo' must be a mapping (got nothing)"),
    ("port text", P + "port", "http", f"{RELEASE}: 'port' {PORT_RULE} (got 'http')"),
    ("port zero", P + "port", 0, f"{RELEASE}: 'port' {PORT_RULE} (got 0)"),
    ("port high", P + "port", 65536, f"{RELEASE}: 'port' {PORT_RULE} (got 65536)"),
    ("port float", P + "port", 80.5, f"{RELEASE}: 'port' {PORT_RULE} (got 80.5)"),
    ("port true", P + "port", True, f"{RELEASE}: 'port' {PORT_RULE} (got True)"),
    ("port quoted padded", P + "port", " 80", f"{RELEASE}: 'port' {PORT_RULE} (got ' 80')"),
    ("port leading zero", P + "port", "080", f"{RELEASE}: 'port' {PORT_RULE} (got '080')"),
    ("port arabic digits", P + "port", "٨٠", f"{RELEASE}: 'port' {PORT_RULE} (got '٨٠')"),
    ("replicas 0", P + "replicas", 0, f"{RELEASE}: 'replicas' must be a whole number from 1 to 10000 (got 0)"),
    (
        "image that YAML read as a number",
        P + "stable",
        {"image": 1.1},
        f"{RELEASE}.stable: 'image' must be the reference of an image (got 1.1)",
    ),
    (
        "image with a space",
        P + "stable",
        {"image": "pod info:1"},
        f"{RELEASE}.stable: 'image' must be the reference of an image (got 'pod info:1')",
    ),
    (
        "image with a newline",
        P + "stable",
        {"image": "podinfo:1\n"},
        f"{RELEASE}.stable: 'image' must be the reference of an image (got 'podinfo:1\\n')",
    ),
    ("weight off the plan", P + "weight", 40, f"{RELEASE}: 'weight' must be one of 0, 10, 30, 50, 100 (got 40)"),
    ("negative weight", P + "weight", -10, f"{RELEASE}: 'weight' must be one of 0, 10, 30, 50, 100 (got -10)"),
    ("weight text", P + "weight", "ten", f"{RELEASE}: 'weight' must be a whole number (got 'ten')"),
    (
        "quoted weight off the plan",
        P + "weight",
        "40",
        f"{RELEASE}: 'weight' must be one of 0, 10, 30, 50, 100 (got 40)",
    ),
    ("weight true", P + "weight", True, f"{RELEASE}: 'weight' must be a whole number (got True)"),
    ("weight list", P + "weight", [10], f"{RELEASE}: 'weight' must be a whole number (got [10])"),
    ("half a percent", P + "weight", 10.5, f"{RELEASE}: 'weight' must be a whole number (got 10.5)"),
    (
        "weight of 5001 digits",
        P + "weight",
        10**5000,
        f"{RELEASE}: 'weight' must be a whole number (got a number of thousands of digits)",
    ),
    ("steps empty", P + "steps", [], f"{RELEASE}: 'steps' must hold at least 1 item (got [])"),
    ("steps not list", P + "steps", 10, f"{RELEASE}: 'steps' must be a list (got 10)"),
    ("steps falling", P + "steps", [10, 30, 20], f"{RELEASE}: 'steps' must rise strictly (got 10, 30, 20)"),
    ("the same step twice", P + "steps", [10, 10], f"{RELEASE}: 'steps' must rise strictly (got 10, 10)"),
    ("step 0", P + "steps", [0, 10], f"{RELEASE}.steps[0]: 'weight' must be a whole number from 1 to 100 (got 0)"),
    (
        "step 101",
        P + "steps",
        [10, 101],
        f"{RELEASE}.steps[1]: 'weight' must be a whole number from 1 to 100 (got 101)",
    ),
    (
        "misspelt key of a step",
        P + "steps",
        [{"weight": 10, "soack": "1m"}],
        f"{RELEASE}.steps[0].soack: is not a setting; did you mean 'soak'? (got '1m')",
    ),
    (
        "soak in words",
        P + "steps",
        [{"weight": 10, "soak": "1 minute"}],
        f"{RELEASE}.steps[0]: 'soak' {SPAN_RULE} (got '1 minute')",
    ),
    ("step no weight", P + "steps", [{"soak": "1m"}], f"{RELEASE}.steps[0]: 'weight' is required (got nothing)"),
    (
        "weight without a canary",
        P + "canary",
        DELETE,
        f"{RELEASE}: 'weight' must be 0 while there is no canary (got 10)",
    ),
    (
        "canary like stable",
        P + "canary",
        {"image": "ghcr.io/stefanprodan/podinfo:6.7.0"},
        f"{RELEASE}: 'canary' must differ from 'stable' at weight 10 (got the same pod template twice)",
    ),
    (
        "weight without Prometheus",
        "prometheus",
        DELETE,
        "weighbridge:prometheus: is required while 'podinfo' has weight 10 (got nothing)",
    ),
    (
        "address without a scheme",
        "prometheus/url",
        "prometheus:9090",
        f"weighbridge:prometheus: 'url' {URL_RULE} (got 'prometheus:9090')",
    ),
    (
        "address by ftp",
        "prometheus/url",
        "ftp://prometheus:9090",
        f"weighbridge:prometheus: 'url' {URL_RULE} (got 'ftp://prometheus:9090')",
    ),
    (
        "address with a password, unseen",
        "prometheus/url",
        "http://admin:hunter2@prometheus:9090",
        "weighbridge:prometheus: 'url' must not hold a user or a password, as it is kept in the state in clear (got 'http://***@prometheus:9090')",
    ),
    (
        "address with an odd password, unseen",
        "prometheus/url",
        "http://admin:hun/ter@2@prometheus:9090",
        f"weighbridge:prometheus: 'url' {URL_RULE} (got 'http://***@prometheus:9090')",
    ),
    (
        "address with a token, unseen",
        "prometheus/url",
        "http://prometheus:9090/?token=hunter2",
        "weighbridge:prometheus: 'url' must end with its path, without '?' or '#' (got 'http://prometheus:9090/?***)",
    ),
    (
        "address with a port too high",
        "prometheus/url",
        "http://prometheus:99999",
        f"weighbridge:prometheus: 'url' {URL_RULE} (got 'http://prometheus:99999')",
    ),
    (
        "address with half an IPv6 address",
        "prometheus/url",
        "http://[::1",
        f"weighbridge:prometheus: 'url' {URL_RULE} (got 'http://[::1')",
    ),
    (
        "address with a newline",
        "prometheus/url",
        "http://prometheus:9090\n",
        f"weighbridge:prometheus: 'url' {URL_RULE} (got 'http://prometheus:9090\\n')",
    ),
    ("timeout without a unit", "prometheus/timeout", 5, f"weighbridge:prometheus: 'timeout' {SPAN_RULE} (got 5)"),
    (
        "timeout 0",
        "prometheus/timeout",
        "0s",
        "weighbridge:prometheus: 'timeout' must be a duration from 100ms to 5m (got '0s')",
    ),
    (
        "retries neg",
        "prometheus/retries",
        -1,
        "weighbridge:prometheus: 'retries' must be a whole number from 0 to 20 (got -1)",
    ),
    (
        "a password as it is, unseen",
        "prometheus/auth",
        {"basic": {"username": "me", "password": "hunter2"}},
        f"weighbridge:prometheus.auth.basic: 'password' {SECRET_RULE}",
    ),
    (
        "a token that is a number, unseen",
        "prometheus/auth",
        {"bearer": {"token": 12345678}},
        f"weighbridge:prometheus.auth.bearer: 'token' {SECRET_RULE}",
    ),
    (
        "a token in braces, which is a key in YAML, unseen",
        "prometheus/auth",
        {"bearer": {"token": {"hunter2": None}}},
        f"weighbridge:prometheus.auth.bearer: 'token' {SECRET_RULE}",
    ),
    (
        "a token in two places",
        "prometheus/auth",
        {"bearer": {"token": {"env": "A", "file": "b"}}},
        "weighbridge:prometheus.auth.bearer: 'token' must hold exactly one of env, file, config (got env, file)",
    ),
    (
        "a token where no name can be, unseen",
        "prometheus/auth",
        {"bearer": {"token": {"env": "hunter 2"}}},
        "weighbridge:prometheus.auth.bearer.token: 'env' must be the name of an environment variable (got a value not shown)",
    ),
    (
        "a secret's name with its namespace",
        "prometheus/auth",
        {"bearer": {"token": {"config": "weighbridge-secrets:token"}}},
        "weighbridge:prometheus.auth.bearer.token: 'config' must be a name in the namespace 'weighbridge-secrets' (got a value not shown)",
    ),
    (
        "a misspelt password, unseen",
        "prometheus/auth",
        {"basic": {"username": "me", "pasword": "hunter2"}},
        "weighbridge:prometheus.auth.basic.pasword: is not a setting; did you mean 'password'? (got a value not shown)",
    ),
    (
        "a password in the wrong section, unseen",
        "prometheus/password",
        "hunter2",
        "weighbridge:prometheus.password: is not a setting (got a value not shown)",
    ),
    (
        "a secret in the wrong namespace, unseen",
        "token",
        "hunter2",
        "weighbridge:token: is not a setting (got a value not shown)",
    ),
    (
        "auth as text, unseen",
        "prometheus/auth",
        "me:hunter2",
        "weighbridge:prometheus: 'auth' must be a mapping (got a value not shown)",
    ),
    (
        "two ways in",
        "prometheus/auth",
        {"basic": {"username": "me", "password": {"env": "A"}}, "bearer": {"token": {"env": "A"}}},
        "weighbridge:prometheus: 'auth' must hold exactly one of basic, bearer, google, alibaba (got basic, bearer)",
    ),
    (
        "a name with a colon",
        "prometheus/auth",
        {"basic": {"username": "me:hunter2", "password": {"env": "A"}}},
        "weighbridge:prometheus.auth.basic.username: must not hold ':', which ends the name in a header (got a value not shown)",
    ),
    (
        "half a key pair",
        "prometheus/auth",
        {"alibaba": {"access_key_id": "LTAI"}},
        f"weighbridge:prometheus.auth: 'alibaba' {ALIBABA_RULE} (got access_key_id)",
    ),
    (
        "a key pair and a token",
        "prometheus/auth",
        {"alibaba": {"access_key_id": "LTAI", "access_key_secret": {"env": "A"}, "token": {"env": "A"}}},
        f"weighbridge:prometheus.auth: 'alibaba' {ALIBABA_RULE} (got access_key_id, access_key_secret, token)",
    ),
    (
        "Google's token in clear",
        "prometheus/auth",
        {"google": {}},
        "weighbridge:prometheus.auth.google: needs an https 'url', as its tokens open more than a Prometheus (got 'http://prometheus.istio-system:9090')",
    ),
    (
        "Authorization as text, unseen",
        "prometheus/headers",
        {"Authorization": "Bearer hunter2"},
        f"weighbridge:prometheus.headers.Authorization: {CREDENTIAL_RULE}",
    ),
    (
        "a key as text, unseen",
        "prometheus/headers",
        {"X-Api-Key": "hunter2"},
        f"weighbridge:prometheus.headers.X-Api-Key: {CREDENTIAL_RULE}",
    ),
    (
        "a cookie spelt out as text, unseen",
        "prometheus/headers",
        {"Cookie": {"text": "hunter2"}},
        f"weighbridge:prometheus.headers.Cookie: {CREDENTIAL_RULE}",
    ),
    (
        "a bearer under another name, unseen",
        "prometheus/headers",
        {"X-Forwarded": "Bearer hunter2"},
        f"weighbridge:prometheus.headers.X-Forwarded: {CREDENTIAL_RULE}",
    ),
    (
        "a header in its name, unseen",
        "prometheus/headers",
        {"X-Api-Key: hunter2": "x"},
        "weighbridge:prometheus.headers: each name must be the name of a header (got a value not shown)",
    ),
    (
        "a header with a line's end, unseen",
        "prometheus/headers",
        {"X-Team": "a\r\nX-Evil: hunter2"},
        "weighbridge:prometheus.headers: 'X-Team' must be one line of ASCII (got a value not shown)",
    ),
    (
        "a header of HTTP's own",
        "prometheus/headers",
        {"Content-Length": "0"},
        "weighbridge:prometheus.headers.Content-Length: must not be set, HTTP does it itself (got a value not shown)",
    ),
    (
        "the proxy's credentials",
        "prometheus/headers",
        {"Proxy-Authorization": {"env": "A"}},
        "weighbridge:prometheus.headers.Proxy-Authorization: must not be set, HTTP does it itself (got a value not shown)",
    ),
    (
        "a header twice",
        "prometheus/headers",
        {"X-Team": "a", "x-team": "b"},
        "weighbridge:prometheus.headers.x-team: must not stand there twice, capitals do not count (got a value not shown)",
    ),
    (
        "two Authorizations",
        "prometheus",
        PROMETHEUS | {"auth": {"bearer": {"token": {"env": "A"}}}, "headers": {"authorization": {"env": "B"}}},
        "weighbridge:prometheus.headers.authorization: must not stand beside 'auth', which sets it (got a value not shown)",
    ),
    (
        "two tenants",
        "prometheus",
        PROMETHEUS | {"tenant": "blue", "headers": {"X-Scope-OrgID": "red"}},
        "weighbridge:prometheus.headers.X-Scope-OrgID: must not stand beside 'tenant', which sets it (got a value not shown)",
    ),
    (
        "a tenant's header without a tenant",
        "prometheus/tenant_header",
        "THANOS-TENANT",
        "weighbridge:prometheus.tenant_header: needs 'tenant' beside it (got 'THANOS-TENANT')",
    ),
    (
        "a tenant in a credential's header",
        "prometheus",
        PROMETHEUS | {"tenant": "blue", "tenant_header": "Authorization"},
        "weighbridge:prometheus.tenant_header: must be the name of a header for a tenant (got 'Authorization')",
    ),
    (
        "certificates for plain http",
        "prometheus/tls",
        {"ca": "ca.pem"},
        "weighbridge:prometheus.tls: needs an https 'url' (got 'http://prometheus.istio-system:9090')",
    ),
    (
        "every certificate",
        "prometheus/tls",
        {"insecure": True},
        "weighbridge:prometheus.tls.insecure: is not a setting (got True)",
    ),
    (
        "a certificate without its key",
        "prometheus/tls",
        {"client_certificate": "a.crt"},
        "weighbridge:prometheus.tls.client_key: client_certificate and client_key must come together (got nothing)",
    ),
    (
        "a proxy with a password, unseen",
        "prometheus/proxy",
        "http://me:hunter2@proxy:3128",
        "weighbridge:prometheus: 'proxy' must not hold a user or a password, as it is kept in the state in clear (got 'http://***@proxy:3128')",
    ),
    (
        "a proxy by socks",
        "prometheus/proxy",
        "socks5://proxy:1080",
        "weighbridge:prometheus: 'proxy' must be the http or https address of a proxy, such as http://proxy.example.com:3128 (got 'socks5://proxy:1080')",
    ),
    ("soak neg", P + "gate", {"soak": "-5m"}, f"{RELEASE}.gate: 'soak' {SPAN_RULE} (got '-5m')"),
    ("soak number", P + "gate", {"soak": 300}, f"{RELEASE}.gate: 'soak' {SPAN_RULE} (got 300)"),
    (
        "interval of nothing",
        P + "gate",
        {"interval": 0},
        f"{RELEASE}.gate: 'interval' must be a duration from 100ms to 1d (got 0)",
    ),
    (
        "min_requests",
        P + "gate",
        {"min_requests": 0},
        f"{RELEASE}.gate: 'min_requests' must be a whole number from 1 to 1000000000000 (got 0)",
    ),
    (
        "threshold",
        P + "gate",
        {"threshold": 0},
        f"{RELEASE}.gate: 'threshold' must be a whole number from 1 to 1000 (got 0)",
    ),
    ("wait text", P + "gate", {"wait": "yes"}, f"{RELEASE}.gate: 'wait' must be true or false (got 'yes')"),
    (
        "on_failure",
        P + "gate",
        {"on_failure": "explode"},
        f"{RELEASE}.gate: 'on_failure' must be one of rollback, hold (got 'explode')",
    ),
    (
        "metrics empty",
        P + "gate",
        {"metrics": {}},
        f"{RELEASE}.gate: 'metrics' must hold 'request-success-rate' (got no metric)",
    ),
    (
        "latency alone",
        P + "gate",
        {"metrics": {"request-duration": {"max": "1s"}}},
        f"{RELEASE}.gate: 'metrics' must hold 'request-success-rate' (got request-duration)",
    ),
    (
        "bound over 100 percent",
        P + "gate",
        {"metrics": {"request-success-rate": {"min": 101}}},
        f"{RELEASE}.gate.metrics.request-success-rate: 'min' must be a number from 0 to 100 (got 101)",
    ),
    (
        "bound that is not a number",
        P + "gate",
        {"metrics": {"request-success-rate": {"min": float("nan")}}},
        f"{RELEASE}.gate.metrics.request-success-rate: 'min' must be a number from 0 to 100 (got nan)",
    ),
    (
        "quantile",
        P + "gate",
        {"metrics": {"request-success-rate": {}, "request-duration": {"quantile": 1}}},
        f"{RELEASE}.gate.metrics.request-duration: 'quantile' must be a number between 0 and 1 (got 1)",
    ),
    (
        "max 500",
        P + "gate",
        {"metrics": {"request-success-rate": {}, "request-duration": {"max": 500}}},
        f"{RELEASE}.gate.metrics.request-duration: 'max' {SPAN_RULE} (got 500)",
    ),
    (
        "a metric's name",
        P + "gate",
        {"metrics": {"request-success-rate": {}, "Errors": {"query": "up", "min": 1}}},
        f"{RELEASE}.gate.metrics: each name {NAME_RULE} (got 'Errors')",
    ),
    (
        "a metric's name that is a number",
        P + "gate",
        {"metrics": {"request-success-rate": {}, 5: {"query": "up", "min": 1}}},
        f"{RELEASE}.gate.metrics: each name {NAME_RULE} (got 5)",
    ),
    (
        "nothing but dry runs",
        P + "gate",
        {"metrics": {"request-success-rate": {"dry_run": True}, "errors": {"query": "up", "min": 1, "dry_run": True}}},
        f"{RELEASE}.gate: 'metrics' must hold a metric from the first step on that is no dry run (got request-success-rate, errors)",
    ),
    (
        "nothing but dry runs at the first step",
        P + "gate",
        {
            "metrics": {
                "request-success-rate": {"dry_run": True},
                "errors": {"query": "up", "min": 1, "starting_step": 1},
            }
        },
        f"{RELEASE}.gate: 'metrics' must hold a metric from the first step on that is no dry run (got request-success-rate, errors)",
    ),
    ("a metric without a query", P + "gate", own(query=DELETE), f"{OWN}: 'query' is required (got nothing)"),
    (
        "a query of nothing",
        P + "gate",
        own(query=""),
        f"{OWN}: 'query' must be PromQL of at most 4000 characters (got '')",
    ),
    (
        "a query that is no PromQL",
        P + "gate",
        own(query="sum(errors"),
        f"{OWN}: 'query' must be PromQL: unclosed left parenthesis (got 'sum(errors')",
    ),
    (
        "a query that gives a range",
        P + "gate",
        own(query="errors[{{ interval }}]"),
        f"{OWN}: 'query' must give a number or a vector, not a range or a text (got 'errors[{{{{ interval }}}}]')",
    ),
    (
        "a query with an unknown variable",
        P + "gate",
        own(query='errors{a="{{ pod }}"}'),
        f"{OWN}: 'query' must name namespace, release, stable, canary, interval or args.NAME where it says '{{{{ pod }}}}' (got 'errors{{a=\"{{{{ pod }}}}\"}}')",
    ),
    (
        "a query without its argument",
        P + "gate",
        own(query="errors > {{ args.b }}", args={"a": 1}),
        f"{OWN}: 'query' must have an entry in 'args' for '{{{{ args.b }}}}' (got 'errors > {{{{ args.b }}}}')",
    ),
    (
        "a query with an open brace",
        P + "gate",
        own(query='errors{a="{{ namespace"}'),
        f"{OWN}: 'query' must close each '{{{{' with '}}}}' (got 'errors{{a=\"{{{{ namespace\"}}')",
    ),
    (
        "a query with an open quote",
        P + "gate",
        own(query="errors{a='b}"),
        f"{OWN}: 'query' must close each ' (got \"errors{{a='b}}\")",
    ),
    (
        "an argument that would change the query",
        P + "gate",
        own(query="errors > {{ args.a }}", args={"a": "1 or vector(1)"}),
        f"{OWN}: 'query' must have quotes around '{{{{ args.a }}}}', as its value is no number, duration or plain name (got 'errors > {{{{ args.a }}}}')",
    ),
    (
        "an argument that is a list",
        P + "gate",
        own(args={"a": [1]}),
        f"{OWN}.args: 'a' must be text of at most 1000 characters, a number, true or false (got [1])",
    ),
    (
        "an argument's name",
        P + "gate",
        own(args={"a b": 1}),
        f"{OWN}.args: each name must be letters, digits, '-' and '_', with a letter first, at most 63 (got 'a b')",
    ),
    (
        "a metric that nothing judges",
        P + "gate",
        own(min=DELETE),
        f"{RELEASE}.gate.metrics: 'errors' {ONE_WAY} (got nothing)",
    ),
    (
        "a range and a condition",
        P + "gate",
        own(success_condition="result[0] > 1"),
        f"{RELEASE}.gate.metrics: 'errors' {ONE_WAY} (got min and success_condition)",
    ),
    ("a range upside down", P + "gate", own(max=0), f"{OWN}: 'min' must be at most max, which is 0 (got 1)"),
    ("a count beside a range", P + "gate", own(count=3), f"{OWN}: 'count' must be left out beside min and max (got 3)"),
    (
        "a limit beside a range",
        P + "gate",
        own(failure_limit=0),
        f"{OWN}: 'failure_limit' must be left out beside min and max (got 0)",
    ),
    (
        "failures that nothing can exceed",
        P + "gate",
        own(min=DELETE, failure_condition="result[0] > 1", count=2, failure_limit=2),
        f"{OWN}: 'failure_limit' must be below count, which is 2 (got 2)",
    ),
    (
        "a condition that is none",
        P + "gate",
        own(min=DELETE, success_condition="result[0] >="),
        f"{OWN}: 'success_condition' must be a condition such as result[0] >= 0.95 (got 'result[0] >=')",
    ),
    (
        "a condition that would run something",
        P + "gate",
        own(min=DELETE, failure_condition="__import__(1)"),
        f"{OWN}: 'failure_condition' must do without '__import__': {METRIC_HAS} (got '__import__(1)')",
    ),
    (
        "an interval of a second and a half",
        P + "gate",
        own(interval="1.5s"),
        f"{OWN}: 'interval' must be a duration of whole seconds (got '1.5s')",
    ),
    (
        "a starting step past the last",
        P + "gate",
        own(starting_step=4),
        f"{OWN}: 'starting_step' must be below 4, the number of steps (got 4)",
    ),
    ("every host", P + "hosts", ["*"], f"{RELEASE}: 'hosts[0]' {HOST_RULE} (got '*')"),
    ("host url", P + "hosts", ["http://a.example"], f"{RELEASE}: 'hosts[0]' {HOST_RULE} (got 'http://a.example')"),
    (
        "host twice",
        P + "hosts",
        ["a.example", "a.example"],
        f"{RELEASE}: 'hosts' must not hold an item twice (got ['a.example', 'a.example'])",
    ),
    ("hosts text", P + "hosts", "a.example", f"{RELEASE}: 'hosts' must be a list (got 'a.example')"),
    (
        "gateway",
        P + "gateways",
        ["public"],
        f"{RELEASE}: 'gateways[0]' must be 'namespace/name' of a Gateway (got 'public')",
    ),
    (
        "namespace made to break PromQL",
        P + "namespace",
        'test"} or vector(1) #',
        f"{RELEASE}: 'namespace' {SPACE_RULE} (got 'test\"}} or vector(1) #')",
    ),
    ("namespace in capitals", P + "namespace", "Test", f"{RELEASE}: 'namespace' {SPACE_RULE} (got 'Test')"),
    ("namespace with a newline", P + "namespace", "test\n", f"{RELEASE}: 'namespace' {SPACE_RULE} (got 'test\\n')"),
    ("namespace with an accent", P + "namespace", "tést", f"{RELEASE}: 'namespace' {SPACE_RULE} (got 'tést')"),
    (
        "label that selects pods",
        P + "stable",
        {"image": "a:1", "labels": {"version": "1"}},
        f"{RELEASE}.stable: 'labels' must leave 'app' and 'version' to Weighbridge (got 'version')",
    ),
    (
        "label value",
        P + "stable",
        {"image": "a:1", "labels": {"team": "a b"}},
        f"{RELEASE}.stable.labels: 'team' {VALUE_RULE} (got 'a b')",
    ),
    (
        "label value with a newline",
        P + "stable",
        {"image": "a:1", "labels": {"team": "a\n"}},
        f"{RELEASE}.stable.labels: 'team' {VALUE_RULE} (got 'a\\n')",
    ),
    (
        "label name",
        P + "stable",
        {"image": "a:1", "labels": {"a b": "x"}},
        f"{RELEASE}.stable.labels: each name must be the name of a label such as team or example.com/team (got 'a b')",
    ),
    (
        "label bool",
        P + "workload",
        {"labels": {"sidecar.istio.io/inject": True}},
        f"{RELEASE}.workload.labels: 'sidecar.istio.io/inject' {VALUE_RULE} (got True)",
    ),
    (
        "annotation that is a number",
        P + "workload",
        {"annotations": {"a": 1}},
        f"{RELEASE}.workload.annotations: 'a' {TEXT_RULE} (got 1)",
    ),
    (
        "cpu in words",
        P + "workload",
        {"resources": {"requests": {"cpu": "a lot"}}},
        f"{RELEASE}.workload.resources.requests: 'cpu' must be a quantity such as 100m, 0.5, 2 or 64Mi (got 'a lot')",
    ),
    (
        "negative memory",
        P + "workload",
        {"resources": {"limits": {"memory": -1}}},
        f"{RELEASE}.workload.resources.limits: 'memory' must be a quantity such as 100m, 0.5, 2 or 64Mi (got -1)",
    ),
    (
        "drain of a second and a half",
        P + "workload",
        {"drain": "1.5s"},
        f"{RELEASE}.workload: 'drain' must be a duration of whole seconds (got '1.5s')",
    ),
    (
        "drain long",
        P + "workload",
        {"drain": "2h"},
        f"{RELEASE}.workload: 'drain' must be a duration from 0s to 1h (got '2h')",
    ),
    (
        "autoscaling without max",
        P + "workload",
        {"autoscaling": {"min": 2}},
        f"{RELEASE}.workload.autoscaling: 'max' is required (got nothing)",
    ),
    (
        "autoscaling to nothing",
        P + "workload",
        {"autoscaling": {"min": 0, "max": 2}},
        f"{RELEASE}.workload.autoscaling: 'min' must be a whole number from 1 to 10000 (got 0)",
    ),
    (
        "autoscaling downwards",
        P + "workload",
        {"autoscaling": {"min": 4, "max": 3}},
        f"{RELEASE}.workload.autoscaling: 'max' must be 'min', 4, or more (got 3)",
    ),
    (
        "autoscaling at no cpu",
        P + "workload",
        {"autoscaling": {"min": 1, "max": 3, "cpu": 0}},
        f"{RELEASE}.workload.autoscaling: 'cpu' must be a whole number from 1 to 1000 (got 0)",
    ),
    (
        "autoscaling by memory",
        P + "workload",
        {"autoscaling": {"min": 1, "max": 3, "memory": 80}},
        f"{RELEASE}.workload.autoscaling.memory: is not a setting (got 80)",
    ),
    (
        "autoscaling of one track",
        P + "stable",
        {"image": "a:1", "autoscaling": {"min": 1, "max": 3}},
        f"{RELEASE}.stable.autoscaling: is not a setting (got a mapping)",
    ),
    (
        "autoscaling beside replicas",
        "releases/podinfo",
        good()["releases"]["podinfo"] | {"replicas": 1, "workload": SCALED},
        f"{RELEASE}: 'replicas' must be left out beside 'workload.autoscaling' (got 1)",
    ),
    (
        "autoscaling without a request",
        P + "workload",
        {"autoscaling": SCALED["autoscaling"]},
        f"{RELEASE}.stable: {CPU_RULE} (got nothing)",
    ),
    (
        "autoscaling without the canary's request",
        "releases/podinfo",
        good()["releases"]["podinfo"]
        | {"workload": SCALED, "canary": {"image": "a:2", "resources": {"requests": {"cpu": 0}}}},
        f"{RELEASE}.canary: {CPU_RULE} (got nothing)",
    ),
    ("clusters list", "clusters", ["b"], "weighbridge:clusters: must be a mapping (got ['b'])"),
    ("cluster of no kind", "clusters", {"b": {}}, "weighbridge:clusters.b: 'kind' is required (got nothing)"),
    (
        "cluster with a default's name",
        "clusters",
        {"mesh": {"kind": "existing"}},
        f"weighbridge:clusters: each name {CLUSTER_RULE} (got 'mesh')",
    ),
    ("cluster without any", P + "cluster", "us", f"{RELEASE}: 'cluster' needs an entry in 'clusters' (got 'us')"),
    ("cluster number", P + "cluster", 5, f"{RELEASE}: 'cluster' {CLUSTER_RULE} (got 5)"),
    (
        "deadline before min_ready",
        P + "workload",
        {"progress_deadline": "10s", "min_ready": "10s"},
        f"{RELEASE}.workload: 'progress_deadline' must be longer than 'min_ready' (got 10s)",
    ),
    (
        "deadline of one track",
        P + "stable",
        {"image": "a:1", "progress_deadline": "10s"},
        f"{RELEASE}.stable.progress_deadline: is not a setting (got '10s')",
    ),
    (
        "probe path without a slash",
        P + "workload",
        {"readiness": {"path": "healthz"}},
        f"{RELEASE}.workload.readiness: 'path' must be a path that begins with '/' (got 'healthz')",
    ),
    ("skip empty", P + "skip", " ", f"{RELEASE}: 'skip' {WHY_RULE} (got ' ')"),
    ("skip on two lines", P + "skip", "because\nof me", f"{RELEASE}: 'skip' {WHY_RULE} (got 'because\\nof me')"),
    (
        "reason long",
        P + "reason",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        f"{RELEASE}: 'reason' {WHY_RULE} (got 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...)",
    ),
    (
        "two ways to match",
        P + "route",
        {"match": [{"uri": {"exact": "/", "prefix": "/"}}]},
        f"{RELEASE}.route.match[0]: 'uri' must hold exactly one of exact, prefix, regex (got exact, prefix)",
    ),
    ("match empty", P + "route", {"match": []}, f"{RELEASE}.route: 'match' must hold at least 1 item (got [])"),
    (
        "match uri text",
        P + "route",
        {"match": [{"uri": "/api"}]},
        f"{RELEASE}.route.match[0]: 'uri' must be a mapping (got '/api')",
    ),
    (
        "Istio's own spelling",
        P + "route",
        {"retries": {"attempts": 3, "perTryTimeout": "1s"}},
        f"{RELEASE}.route.retries.perTryTimeout: is not a setting; did you mean 'per_try_timeout'? (got '1s')",
    ),
    (
        "mutual TLS without certificates",
        P + "traffic",
        {"tls_mode": "MUTUAL"},
        f"{RELEASE}.traffic: 'tls_mode' must be one of DISABLE, SIMPLE, ISTIO_MUTUAL (got 'MUTUAL')",
    ),
    (
        "empty load balancer",
        P + "traffic",
        {"load_balancer": {}},
        f"{RELEASE}.traffic: 'load_balancer' must hold either simple or consistent_hash (got neither)",
    ),
]
"""What is wrong, where it is set, the value, and the whole line."""
