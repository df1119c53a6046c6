"""What holds for every test of the benchmarks."""

import os

from isthmus.crypto import keys

os.environ.setdefault(keys.TEST_KEY_BITS, "1024")  # as in tests/conftest.py
