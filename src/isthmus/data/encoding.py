"""Marks at the beginning of files of text that say how they are encoded."""

UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
"""Byte order marks of UTF-16; neither UTF-8 nor a binary format of ours begins like this."""

UTF_8_MARK = b"\xef\xbb\xbf"

MARK_BYTES = 3
"""The most bytes of a mark."""


def is_utf_16(head: bytes) -> bool:
    """Returns whether a file that begins with these bytes is in UTF-16."""
    return head.startswith(UTF_16_MARKS)
