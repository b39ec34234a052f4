"""`python -m specbuild`: the command, where its script is not on the path."""

from specbuild.cli.main import main

if __name__ == "__main__":
    main()
