"""Pages of answers, the same in a terminal and in a notebook."""
