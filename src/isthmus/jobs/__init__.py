"""From a job file and a party file to a running role."""
