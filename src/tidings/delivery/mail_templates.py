"""What operators write for mails, by event and locale.

An event is named by its key, a locale as it is usually written: pt-BR, or pt_BR. "" is every event, or every
locale.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from tidings.delivery.channels.email.templates import (
    Compiled,
    Rendered,
    Template,
    Words,
    choose,
    compile_template,
    default_template,
    locale_key,
    render,
    render_digest,
    widening,
)
from tidings.errors import NotFound, TooMany
from tidings.model import Event, Notification
from tidings.storage.store import Store
from tidings.storage.templates import MailTemplate

MOST_LOCALES = 200
"""In so many an event can have one."""


async def compiled(source: Template) -> Compiled:
    """A template that can be saved; before a transaction begins. Raises InvalidInput: what, and where."""
    return await asyncio.to_thread(compile_template, source)


async def rendered(
    template: Compiled, notification: Notification, *, inbox_url: str, unsubscribe_url: str
) -> Rendered:
    """The mail of a notification. Raises RenderFailed."""
    links = {"inbox_url": inbox_url, "unsubscribe_url": unsubscribe_url}
    return await asyncio.to_thread(render, template, notification, **links)  # it may take seconds


async def rendered_digest(
    template: MailTemplate | None,
    notifications: Sequence[Notification],
    *,
    left_out: int,
    inbox_url: str,
    unsubscribe_url: str,
) -> Rendered:
    """One mail for all of these and `left_out` more; of a template it takes the words around."""
    links = {"inbox_url": inbox_url, "unsubscribe_url": unsubscribe_url}
    words = compiled_of(template).source.words
    return await asyncio.to_thread(render_digest, words, notifications, left_out=left_out, **links)


async def save(store: Store, event: str, locale: str, template: Compiled) -> bool:
    """Keep it, in the place of what was there; whether there was nothing. Raises NotFound, TooMany."""
    there, key = await locales(store, event), locale_key(locale)
    if key not in there and len(there) >= MOST_LOCALES:
        raise TooMany(f"An event has templates in at most {MOST_LOCALES} locales.")
    source = template.source
    written = MailTemplate(
        event=event,
        locale=key,
        subject=source.subject,
        body=source.body,
        words=vars(source.words),
        layout=source.layout,
        html=None if source.layout is None else template.html,
        updated_at=await store.now(),
    )
    await store.templates.put(written)
    return key not in there


async def locales(store: Store, event: str) -> dict[str, datetime]:
    """The keys of those in which the event has a template, and when it was saved.

    Raises NotFound for an unknown event.
    """
    if event:
        await known(store, event)
    return await store.templates.locales(event)


async def find(store: Store, event: str, locale: str) -> MailTemplate:
    """The one of just this event and locale. Raises NotFound."""
    if event:
        await known(store, event)
    if (found := await store.templates.find(event, locale_key(locale))) is None:
        raise NotFound("There is no template for this event and locale.")
    return found


async def remove(store: Store, event: str, locale: str) -> None:
    """Let the next wider one take its place. Raises NotFound."""
    await find(store, event, locale)
    await store.templates.remove(event, locale_key(locale))


async def chosen(store: Store, event: str, locale: str) -> MailTemplate | None:
    """What a reader of the locale is written about the event; None: the default template."""
    found = await store.templates.candidates(event, widening(locale))
    return choose({(one.event, one.locale): one for one in found}, event, locale)


def compiled_of(written: MailTemplate | None) -> Compiled:
    """What was saved, to be rendered; None: the default template."""
    if written is None:
        return default_template()
    source = Template(
        subject=written.subject, body=written.body, words=Words(**written.words), layout=written.layout
    )
    # Who wrote no layout gets the default one of this version, and not of that which saved it.
    return Compiled(source=source, html=written.html or default_template().html)


async def known(store: Store, event: str) -> Event:
    """Raises NotFound."""
    if (found := (await store.catalog.events([event])).get(event)) is None:
        raise NotFound(f"There is no event {event!r}.", event=event)
    return found
