"""The Python interface: what `import isthmus` hands out, no more than the command line can do."""
