"""One module per runtime, each a `dse.core.backend.Backend`; loaded by `dse.core.registry`."""
