"""The search spaces that come with the package; `dse.space.finding` looks them up by name."""
