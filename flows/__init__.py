"""What a person schedules: the flows, the command line and the settings."""
