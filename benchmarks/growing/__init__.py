"""Parts of `benchmarks.fleet_growth`."""
