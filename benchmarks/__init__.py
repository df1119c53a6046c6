"""What isthmus costs, always beside a rival in the same run: `make bench` lists the questions."""
