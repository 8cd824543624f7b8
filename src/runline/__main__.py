"""`python -m runline` is the command `runline`."""

from runline.cli import main

if __name__ == "__main__":
    main()
