"""What goes over the wire about what mails say."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, Field

from tidings.delivery.channels.email.templates import Rendered, Template, Words
from tidings.storage.templates import MailTemplate
from tidings.surfaces.native.schemas.values import In, Locale, Text

EVERY = "*"
"""In the place of an event's key or a locale."""

EventOrEvery = Annotated[
    str,
    Path(
        pattern=r"^(\*|[A-Za-z0-9][A-Za-z0-9_.:\-]{0,127})$",
        description="A key of the catalog, or `*`: every event that has no template of its own.",
        examples=["invoice.overdue"],
    ),
]
LocaleOrEvery = Annotated[
    str,
    Path(
        max_length=35,
        pattern=r"^(\*|[A-Za-z]{2,8}([_\-][A-Za-z0-9]{1,8})*)$",
        description="Such as `pt-BR`, in capitals or not, or `*`: every locale. Who has `pt-BR` gets that "
        "for it, else that for `pt`, else that for `*`; those of the event come before those of every event.",
        examples=["pt-BR"],
    ),
]
_Line = Annotated[Text, Field(min_length=1, pattern=r"^[^\x00-\x1f\x7f]*$")]


class WordsIn(In):
    """What stands around the text: plain, and by default English."""

    language: Locale | None = Field(
        default=None, description="Of the text; by default the template's locale."
    )
    inbox: Annotated[_Line, Field(max_length=200)] = Words.inbox
    reason: Annotated[_Line, Field(max_length=1000)] = Words.reason
    unsubscribe: Annotated[_Line, Field(max_length=200)] = Words.unsubscribe
    one_unread: Annotated[_Line, Field(max_length=200)] = Field(
        default=Words.one_unread,
        description="The subject of a digest of one; this and the next two are of "
        "use in a template for every event.",
    )
    unread: Annotated[_Line, Field(max_length=200)] = Field(
        default=Words.unread, description="The subject of a digest, with `{count}` where the number stands."
    )
    more: Annotated[_Line, Field(max_length=200)] = Field(
        default=Words.more, description="What is told of those in a digest that find no room in it."
    )

    def words(self, locale: str) -> Words:
        """`locale` is a locale, or ""."""
        language = self.language or locale or Words.language
        return Words(**self.model_dump(exclude={"language"}), language=language.replace("_", "-"))


class TemplateIn(In):
    """What a mail says, in Liquid. What is left out takes its default.

    It can name `title`, `body`, `event`, `topic`, `severity`, `data`, `actions`, `created_at`, `inbox_url`,
    `unsubscribe_url` and `words`, and a layout `subject`, `heading` and `paragraphs`, too.
    """

    subject: Text = Field(default=Template.subject, description="What comes out is cut after 200 characters.")
    body: Text = Field(default=Template.body, description="Plain text. An empty line begins a paragraph.")
    words: WordsIn = Field(default_factory=WordsIn)
    layout: Text | None = Field(
        default=None, description="MJML, with Liquid where it has text. By default that of Tidings."
    )

    def template(self, locale: str) -> Template:
        """`locale` is a locale, or ""."""
        words = self.words.words(locale)
        return Template(subject=self.subject, body=self.body, words=words, layout=self.layout)


class TemplateKey(BaseModel):
    """Of which event and locale a template is, each as its path has it."""

    event: str = Field(description="Its key, or `*`.")
    locale: str = Field(description="In lower case, or `*`.")

    @classmethod
    def of_key(cls, written: MailTemplate) -> TemplateKey:
        return cls(event=written.event or EVERY, locale=written.locale or EVERY)


class WordsOut(BaseModel):
    language: str
    inbox: str
    reason: str
    unsubscribe: str
    one_unread: str
    unread: str
    more: str


class TemplateOut(TemplateKey):
    subject: str
    body: str
    words: WordsOut
    layout: str | None = Field(description="null: that of Tidings.")
    updated_at: datetime

    @classmethod
    def of(cls, written: MailTemplate) -> TemplateOut:
        return cls(
            event=written.event or EVERY,
            locale=written.locale or EVERY,
            subject=written.subject,
            body=written.body,
            words=WordsOut.model_validate(written.words),
            layout=written.layout,
            updated_at=written.updated_at,
        )


class SavedTemplate(TemplateKey):
    updated_at: datetime


class TemplatesOut(BaseModel):
    """Of each locale in which the event has a template of its own."""

    items: list[SavedTemplate]

    @classmethod
    def of(cls, event: str, locales: dict[str, datetime]) -> TemplatesOut:
        return cls(
            items=[
                SavedTemplate(event=event, locale=locale or EVERY, updated_at=at)
                for locale, at in locales.items()
            ]
        )


class PreviewOut(BaseModel):
    subject: str
    text: str
    html: str
    template: TemplateKey | None = Field(
        description="Which it is; null: that of the request, or Tidings' own, for nobody wrote one."
    )

    @classmethod
    def of(cls, rendered: Rendered, written: MailTemplate | None) -> PreviewOut:
        template = None if written is None else TemplateKey.of_key(written)
        return cls(subject=rendered.subject, text=rendered.text, html=rendered.html, template=template)
