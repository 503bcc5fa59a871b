"""What the operations do: the API's in `api`, the archive's pages in `pages`."""
