"""The connections under the lines between organisations; the only package that uses gRPC."""
