"""omniroute measured beside its peers: ``python -m benchmarks NAME… [--json] [--rounds N]``."""
