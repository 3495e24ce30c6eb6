"""What measures the mesh, as plain dicts: pure, the settings in, configuration out.

labels      Istio's labels, by who asks for them
jobs        the scrape jobs of Prometheus
recording   recording rules that the gate can ask
alerts      alert rules for releases
groups      the rules that a stack asks for
charts      values of the charts prometheus and prometheus-adapter
adapter     the rules of prometheus-adapter: requests per second
mesh        Telemetry and EnvoyFilters
google      the objects of Google's managed collection
text        configuration as YAML
alibaba     what an environment of ARMS is told
"""
