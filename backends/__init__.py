"""One module per runtime, each fulfilling `dse.core.backend.Backend`; loaded by `dse.core.registry`."""
