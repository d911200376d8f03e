"""Many machines that explore one space: a study for each kind of CPU. See docs/fleet.md."""
