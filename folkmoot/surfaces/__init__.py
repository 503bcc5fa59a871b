"""The interfaces the world sees; each answers like one product and calls the domain."""
