"""Makes the tables, signed-in users and what they have unread: `python -m bench.peers.hq.prepare USERS EACH`.

It prints the users as JSON: [[id, key of the session], …].
"""

from __future__ import annotations

import json
import sys
from typing import Any

import django
from django.core.management import call_command

_FILL = """
INSERT INTO notifications_notification
    (level, recipient_id, unread, actor_content_type_id, actor_object_id, verb, description, timestamp,
     public, deleted, emailed, data)
SELECT 'info', who, true, %s, who::text, 'Notification ' || n,
       'Something happened that you may want to know.', now() - (%s - n) * interval '1 second',
       true, false, false, '{"number": ' || n || '}'
FROM generate_series(1, %s) n, unnest(%s::int[]) who
ORDER BY n
"""


def main(count: int, each: int) -> list[tuple[int, str]]:
    django.setup()
    call_command("migrate", verbosity=0)

    # Models can be imported once Django is set up.
    from django.contrib.auth.models import User  # noqa: PLC0415
    from django.contrib.contenttypes.models import ContentType  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    users = User.objects.bulk_create(
        [User(username=f"user{number}", password="!") for number in range(count)]
    )
    kind = ContentType.objects.get_for_model(User)
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [kind.pk, each, each, [user.pk for user in users]])
    return [(user.pk, _session(user)) for user in users]


def _session(user: Any) -> str:
    from django.contrib import auth  # noqa: PLC0415 - as above
    from django.contrib.sessions.backends.db import SessionStore  # noqa: PLC0415

    session = SessionStore()
    session[auth.SESSION_KEY] = str(user.pk)
    session[auth.BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return session.session_key


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:]))))
