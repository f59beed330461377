"""The calls about what mails say: templates, and what they make of a notification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from tidings.delivery import mail_previews, mail_templates
from tidings.delivery.channels.email.templates import Rendered
from tidings.storage.store import Store
from tidings.surfaces.mail_policy import MAIL_POLICY
from tidings.surfaces.native.auth import KeyFirst, requires_key
from tidings.surfaces.native.endpoints.answers import ABSENT, ERRORS, UNCHANGED
from tidings.surfaces.native.schemas.templates import (
    EVERY,
    EventOrEvery,
    LocaleOrEvery,
    PreviewOut,
    TemplateIn,
    TemplateOut,
    TemplatesOut,
)
from tidings.surfaces.native.schemas.values import EventKey, Locale
from tidings.surfaces.native.writing import Write
from tidings.surfaces.services import CurrentServices

router = APIRouter(
    route_class=KeyFirst, dependencies=[requires_key], responses=ERRORS | ABSENT, tags=["mail templates"]
)


@dataclass(frozen=True)
class _Key:
    """Of which event and locale; "" for every one, as the core has it."""

    event: str
    locale: str


async def _key(key: EventOrEvery, locale: LocaleOrEvery) -> _Key:
    return _Key(key.replace(EVERY, ""), locale.replace(EVERY, ""))


Key = Annotated[_Key, Depends(_key)]

_ONE = "/events/{key}/templates/{locale}"
_MADE: dict[int | str, dict[str, Any]] = {201: {"description": "It was made", "model": TemplateOut}}


@router.put(_ONE, responses=_MADE, summary="Save a mail template")
async def put_template(key: Key, body: TemplateIn, write: Write, response: Response) -> TemplateOut:
    """What is left out of the body takes its default. What cannot work is refused, with where and why.

    `*` in the path is every event, or every locale.
    """
    compiled = await mail_templates.compiled(body.template(key.locale))

    async def put(store: Store) -> TemplateOut:
        new = await mail_templates.save(store, key.event, key.locale, compiled)
        response.status_code = 201 if new else 200
        return TemplateOut.of(await mail_templates.find(store, key.event, key.locale))

    return await write(put)


@router.get(_ONE, responses=UNCHANGED, summary="A mail template")
async def get_template(key: Key, services: CurrentServices) -> TemplateOut:
    """That of just this event and locale; a preview says which one a reader gets."""
    async with services.database.read() as store:
        return TemplateOut.of(await mail_templates.find(store, key.event, key.locale))


@router.delete(_ONE, status_code=204, summary="Remove a mail template")
async def delete_template(key: Key, write: Write) -> None:
    """From now on the next one that fits is taken."""
    await write(lambda store: mail_templates.remove(store, key.event, key.locale))


@router.get("/events/{key}/templates", responses=UNCHANGED, summary="The mail templates of an event")
async def list_templates(key: EventOrEvery, services: CurrentServices) -> TemplatesOut:
    """In which locales there are any; of `*` those of every event."""
    async with services.database.read() as store:
        return TemplatesOut.of(key, await mail_templates.locales(store, key.replace(EVERY, "")))


# --- previews ----------------------------------------------------------------------------------------------

_Format = Literal["json", "html", "text"]


@dataclass(frozen=True)
class _Question:
    """What a preview is to be of."""

    event: str
    locale: str
    notification_id: UUID | None
    format: _Format


async def _question(
    key: Annotated[EventKey, Path()],
    locale: Annotated[Locale | None, Query(description="The reader's; left out: they have none.")] = None,
    notification_id: Annotated[
        UUID | None, Query(description="One of the event; left out: one that is made up, without `data`.")
    ] = None,
    format: Annotated[_Format, Query(description="`html` and `text` answer that part alone.")] = "json",  # noqa: A002 - the query's name for it
) -> _Question:
    return _Question(key, locale or "", notification_id, format)


Question = Annotated[_Question, Depends(_question)]

_PREVIEW = "/events/{key}/preview"
_PREVIEWED: dict[str, Any] = {
    "response_model": PreviewOut,
    "responses": {200: {"content": {"text/html": {}, "text/plain": {}}}},
}


@router.get(_PREVIEW, **_PREVIEWED, summary="What a mail would say")
async def preview(asked: Question, services: CurrentServices) -> PreviewOut | Response:
    """What a reader of the locale would get. Its links unsubscribe nobody.

    As HTML it has a Content-Security-Policy by which it runs nothing, and loads nothing from elsewhere.
    """
    async with services.database.read() as store:
        example = await mail_previews.example(store, asked.event, asked.notification_id)
        written = await mail_templates.chosen(store, asked.event, asked.locale)
    template = mail_templates.compiled_of(written)
    rendered = await mail_previews.preview(example, template, public_url=services.settings.public_url)
    return _part(rendered, asked.format) or PreviewOut.of(rendered, written)


@router.post(_PREVIEW, **_PREVIEWED, summary="What a mail would say with another template")
async def preview_unsaved(
    asked: Question, body: TemplateIn, services: CurrentServices
) -> PreviewOut | Response:
    """The same with the template of the body, which is checked and not saved."""
    template = await mail_templates.compiled(body.template(asked.locale))
    async with services.database.read() as store:
        example = await mail_previews.example(store, asked.event, asked.notification_id)
    rendered = await mail_previews.preview(example, template, public_url=services.settings.public_url)
    return _part(rendered, asked.format) or PreviewOut.of(rendered, None)


def _part(rendered: Rendered, format_: _Format) -> Response | None:
    """That part alone; None where all is wanted."""
    if format_ == "html":
        headers = {"Content-Security-Policy": MAIL_POLICY, "X-Content-Type-Options": "nosniff"}
        return Response(rendered.html, headers=headers, media_type="text/html; charset=utf-8")
    return Response(rendered.text, media_type="text/plain; charset=utf-8") if format_ == "text" else None
