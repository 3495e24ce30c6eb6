"""The way in as Kubernetes objects and chart values: pure, from the settings to plain dicts.

objects       Gateway, PeerAuthentication, namespaces
certificates  what cert-manager is told: ClusterIssuer, Certificate, the credentials of the DNS
values        what the charts are told
asm           Alibaba Cloud Service Mesh's own IstioGateway
claims        which of all these names must be free, and what is said when one is not
"""
