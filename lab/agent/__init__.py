"""The pod agent: a kubelet that runs a local process for each container of a Pod, on the Pod's own address."""
