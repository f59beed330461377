"""Notifications as e-mails: what they say, what does not break out of them, and how far a template goes."""

from __future__ import annotations

import re
import tracemalloc
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html import unescape
from html.parser import HTMLParser
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from liquid import Environment

from tidings.delivery.channels.email import message, templates
from tidings.delivery.channels.email.message_ids import MessageIds
from tidings.delivery.channels.email.templates import (
    Rendered,
    RenderFailed,
    Template,
    Words,
    choose,
    compile_template,
    default_template,
    locale_key,
)
from tidings.errors import InvalidInput
from tidings.model import Audience, Notification, Severity

INBOX = "https://tidings.example/inbox"
UNSUBSCRIBE = (
    "https://tidings.example/api/v1/notifications/unsubscribe?email=ada%40example.com&token=" + "a" * 32
)
NAMESPACES = {"http://www.w3.org/1999/xhtml"}
LONGEST_LINE = 998
WHEN = datetime(2026, 11, 4, 9, 30, tzinfo=timezone(timedelta(hours=-3)))
ACTIONS = [
    {"label": "Send a reminder", "url": "https://app.example/i/117/remind?by=mail&to=all"},
    {"label": "Write to them", "url": "mailto:kovacs@example.com"},
]


def notification(**changes: Any) -> Notification:
    fields: dict[str, Any] = {
        "id": UUID(int=1),
        "stream_id": UUID(int=2),
        "audience": Audience.USER,
        "seq": 1,
        "lane": 1,
        "position": 1,
        "event": "invoice.overdue",
        "topic": "invoices",
        "severity": Severity.WARNING,
        "title": "Invoice 117 is overdue",
        "body": "Kovács & Sons have not paid.\n\nRemind them.\nOr wait.",
        "data": {"number": 117, "lines": [{"name": "Oats", "cents": 300}, {"name": "Rye", "cents": 450}]},
        "actions": ACTIONS,
        "created_at": datetime(2026, 11, 4, tzinfo=UTC),
        "occurred_at": None,
        "expires_at": None,
        "resolved_at": None,
    }
    return Notification(**fields | changes)


def render(template: Template | None = None, **changes: Any) -> Rendered:
    compiled = compile_template(template or Template())
    return templates.render(compiled, notification(**changes), inbox_url=INBOX, unsubscribe_url=UNSUBSCRIBE)


def layout(inner: str, head: str = "") -> str:
    """A layout of one column."""
    return (
        f"<mjml><mj-head>{head}</mj-head><mj-body><mj-section><mj-column>\n{inner}\n"
        "</mj-column></mj-section></mj-body></mjml>"
    )


def built(rendered: Rendered, **changes: Any) -> EmailMessage:
    fields: dict[str, Any] = {
        "sender": "Tidings <no-reply@tidings.example>",
        "to": "ada@example.com",
        "message_id": MessageIds(b"secret").of(UUID(int=1), UUID(int=3), "tidings.example"),
        "date": WHEN,
        "unsubscribe_url": UNSUBSCRIBE,
        "thread": None,
    }
    return message.build(rendered=rendered, **fields | changes)


