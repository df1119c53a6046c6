"""The door to ONNX: the layers of a model as an ONNX file."""
