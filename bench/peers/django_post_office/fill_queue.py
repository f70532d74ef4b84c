"""Put one letter to many people into django-post-office's queue: ``fill_queue.py FILE COUNT``."""

import json
import sys
from pathlib import Path

import django

BATCH = 500


def main() -> None:
    django.setup()
    from post_office import mail

    letter = json.loads(Path(sys.argv[1]).read_text())
    count = int(sys.argv[2])
    for begin in range(0, count, BATCH):
        mail.send_many(
            [
                {
                    "sender": letter["sender"],
                    "recipients": [f"person{number}@example.org"],
                    "subject": letter["subject"],
                    "message": letter["text"],
                    "html_message": letter["html"],
                    "headers": letter["headers"],
                }
                for number in range(begin, min(begin + BATCH, count))
            ]
        )


if __name__ == "__main__":
    main()
