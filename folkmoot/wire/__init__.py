"""Protocol machines: bytes in, values out. Pure: no sockets, no clock, nothing else of this package."""
