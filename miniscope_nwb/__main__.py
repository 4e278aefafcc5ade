"""`python -m miniscope_nwb` does the same as `miniscope-nwb`."""

from miniscope_nwb.cli.main import main

if __name__ == "__main__":
    main()
