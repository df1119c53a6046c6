"""The command line: verbs and paths, one file per group of verbs."""
