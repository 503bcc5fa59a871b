"""What leaves the house after something happened: mail to subscribers, its queue, and the way to the relay."""
