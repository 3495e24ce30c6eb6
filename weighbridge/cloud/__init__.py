"""What the clouds ask of a run, and what they say of it; no cloud is contacted here.

kubeconfig   kubeconfigs with a credential plugin in them, in place of a credential
early        what is missing for a cluster, found out before anything is declared
credentials  whether a provider would find credentials; none is read
refusals     what a cloud's provider says when it refuses -> one line, with what to do
"""
