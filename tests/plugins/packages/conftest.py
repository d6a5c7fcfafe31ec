"""Some of these packages must not even be imported; they run where they are installed."""

collect_ignore_glob = ["*/voyant_*.py"]
