"""``python -m dse``."""

import sys

if __name__ == "__main__":
    try:
        from dse.cli import main
    except KeyboardInterrupt:  # before there is anything to be stopped
        sys.exit(130)
    main()
