"""A simulation of how a revocation reaches many nodes; `make simulate`."""
