"""The generated data of the example of ads."""
