"""``python -m scoreshock.running``."""

from scoreshock.running.tasks import main

if __name__ == "__main__":
    main()
