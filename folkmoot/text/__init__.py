"""Documents and little languages, pure: mail, threading, patches, Markdown. No sockets, no database, no clock."""
