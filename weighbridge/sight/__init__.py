"""What people look at: the metrics of the releases, and Grafana and Kiali as their charts are given them.

state_metrics  annotations of the routes -> series, by kube-state-metrics
tracks         PromQL that tells stable from canary: what the dashboard asks
grafana        values of Grafana's chart, its datasource, the ConfigMap of the dashboard
kiali          values of Kiali's chart
entrance       the VirtualService by which a Service is reached from outside

All of it is plain dicts and text: no Pulumi, no client.
"""
