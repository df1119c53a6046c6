"""A party that starts an enclave and waits: `python -m tests.faults.enclave_host FILE`."""

import sys
import time

from isthmus.tee.process import enclave
from isthmus.tee.spec import Enclave
from tests.faults.enclaves import command

if __name__ == "__main__":
    with enclave(Enclave(command=command("hold", sys.argv[1])), "not.used", 60):
        time.sleep(60)
