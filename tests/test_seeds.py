"""Clients that were written before there was a server of ours: their calls, as they make them.

Each runs against a `tidings serve` of its own, in curl's bytes, in JavaScript and in Python. curl itself runs
where it is installed; what it would send is sent in any case.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.clients import HERE, Client, serving
from tests.conftest import BACKENDS, MovingClock, OpenDatabase, Run
from tests.web import PASSWORD, Web, everyone, own
from tidings.model import Action, Address


@pytest.fixture(scope="module", params=BACKENDS)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Generator[tuple[str, str]]:
    """The addresses of a running server and of its database."""
    folder = tmp_path_factory.mktemp("seeds")
    if request.param == "sqlite":
        shutil.copy(sqlite_template, folder / "tidings.db")
        database_url = f"sqlite:///{folder}/tidings.db"
    else:
        new_url: Callable[[], str] = request.getfixturevalue("new_postgres_url")
        database_url = new_url()
    with serving(database_url, folder / "log") as base_url:
        yield base_url, database_url


@pytest.fixture
def client(
    served: tuple[str, str], run: Run, open_database: OpenDatabase, clock: MovingClock, tmp_path: Path
) -> Client:
    url, database_url = served
    return Client(url, Web(run, open_database(database_url), clock), tmp_path)


# --- scoped: mark all as seen ------------------------------------------------------------------------------


class Accountant:
    """A user of a business, with notifications that are new."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self.business: Address = web.business()
        self.user = web.user(self.business)
        self.token = web.api_token(self.user)

    def told(self) -> None:
        """Three more in the business, two of their own."""
        self._web.tell(self.business, times=3)
        self._web.tell(own(self.user), times=2)

    def filled_in(self, sample: str, **values: str) -> str:
        """The sample with its placeholders filled in; each "string" stands for the value of its field."""
        filled = sample.replace("dz_your_token", self.token).replace(
            "YOUR_BUSINESS_ID", str(self.business.id)
        )
        for name, value in values.items():
            filled = filled.replace(f'"{name}": "string"', f'"{name}": {json.dumps(value)}')
        return filled

    @property
    def cases(self) -> list[tuple[dict[str, str], int]]:
        """What the fields may be filled in with, and how many are seen then."""
        return [
            ({"scope": "business", "scope_id": str(self.business.id)}, 3),
            ({"scope": "me"}, 2),
            ({"scope": "", "scope_id": "", "live_business_id": ""}, 5),
        ]


BULK = """{
  "scope": "string",
  "scope_id": "string",
  "topic": [],
  "severity": [],
  "live_business_id": "string"
}"""

SCOPED_CURL = f"""curl -X POST '{HERE}/api/v1/notifications/mark-all-seen' \\
  -H 'Authorization: Bearer dz_your_token' \\
  -H 'x-business-id: YOUR_BUSINESS_ID' \\
  -H 'Content-Type: application/json' \\
  -d '{BULK}'"""

SCOPED_JAVASCRIPT = f"""
const response = await fetch('{HERE}/api/v1/notifications/mark-all-seen', {{
  method: 'POST',
  headers: {{
    Authorization: 'Bearer dz_your_token',
    'x-business-id': 'YOUR_BUSINESS_ID',
    'Content-Type': 'application/json',
  }},
  body: JSON.stringify({BULK}),
}});
const data = await response.json();
console.log(JSON.stringify([response.status, data]));
"""


def test_scoped_by_curl(client: Client) -> None:
    accountant = Accountant(client.web)
    for values, changed in accountant.cases:
        accountant.told()
        answers = client.curl(accountant.filled_in(SCOPED_CURL, **values))

        assert answers[0] == (201, {"updated": changed})
        assert answers[1:] in ([], [(201, {"updated": 0})])
        client.curl(accountant.filled_in(SCOPED_CURL, scope="", scope_id=""))


def test_scoped_by_javascript(client: Client) -> None:
    accountant = Accountant(client.web)
    for values, changed in accountant.cases:
        accountant.told()
        assert client.node(accountant.filled_in(SCOPED_JAVASCRIPT, **values)) == [201, {"updated": changed}]
        client.node(accountant.filled_in(SCOPED_JAVASCRIPT, scope="", scope_id=""))


def test_scoped_by_python(client: Client) -> None:
    accountant = Accountant(client.web)
    headers = {"Authorization": f"Bearer {accountant.token}", "x-business-id": str(accountant.business.id)}
    url = f"{client.url}/api/v1/notifications/mark-all-seen"
    for values, changed in accountant.cases:
        accountant.told()
        payload = json.loads(accountant.filled_in(BULK, **values))

        response = httpx.post(url, headers=headers, json=payload)

        assert (response.status_code, response.json()) == (201, {"updated": changed})
        httpx.post(url, headers=headers)


def test_scoped_as_printed_is_told_what_to_fill_in(client: Client) -> None:
    accountant = Accountant(client.web)

    for answer in client.curl(accountant.filled_in(SCOPED_CURL)):
        assert (answer[0], answer[1]["detail"][0]["loc"]) == (422, ["body", "scope"])
    for answer in client.curl(SCOPED_CURL):
        assert answer == (401, {"detail": "Authentication is required."})


