"""Sockets and HTTP: listeners, the HTTP binding, WebSockets, outgoing requests behind the address guard, pages, limits.

Callers import the module they need (`from folkmoot.net import http`), so that a program without outgoing requests or
pages does not load their libraries. Nothing here knows the domain.
"""
