"""The feed: from rows of files to windows of samples, with late labels and queues."""
