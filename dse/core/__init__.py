"""What every other package stands on: metrics, configurations, measurements, contracts."""
