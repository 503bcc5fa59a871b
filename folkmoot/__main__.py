"""The `folkmoot` command; see `folkmoot.commands`."""

from folkmoot.commands import main

if __name__ == "__main__":
    main()
