"""Report pages about runs, each a single HTML file, and their figures."""
