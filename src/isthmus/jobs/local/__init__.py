"""Jobs of one organisation: no peers, no party file, nothing leaves."""