# --- personal: clear what is read --------------------------------------------------------------------------


class Person:
    """A user who has signed in, with five read and four unread ones."""

    def __init__(self, client: Client) -> None:
        self._web = client.web
        self.email = f"{uuid4()}@example.com"
        self.user: UUID = client.web.user(email=self.email)
        self.access_token: str = client.login("/api/v1/auth/login", self.email)["data"]["accessToken"]
        ids = client.web.tell(own(self.user), times=8) + client.web.tell(everyone)
        client.web.mark(self.user, Action.READ, [*ids[:4], ids[8]])
        self.cleared = {"success": True, "data": {"deleted": 5}}
        self.nothing = {"success": True, "data": {"deleted": 0}}

    def unread(self, client: Client) -> int:
        headers = {"Authorization": f"Bearer {self.access_token}"}
        answer = httpx.get(f"{client.url}/api/v1/notifications/unread-count", headers=headers)
        return answer.json()["data"]["count"]


PERSONAL_CURL = f"""curl -X DELETE {HERE}/api/v1/notifications/clear-read \\
  -H "Authorization: Bearer $ACCESS_TOKEN"
"""

PERSONAL_TYPESCRIPT = f"""
async function clearReadNotifications(accessToken: string): Promise<number> {{
  const res = await fetch('{HERE}/api/v1/notifications/clear-read', {{
    method: 'DELETE',
    headers: {{ Authorization: `Bearer ${{accessToken}}` }},
  }});
  const json = await res.json();
  if (!res.ok || !json.success) {{
    throw Object.assign(new Error(json?.error?.message ?? 'Clear read failed'), {{
      code: json?.error?.code,
    }});
  }}
  return json.data.deleted as number;
}}

const told: unknown[] = [];
for (const token of ['ACCESS_TOKEN', 'ACCESS_TOKEN', 'nobody']) {{
  try {{
    told.push(await clearReadNotifications(token));
  }} catch (error: any) {{
    told.push([error.message, error.code]);
  }}
}}
console.log(JSON.stringify(told));
"""

PERSONAL_HOOK = f"""
import {{ useMutation, useQueryClient }} from '@tanstack/react-query';
import {{ invalidated }} from '@tanstack/react-query';

const plain = globalThis.fetch;
let token = 'ACCESS_TOKEN';
globalThis.fetch = (path: string, init: RequestInit = {{}}) =>
  plain('{HERE}' + path, {{ ...init, headers: {{ ...init.headers, Authorization: `Bearer ${{token}}` }} }});

function useClearReadNotifications() {{
  const qc = useQueryClient();
  return useMutation({{
    mutationFn: async () => {{
      const res = await fetch('/api/v1/notifications/clear-read', {{ method: 'DELETE' }});
      const json = await res.json();
      if (!res.ok || !json.success) {{
        throw Object.assign(new Error(json?.error?.message ?? 'Clear read failed'), {{
          code: json?.error?.code,
          i18nKey: json?.error?.i18nKey,
        }});
      }}
      return json.data.deleted as number;
    }},
    onSuccess: () => {{
      qc.invalidateQueries({{ queryKey: ['notifications'] }});
    }},
  }});
}}

const told: unknown[] = [await useClearReadNotifications().mutateAsync()];
token = 'nobody';
try {{
  await useClearReadNotifications().mutateAsync();
}} catch (error: any) {{
  told.push([error.code, error.i18nKey]);
}}
console.log(JSON.stringify([told, invalidated]));
"""

# As much of the library as the hook asks for.
QUERY_LIBRARY = """
export const invalidated = [];
export const useQueryClient = () => ({
  invalidateQueries: ({ queryKey }) => { invalidated.push(queryKey); },
});
export const useMutation = ({ mutationFn, onSuccess }) => ({
  mutateAsync: async (variables) => {
    const data = await mutationFn(variables);
    await onSuccess?.(data, variables);
    return data;
  },
});
"""


def test_personal_by_curl(client: Client) -> None:
    person = Person(client)

    answers = client.curl(PERSONAL_CURL, ACCESS_TOKEN=person.access_token)

    assert answers[0] == (200, person.cleared)
    assert answers[1:] in ([], [(200, person.nothing)])
    assert person.unread(client) == 4


def test_personal_by_typescript(client: Client) -> None:
    person = Person(client)

    told = client.node(PERSONAL_TYPESCRIPT.replace("ACCESS_TOKEN", person.access_token), kind="mts")

    assert told == [5, 0, ["Authentication is required.", "AUTH_UNAUTHORIZED"]]
    assert person.unread(client) == 4


