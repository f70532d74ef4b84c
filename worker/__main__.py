"""``python -m worker`` is the ``lettercourse`` command."""

from worker.app import main

if __name__ == "__main__":
    main()
