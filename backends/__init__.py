"""One module per runtime, each fulfilling `dse.contract.Backend`; loaded by `dse.registry`."""
