"""MLPerf LoadGen: the measured loop and the reading of its logs."""