def received(sent: EmailMessage) -> EmailMessage:
    """The message as its reader gets it, once its lines were found fit to be sent."""
    octets = sent.as_bytes()
    assert octets.isascii()
    assert max(map(len, octets.split(b"\r\n"))) <= LONGEST_LINE
    assert b"\n" not in octets.replace(b"\r\n", b"")
    parsed = message_from_bytes(octets, policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def part(sent: EmailMessage, kind: str) -> str:
    found = sent.get_body((kind,))
    assert isinstance(found, EmailMessage)
    assert found.get_content_charset() == "utf-8"
    return found.get_content().replace("\r\n", "\n")


class Page(HTMLParser):
    """What a browser makes of the HTML: elements, links with their words, addresses and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.links: list[tuple[str, str]] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "background")]
        if tag == "a":
            self.links.append((dict(attrs).get("href") or "", ""))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1] == "style":
            return
        self.text += data
        if self.elements and self.elements[-1] == "a" and self.links[-1][1] == "":
            self.links[-1] = (self.links[-1][0], data)


# What it says


def test_the_plain_text_says_it_all() -> None:
    assert render().text == (
        "Invoice 117 is overdue\n\n"
        "Kovács & Sons have not paid.\n\n"
        "Remind them.\nOr wait.\n\n"
        "Send a reminder: https://app.example/i/117/remind?by=mail&to=all\n"
        "Write to them: mailto:kovacs@example.com\n"
        f"Open your inbox: {INBOX}\n\n"
        "-- \n"
        "You get this e-mail because e-mail is switched on for notifications of this kind.\n"
        f"Unsubscribe: {UNSUBSCRIBE}\n"
    )


def test_the_html_says_the_same_and_links_to_the_same() -> None:
    html = render().html
    page = Page(html)

    assert page.links == [
        (ACTIONS[0]["url"], "Send a reminder"),
        (ACTIONS[1]["url"], "Write to them"),
        (INBOX, "Open your inbox"),
        (UNSUBSCRIBE, "Unsubscribe"),
    ]
    assert "<h1" in html
    assert re.findall(r"<p [^>]*>(.*?)</p>", html, re.DOTALL) == [
        "Kovács &amp; Sons have not paid.",
        "Remind them.<br />\nOr wait.",
    ]
    assert Words().reason in page.text


def test_a_mail_can_have_no_body_and_no_actions() -> None:
    rendered = render(body=None, actions=[])

    assert rendered.text.startswith(f"Invoice 117 is overdue\n\nOpen your inbox: {INBOX}\n\n-- \n")
    assert "<p " not in rendered.html
    assert len(Page(rendered.html).links) == 2


def test_the_html_asks_no_other_host_for_anything() -> None:
    html = render().html
    hosts = set(re.findall(r"https?://[^\s\"'<>&?)]+", html)) - NAMESPACES

    assert {address.partition("?")[0] for address in hosts} <= {
        INBOX,
        UNSUBSCRIBE.partition("?")[0],
        "https://app.example/i/117/remind",
    }
    assert not re.search(r"@import|url\(|<link|<script|<img", html)


def test_every_address_in_the_html_is_of_the_web_or_of_mail() -> None:
    addresses = Page(render().html).addresses

    assert addresses
    assert all(re.match(r"https?://[\w.]+/|mailto:", address) for address in addresses)


def test_the_html_is_made_for_light_and_dark() -> None:
    html = render().html

    assert '<meta name="color-scheme" content="light dark">' in html
    assert "@media (prefers-color-scheme: dark)" in html


def test_a_tenant_writes_the_words() -> None:
    words = Words(language="pt-BR", inbox="Abrir", reason="Você pediu <isto>.", unsubscribe="Cancelar")
    template = Template(
        subject="Fatura {{ data.number }}",
        body="{% for line in data.lines %}{{ forloop.index }}. {{ line.name }}\n{% endfor %}\nOlá!",
        words=words,
    )

    rendered = render(template)

    assert rendered.subject == "Fatura 117"
    assert rendered.text.startswith("Fatura 117\n\n1. Oats\n2. Rye\n\nOlá!\n\n")
    assert f"Abrir: {INBOX}\n\n-- \nVocê pediu <isto>.\nCancelar: {UNSUBSCRIBE}" in rendered.text
    assert '<html lang="pt-BR"' in rendered.html
    assert "Você pediu &lt;isto&gt;." in rendered.html
    assert "Fatura 117" in Page(rendered.html).text


def test_a_subject_that_comes_out_empty_is_the_event() -> None:
    assert render(Template(subject="{{ data.nothing }}")).subject == "invoice.overdue"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://app.example/a?b=c&d=e#f", "https://app.example/a?b=c&d=e#f"),
        ("HTTP://app.example", "http://app.example"),
        ("mailto:ada@example.com?subject=x", "mailto:ada@example.com?subject=x"),
        ("/invoices/7", "https://tidings.example/invoices/7"),
        ("?page=2", f"{INBOX}?page=2"),
        ("https://app.example/é x", "https://app.example/%C3%A9%20x"),
        ('https://app.example/"><b>', "https://app.example/%22%3E%3Cb%3E"),
        ("javascript:alert(1)", None),
        (" JavaScript:alert(1)", None),
        ("java\nscript:alert(1)", None),
        ("\x01javascript:alert(1)", None),
        ("data:text/html,<script>alert(1)</script>", None),
        ("vbscript:x", None),
        ("file:///etc/passwd", None),
        ("https://", None),
        ("https:\\\\evil.example", None),
        ("https://[", None),
        ("mailto:", None),
        ("", None),
        (None, None),
        (7, None),
        ({"a": "b"}, None),
    ],
)
def test_where_an_action_leads(url: object, expected: str | None) -> None:
    rendered = render(actions=[{"label": "Go", "url": url}])
    leads = [link for link, label in Page(rendered.html).links if label == "Go"]

    assert [link.lower() for link in leads] == ([] if expected is None else [expected.lower()])
    assert ("Go: " in rendered.text) == (expected is not None)
    assert "script:" not in rendered.html


@pytest.mark.parametrize(
    "action", [{}, {"url": INBOX}, {"label": "", "url": INBOX}, {"label": 7, "url": INBOX}]
)
def test_an_action_without_a_label_is_left_out(action: dict[str, Any]) -> None:
    assert len(Page(render(actions=[action]).html).links) == 2


# What does not break out

HOSTILE: dict[str, tuple[str, str]] = {
    "a header": ("Hi\r\nBcc: eve@example.com\r\n\r\n<b>", "Hi Bcc: eve@example.com <b>"),
    "line ends of Unicode": ("a\u2028b\u2029c\x85d\x0be\x0cf\x1cg", "a b c d e f g"),
    "markup": ('<script>alert("1")</script>', '<script>alert("1")</script>'),
    "an end of the title": ("</title><script>x</script>", "</title><script>x</script>"),
    "an end of a comment": ("--><script>x</script><!--", "--><script>x</script><!--"),
    "an attribute": ("\"' onmouseover='x' style=\"", "\"' onmouseover='x' style=\""),
    "Liquid": ("{{ data.number }}{% if %}", "{{ data.number }}{% if %}"),
    "an encoded word": ("=?utf-8?q?a=0D=0ABcc:_eve@example.com?=", "=?utf-8?q?a=0D=0ABcc:_eve@example.com?="),
    "control characters": ("a\0b\x1b[31mc\x7f", "a b [31mc"),
    "Hebrew": ("שלום עולם", "שלום עולם"),
    "an override": ("invoice\u202egpj.exe\u2066", "invoicegpj.exe"),
    "emoji": ("👩‍👩‍👧‍👦 " * 20, ("👩‍👩‍👧‍👦 " * 20).strip()),
    "half a pair": ("a\ud83db", "a?b"),
    "spaces that do not break": ("1\xa0240\u202f€", "1\xa0240\u202f€"),
    "much": ("x" * 10_000, "x" * 199 + "…"),
    "much that is encoded": ("é<" * 5_000, "é<" * 99 + "é…"),
    "words": ("word " * 2_000, "word " * 39 + "word…"),
}


@pytest.mark.parametrize(("title", "subject"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_title_stays_a_title(title: str, subject: str) -> None:
    rendered = render(title=title)
    mail = received(built(rendered))
    harmless = render()

    assert rendered.subject == subject
    assert mail["Subject"] == subject.replace("=?", "= ?")
    assert mail.keys() == received(built(harmless)).keys()
    assert mail["Bcc"] is None
    assert Page(rendered.html).elements == Page(harmless.html).elements
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", rendered.html)
    assert heading is not None
    assert unescape(heading[1])[:199] == subject[:199]
    assert part(mail, "html") == f"{rendered.html}\n"
    assert part(mail, "plain") == rendered.text


@pytest.mark.parametrize(("hostile", "_"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_values_stay_values(hostile: str, _: str) -> None:
    inner = '<mj-text><a title="{{ data.x }}">{{ data.x }}</a><!-- {{ data.x }} --></mj-text>'
    template = Template(layout=layout(inner, "<mj-title>{{ data.x }}</mj-title>"))

    html = render(template, data={"x": hostile}, body=hostile).html

    assert Page(html).elements == Page(render(template, data={"x": "x"}).html).elements
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", html)


FILTERS = sorted({*Environment().filters} - {"safe"})


@settings(max_examples=300, deadline=None, database=None)
@given(
    st.lists(st.sampled_from(FILTERS), max_size=4),
    st.sampled_from(["", ": '&lt;'", ": '&', ';'", ": ';', title", ": '&lt;', title", ": 0, 9", ": title"]),
    st.sampled_from(["title", "escaped", "captured", "list"]),
)
def test_no_filter_lets_markup_in(filters: list[str], argument: str, start: str) -> None:
    """Whatever was done to the value before, and with any argument in which no author writes markup."""
    chain = "".join(f" | {name}{argument}" for name in filters)
    before = (
        "{% capture captured %}{{ title }}{% endcapture %}"
        "{% assign escaped = title | escape %}{% assign list = title | split: '' %}"
    )
    hostile = "<script>a</script> &lt;script&gt; %3Cscript%3E PHNjcmlwdD4= &amp;lt;script&amp;gt;"
    html = before + "{{ " + start + chain + " }}"
    compiled = templates.Compiled(source=Template(subject="x", body="x"), html=html)

    try:
        said = templates.render(compiled, notification(title=hostile), inbox_url="", unsubscribe_url="")
    except RenderFailed:
        return
    assert "<" not in said.html.replace("<br />", "")


def test_an_address_that_a_layout_makes_of_a_value_runs_nothing() -> None:
    inner = """
    <mj-button href="{{ data.url }}">Button</mj-button>
    <mj-text><a href='{{ data.url }}'>Link</a><a href="{{ data.good }}">Good</a></mj-text>
    <mj-image src="{{ data.url }}" />"""
    data = {"url": "java\tscript:alert('1')", "good": "https://app.example/?a=1&b=2"}

    page = Page(render(Template(layout=layout(inner)), data=data).html)

    assert [address for address in page.addresses if address] == [data["good"]]


# The headers


def test_the_headers() -> None:
    mail = received(built(render(title="Überfällig: Rechnung 117 🎉")))

    assert {name: str(value) for name, value in mail.items() if name != "Content-Type"} == {
        "From": "Tidings <no-reply@tidings.example>",
        "To": "ada@example.com",
        "Subject": "Überfällig: Rechnung 117 🎉",
        "Date": "Wed, 04 Nov 2026 09:30:00 -0300",
        "Message-ID": MessageIds(b"secret").of(UUID(int=1), UUID(int=3), "tidings.example"),
        "List-Unsubscribe": f"<{UNSUBSCRIBE}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
    }
    assert mail.get_content_type() == "multipart/alternative"
    assert [each.get_content_type() for each in mail.iter_parts()] == ["text/plain", "text/html"]


def test_short_lines_are_ascii_too() -> None:
    mail = received(built(Rendered(subject="é", text="é\n", html="<p>é</p>\n")))

    assert (part(mail, "plain"), part(mail, "html")) == ("é\n", "<p>é</p>\n")


def test_what_machines_read_is_written_as_it_is() -> None:
    thread = message.thread_id(uuid4(), "k", "mail.a-rather-long-name-of-a-host.tidings.example")
    octets = built(render(), thread=thread, unsubscribe_url=f"{UNSUBSCRIBE}{'b' * 300}").as_bytes()

    assert f"\r\nList-Unsubscribe: <{UNSUBSCRIBE}{'b' * 300}>\r\n".encode() in octets
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in octets
    assert f"\r\nReferences: {thread}\r\n".encode() in octets
    assert f"\r\nIn-Reply-To: {thread}\r\n".encode() in octets


def test_a_mail_outside_of_threads_answers_nothing() -> None:
    mail = built(render())

    assert (mail["References"], mail["In-Reply-To"]) == (None, None)


def test_a_message_id_depends_on_all_that_it_is_made_of_and_on_nothing_else() -> None:
    one, other = uuid4(), uuid4()
    made = [
        (one, other, "a.example"),
        (other, one, "a.example"),
        (one, one, "a.example"),
        (one, other, "b.example"),
    ]
    ids = [MessageIds(b"secret").of(*each) for each in made]

    assert ids == [MessageIds(b"secret").of(*each) for each in made]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"<[0-9a-f.]+@[ab]\.example>", each) for each in ids)


@pytest.mark.parametrize("key", ["invoice-117", "a b>\r\nBcc: x", "ключ", "\ud800", "k" * 255])
def test_a_thread_is_of_one_stream_and_key_and_tells_nothing_of_the_key(key: str) -> None:
    stream = uuid4()
    thread = message.thread_id(stream, key, "a.example")

    assert re.fullmatch(r"<thread\.[0-9a-f]{32}@a\.example>", thread)
    assert thread == message.thread_id(stream, key, "a.example")
    assert thread != message.thread_id(uuid4(), key, "a.example")
    assert thread != message.thread_id(stream, f"{key}.", "a.example")
    assert received(built(render(), thread=thread))["References"] == thread


@pytest.mark.parametrize(
    ("address", "sender"),
    [
        ("", ""),
        ("ada", "Ada"),
        ("ada@", "Ada <ada@>"),
        ("ada@example.com, eve@example.com", "Ada <ada@example.com>, Eve <eve@example.com>"),
        ("ada@example.com\r\nBcc: eve@example.com", "Ada\nBcc: eve@example.com <ada@example.com>"),
        ("ada@example.com\0", "Ada\0 <ada@example.com>"),
        ("ada@bücher.example", "Ada <ada@bücher.example>"),
        (
            "=?utf-8?q?a=0D=0ABcc=3A_eve=40example.com?=@example.com",
            "=?utf-8?q?a=0D=0ABcc:_eve?= <ada@example.com>",
        ),
        ("ada lovelace@example.com", "Ada <ada lovelace@example.com>"),
    ],
)
def test_what_is_not_one_address_is_refused(address: str, sender: str) -> None:
    for fields in ({"to": address}, {"sender": address}, {"sender": sender}):
        with pytest.raises(InvalidInput, match="no e-mail address"):
            built(render(), **fields)


def test_a_name_of_a_sender_can_have_any_letters() -> None:
    mail = received(built(render(), sender='"Bücher, AG" <no-reply@example.com>'))

    assert mail["From"].addresses[0].display_name == "Bücher, AG"
    assert mail["From"].addresses[0].addr_spec == "no-reply@example.com"


# Layouts


def test_liquid_can_stand_wherever_a_layout_has_text() -> None:
    inner = """
    {% for line in data.lines %}
      <mj-text css-class="line-{{ forloop.index }}">
        {{ line.name | append: "." }}{% if line.cents > 400 %}!{% endif %}
      </mj-text>
    {% endfor %}
    <mj-text><i title="{% if title %}{{ title }}{% endif %}">a</i></mj-text>
    <mj-table>{% for line in data.lines %}<tr><td>{{ line.cents }}</td></tr>{% endfor %}</mj-table>
    <mj-text>{% raw %}{{ raw }}{% endraw %}{% comment %} gone {% endcomment %}</mj-text>
    """
    head = "<mj-title>{% if title %}{{ title }}{% endif %}</mj-title><mj-preview>{{ body }}</mj-preview>"

    html = render(Template(layout=layout(inner, head)), title="T&T").html

    assert re.findall(r'class="line-(\d)".*?>\s*(Oats|Rye)\.(!?)\s*<', html, re.DOTALL) == [
        ("1", "Oats", ""),
        ("2", "Rye", "!"),
    ]
    assert re.findall(r"<td[^>]*>(\d+)</td>", html) == ["300", "450"]
    assert '<i title="T&amp;T">a</i>' in html
    assert "{{ raw }}" in html
    assert "gone" not in html
    assert "<title>T&amp;T</title>" in html
    assert "liquid-held" not in html


def test_css_is_inlined_and_what_cannot_be_is_kept() -> None:
    style = "<mj-style>.x { color: #123456 } @media print { .x { color: #654321 } }</mj-style>"

    html = render(Template(layout=layout('<mj-text css-class="x">a</mj-text>', style))).html

    assert re.search(r'class="x"[^>]*style="[^"]*color: #123456', html)
    assert re.search(r"<style>.*@media print { .x { color: #654321 } }", html, re.DOTALL)


def test_no_style_sheet_is_read_from_a_file_or_host(tmp_path: Any) -> None:
    (tmp_path / "a.css").write_text("p { color: #123456 }")
    linked = f'<mj-raw><link rel="stylesheet" href="file://{tmp_path}/a.css"></mj-raw>'
    fonts = '<mj-text font-family="Roboto, Ubuntu"><p>a</p></mj-text>'

    html = render(Template(layout=layout(fonts, linked))).html

    assert "#123456" not in html
    assert "fonts.googleapis" not in html
    assert "stylesheet" not in html


# What is refused when it is saved

MANY_RULES = "".join(f"a{number}: b;" for number in range(400))
LOOP = "{% for line in data.lines %}"
REFUSED: dict[str, tuple[Template, str]] = {
    "a tag": (Template(body="a\n{% nonsense %}"), "body, line 2: unexpected tag 'nonsense'"),
    "a filter": (Template(subject="{{ title | shout }}"), "subject, line 1: there is no filter 'shout'"),
    "a filter in a block": (
        Template(body=LOOP + "\n{{ 1 | shout }}{% endfor %}"),
        "body, line 2: there is no filter",
    ),
    "a filter that trusts": (Template(body="{{ title | safe }}"), "there is no filter 'safe'"),
    "a name": (Template(body="a\n\n{{ titel }}"), "body, line 3: nothing is called 'titel'"),
    "the clock": (Template(body="{{ now }}"), "nothing is called 'now'"),
    "a file": (Template(body="{% include '/etc/passwd' %}"), "unexpected tag 'include'"),
    "another template": (Template(body="{% render 'x' %}"), "unexpected tag 'render'"),
    "a block without its end": (Template(body="a\n{% if title %}"), "body: expected tag endif"),
    "an end without its block": (Template(body="{% endfor %}"), "body, line 1: unexpected tag 'endfor'"),
    "an expression": (Template(body="{{ title title }}"), "body, line 1: "),
    "an operator": (Template(body="{% if title =! 1 %}{% endif %}"), "body, line 1: "),
    "a long loop": (Template(body="{% for i in (1..1000000000) %}{% endfor %}"), "line 1: ranges such as"),
    "a long list": (Template(body="{{ (1..1000000000) | join }}"), "ranges such as"),
    "a long search": (
        Template(body=LOOP + "{% if (1..99999999) contains 'x' %}{% endif %}{% endfor %}"),
        "ranges",
    ),
    "many braces": (Template(body="{{" * 20_000), "body, line 1: {{ is not closed soon enough"),
    "many spaces": (
        Template(body="\n{%" + " " * 40_000 + "%}"),
        "body, line 2: {% is not closed soon enough",
    ),
    "many beginnings": (Template(body="{% raw %}" * 5_000), "body, line 1: {% raw %} has no endraw"),
    "half a pair": (Template(body="\ud800"), "body: "),
    "length": (Template(subject="x" * 50_001), "subject: it is longer than 50,000 characters"),
    "blocks in blocks": (Template(body="{% if title %}" * 99 + "{% endif %}" * 99), "nesting"),
    "no MJML": (Template(layout="Hello"), "layout: "),
    "nothing": (Template(layout=""), "layout: "),
    "an element without its end": (Template(layout=layout("<mj-text>a")), "layout: "),
    "an attribute": (Template(layout=layout("\n<mj-text a=b></mj-text>")), "layout: "),
    "an unknown element": (
        Template(layout=layout("\n<mj-bogus />")),
        "layout, line 3: mj-bogus is not known",
    ),
    "a file of MJML": (
        Template(layout=layout('<mj-include path="/etc/passwd" />')),
        "layout, line 2: unable to load",
    ),
    "Liquid of a layout": (
        Template(layout=layout("\n{{ nope }}")),
        "layout, line 3: nothing is called 'nope'",
    ),
    "Liquid where no text is": (
        Template(layout=layout('<mj-text>a</mj-text>\n<mj-image width="{{ data.x }}" />')),
        "layout, line 3: {{ data.x }} stands where MJML keeps no text",
    ),
    "a mark": (
        Template(layout=layout("<mj-text>liquid-held-word-0-</mj-text>")),
        "liquid-held- has a meaning",
    ),
    "depth": (
        Template(layout=layout("<mj-text>" + "<b>" * 2_000 + "</b>" * 2_000)),
        "more than 500 elements",
    ),
    "CSS": (
        Template(layout=layout("", "<mj-style>" + "p{a:b}" * 301 + "</mj-style>")),
        "more than 300 rules",
    ),
    "a panic": (Template(layout=layout("", "<mj-style>a { b: c; é/>d a { e: f }</mj-style>")), "layout: "),
    "size": (
        Template(
            layout=layout(
                "<mj-text>" + "<p>x</p>" * 450 + "</mj-text>",
                f"<mj-style>p {{ {MANY_RULES} }}</mj-style>",
            )
        ),
        "compiled layout: it is longer than 500,000 characters",
    ),
    "a block in two places": (
        Template(
            layout=layout("", "<mj-title>{% if title %}</mj-title><mj-preview>{% endif %}</mj-preview>")
        ),
        "compiled layout: expected tag endif",
    ),
}


@pytest.mark.parametrize(("template", "said"), REFUSED.values(), ids=REFUSED)
def test_a_template_that_cannot_work_is_refused_with_its_reason(template: Template, said: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        compile_template(template)

    assert said in refusal.value.message
    assert "liquid-held" not in refusal.value.message.replace("liquid-held- has", "")


# What goes too far when it is sent

MANY = {"list": list(range(400)), "short": list(range(40)), "same": [{"k": "v" * 50}] * 400}
TOO_FAR: dict[str, tuple[str, str]] = {
    "loops in loops": (
        "{% for a in data.list %}{% for b in data.list %}{% endfor %}{% endfor %}",
        "loop iteration",
    ),
    "loops after loops": ("{% for a in data.list %}{% assign b = a %}{% endfor %}" * 200, "too much work"),
    "output": ("{% for a in data.list %}{{ body }}{% endfor %}", "output stream limit"),
    "doubling": ("{% assign a = body %}" + "{% assign a = a | append: a %}" * 60, "local namespace limit"),
    "doubling lists": ("{% assign a = data.same %}" + "{% assign a = a | concat: a %}" * 60, "too much work"),
    "replacing": ("{{ body" + " | replace: 'x', 'xxxxxxxxxxxxxxxxxxxx'" * 20 + "}}", "too much work"),
    "joining": ("{{ body | split: '' | join: body }}", "too much work"),
    "comparing": ("{% for a in data.list %}{% if data.same == a %}{% endif %}{% endfor %}", "too much work"),
    "searching": (
        "{% for a in data.list %}{% if body contains 'y' %}{% endif %}{% endfor %}",
        "too much work",
    ),
    "filtering": (
        "{% for a in data.short %}{% assign b = body" + " | upcase | downcase" * 20 + " %}{% endfor %}",
        "too much work",
    ),
    "multiplying": ("{% assign n = 9 %}" + "{% assign n = n | times: n %}" * 60, "too much work"),
    "many names": (
        "{% for a in data.list %}" + "".join(f"{{% assign a{n} = 1 %}}" for n in range(999)) + "{% endfor %}",
        "too much work",
    ),
    "a filter's argument": ("{{ title | truncate: 'x' }}", "truncate"),
    "a division": ("{{ 1 | divided_by: 0 }}", "divi"),
}


@pytest.mark.parametrize(("body", "reason"), TOO_FAR.values(), ids=TOO_FAR)
def test_a_template_that_goes_too_far_fails_with_its_reason(body: str, reason: str) -> None:
    with pytest.raises(RenderFailed) as failure:
        render(Template(body=body), body="x" * 20_000, data=MANY)

    assert reason in failure.value.reason


@pytest.mark.parametrize(
    "body",
    [
        "{{ body | split: '' | join: body }}",
        "{% assign s = body | append: body | append: body %}{{ title | split: '' | join: separator: s }}",
        "{{ body | replace: 'x', body }}",
        "{{ body | replace: '', body }}",
    ],
)
def test_what_would_take_much_memory_fails_before_it_does(body: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(RenderFailed, match="too much work"):
            render(Template(body=body), title="x" * 900, body="x" * 20_000)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


def test_the_same_limits_hold_for_a_layout() -> None:
    inner = "<mj-text>{% for a in data.list %}{{ body }}{% endfor %}</mj-text>"

    with pytest.raises(RenderFailed, match="output stream limit"):
        render(Template(layout=layout(inner)), body="x" * 20_000, data=MANY)


def test_what_may_be_sent_stays_within_the_limits() -> None:
    rendered = render(title="<" * 500, body="<\n\n" * 6_666, actions=ACTIONS * 5, data=MANY)

    assert len(Page(rendered.html).links) == 12
    assert received(built(rendered))["Subject"] == rendered.subject


def test_data_that_is_nested_too_deeply_fails_with_a_reason() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(RenderFailed, match="RecursionError"):
        render(data={"deep": deep})


# Which template it is

KEYS = [
    *(("invoice.overdue", "pt-br"), ("invoice.overdue", "pt"), ("invoice.overdue", "")),
    *(("", "pt-br"), ("", "pt"), ("", "")),
]


@pytest.mark.parametrize(
    ("there", "event", "locale", "chosen"),
    [
        (KEYS, "invoice.overdue", "pt-BR", KEYS[0]),
        (KEYS, "invoice.overdue", "pt_BR", KEYS[0]),
        (KEYS, "invoice.overdue", "PT-br", KEYS[0]),
        (KEYS[1:], "invoice.overdue", "pt-BR", KEYS[1]),
        (KEYS, "invoice.overdue", "pt-PT", KEYS[1]),
        (KEYS, "invoice.overdue", "pt", KEYS[1]),
        (KEYS[2:], "invoice.overdue", "pt-BR", KEYS[2]),
        (KEYS, "invoice.overdue", "de", KEYS[2]),
        (KEYS, "invoice.overdue", "", KEYS[2]),
        (KEYS[3:], "invoice.overdue", "", KEYS[5]),
        (KEYS[3:], "invoice.overdue", "pt-BR", KEYS[3]),
        (KEYS, "invoice.paid", "pt-BR", KEYS[3]),
        (KEYS, "invoice.paid", "pt-AO", KEYS[4]),
        (KEYS, "invoice.paid", "ptx", KEYS[5]),
        ([("", "zh-hant")], "invoice.paid", "zh-Hant-TW", ("", "zh-hant")),
        (KEYS[:3], "invoice.paid", "pt-BR", None),
        ([], "invoice.overdue", "pt-BR", None),
    ],
)
def test_the_nearest_template_is_chosen(
    there: list[tuple[str, str]], event: str, locale: str, chosen: tuple[str, str] | None
) -> None:
    assert choose({key: key for key in there}, event, locale) == chosen


def test_the_default_template_is_no_other() -> None:
    assert default_template() == compile_template(Template())
    assert locale_key("zh_Hant-TW") == "zh-hant-tw"
