"""Lines between organisations: gRPC streams under mutual TLS 1.3, which heal after an outage.

Trust is one pinned certificate per peer: the certificate that the party file names is the only
trust root of the connection, so no other certificate of any authority is accepted.
"""

from isthmus.transport.absence import OnAbsence
from isthmus.transport.connections.dialling import dial
from isthmus.transport.connections.listening import Listener, listen
from isthmus.transport.connections.settings import Identity, OnWait
from isthmus.transport.resumable import ResumableChannel as GrpcChannel

__all__ = ["GrpcChannel", "Identity", "Listener", "OnAbsence", "OnWait", "dial", "listen"]