def test_personal_by_the_hook(client: Client, tmp_path: Path) -> None:
    person = Person(client)
    library = tmp_path / "node_modules" / "@tanstack" / "react-query"
    library.mkdir(parents=True)
    library.joinpath("package.json").write_text('{"type": "module", "exports": "./index.js"}')
    library.joinpath("index.js").write_text(QUERY_LIBRARY)

    told, invalidated = client.node(PERSONAL_HOOK.replace("ACCESS_TOKEN", person.access_token), kind="mts")

    assert told == [5, ["AUTH_UNAUTHORIZED", "error.auth.unauthorized"]]
    assert invalidated == [["notifications"]]
    assert person.unread(client) == 4


def test_personal_by_python(client: Client) -> None:
    person = Person(client)
    headers = {"Authorization": f"Bearer {person.access_token}"}

    response = httpx.delete(f"{client.url}/api/v1/notifications/clear-read", headers=headers)

    assert (response.status_code, response.json()) == (200, person.cleared)
    assert person.unread(client) == 4


def test_personal_stays_signed_in_by_its_cookie(client: Client) -> None:
    person = Person(client)
    with httpx.Client(base_url=client.url) as browser:
        browser.post("/api/v1/auth/login", json={"email": person.email, "password": PASSWORD})
        for _ in range(3):
            answer = browser.post("/api/v1/auth/refresh")
            assert answer.status_code == 200
        token = answer.json()["data"]["accessToken"]
        headers = {"Authorization": f"Bearer {token}"}

        assert browser.delete("/api/v1/notifications/clear-read", headers=headers).json() == person.cleared
        assert browser.get("/livez").request.headers.get("cookie") is None


# --- company: mark as read ---------------------------------------------------------------------------------


class Carrier:
    """A company, one of whose users has signed in."""

    def __init__(self, client: Client) -> None:
        self._web = client.web
        self.business = client.web.business()
        email = f"{uuid4()}@example.com"
        client.web.user(email=email, company_id=self.business.id)
        self.token: str = client.login("/company/auth/login", email)["token"]

    def told(self) -> str:
        """The id of one more."""
        return str(self._web.tell(self.business)[0])

    def check(self, status: int, answer: Mapping[str, Any], id_: str) -> None:
        assert status == 200, answer
        assert answer["_id"] == id_
        assert answer["isRead"] is True
        assert answer["readedAt"] >= answer["createdAt"]
        assert answer["company"] == str(self.business.id)


READ = f"{HERE}/company/notifications/read"
COMPANY_CURLS = {
    "path": f"curl -X PUT '{READ}/$ID' -H 'Authorization: Bearer $TOKEN'",
    "query": f"curl -X PUT '{READ}?id=$ID' -H 'Authorization: Bearer $TOKEN'",
    "body": f"curl -X PUT '{READ}' -H 'Authorization: Bearer $TOKEN' -H 'Content-Type: application/json'"
    """ -d '{"id": "$ID"}'""",
    "body of no kind": f"""curl -X PUT '{READ}' -H 'Authorization: Bearer $TOKEN' -d '{{"id": "$ID"}}'""",
}

COMPANY_JAVASCRIPT = f"""
const headers = {{ Authorization: 'Bearer TOKEN', 'Content-Type': 'application/json' }};
const calls = [
  ['{READ}/ID', {{ method: 'PUT', headers }}],
  ['{READ}?id=ID', {{ method: 'PUT', headers }}],
  ['{READ}', {{ method: 'PUT', headers, body: JSON.stringify({{ id: 'ID' }}) }}],
];
const told = [];
for (const [url, init] of calls) {{
  const response = await fetch(url, init);
  told.push([response.status, await response.json()]);
}}
console.log(JSON.stringify(told));
"""


@pytest.mark.parametrize("place", COMPANY_CURLS)
def test_company_by_curl(client: Client, place: str) -> None:
    carrier = Carrier(client)
    id_ = carrier.told()

    answers = client.curl(COMPANY_CURLS[place], ID=id_, TOKEN=carrier.token)

    for status, answer in answers:
        carrier.check(status, answer, id_)
    assert len({answer["readedAt"] for _, answer in answers}) == 1


def test_company_by_javascript(client: Client) -> None:
    carrier = Carrier(client)
    id_ = carrier.told()

    told = client.node(COMPANY_JAVASCRIPT.replace("ID", id_).replace("TOKEN", carrier.token))

    assert len(told) == 3
    for status, answer in told:
        carrier.check(status, answer, id_)


def test_company_by_python(client: Client) -> None:
    carrier = Carrier(client)
    headers = {"Authorization": f"Bearer {carrier.token}"}
    url = f"{client.url}/company/notifications/read"
    calls: list[Callable[[str], httpx.Response]] = [
        lambda id_: httpx.put(f"{url}/{id_}", headers=headers),
        lambda id_: httpx.put(url, params={"id": id_}, headers=headers),
        lambda id_: httpx.put(url, json={"id": id_}, headers=headers),
    ]

    for call in calls:
        id_ = carrier.told()
        response = call(id_)
        carrier.check(response.status_code, response.json(), id_)
    missing = httpx.put(url, headers=headers)
    assert (missing.status_code, missing.json()) == (400, {"message": "ID_REQUIRED", "status": 400})
