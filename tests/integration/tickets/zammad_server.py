"""A small Zammad, as its documentation describes it: the real one is in no package registry.

Pages are those of docs.zammad.org/en/latest; where they are silent, the class of Zammad's source
is named. Each rejection names the page that it follows. `index_lags`: new tickets are not found
before `catch_up`; `elasticsearch` off: the search looks for its own words in titles and articles.
"""

import re
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

TOKEN = "zammad-t0ken"
LOGIN = "ctid@desk.example"
ATTRIBUTE = "ctid_key"


class Zammad:
    """`tickets` and `articles` by id; what a test may change before it asks are the rest."""

    def __init__(self) -> None:
        self.tickets: dict[int, dict[str, Any]] = {}
        self.articles: dict[int, list[dict[str, Any]]] = {}
        self.attributes = {ATTRIBUTE}
        self.groups: dict[str, list[str] | None] = {"Users": ["full"], "Network": ["create"]}
        self.users = {7}
        self.permissions = {"ticket.agent"}
        self.shows_groups_to_agents = True
        self.index_lags = False
        self.elasticsearch = True
        self.requests: list[str] = []
        self._indexed: set[int] = set()
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/api/v1/users/me", self._me)
        app.router.add_get("/api/v1/users/{id}", self._user)
        app.router.add_get("/api/v1/groups", self._groups)
        app.router.add_get("/api/v1/object_manager_attributes", self._attributes)
        app.router.add_get("/api/v1/tickets", self._list)
        app.router.add_post("/api/v1/tickets", self._create)
        app.router.add_get("/api/v1/tickets/search", self._search)
        app.router.add_put("/api/v1/tickets/{id}", self._update)
        app.router.add_get("/api/v1/ticket_articles/by_ticket/{id}", self._by_ticket)
        self.server = TestServer(app)

    def url(self) -> str:
        return str(self.server.make_url("")).rstrip("/")

    def catch_up(self) -> None:
        """The index gets all that is there."""
        self._indexed = set(self.tickets)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        # api/intro.html, Authentication
        if request.headers.get("Authorization") != f"Token token={TOKEN}":
            return _error(401, "Authentication required")
        # api/intro.html, Content Type
        if request.method in ("POST", "PUT") and request.content_type != "application/json":
            return _error(422, "no parameters")
        answer: web.StreamResponse = await handler(request)
        return answer

    def _may(self, *permissions: str) -> bool:
        return bool(self.permissions.intersection(permissions))

    async def _me(self, request: web.Request) -> web.Response:
        # api/user.html, Me: any permission; groups by name as in api/intro.html, expand
        own = {name: rights for name, rights in self.groups.items() if rights is not None}
        expanded = {"groups": own} if request.query.get("expand") == "true" else {}
        return web.json_response({"id": 3, "login": LOGIN, **expanded})

    async def _user(self, request: web.Request) -> web.Response:
        # api/user.html, Show
        number = int(request.match_info["id"])
        if number not in self.users:
            return _error(404, f"Couldn't find User with 'id'={number}")
        return web.json_response({"id": number})

    async def _groups(self, _: web.Request) -> web.Response:
        # api/group.html, List: admin.group; Controllers::GroupsControllerPolicy: agents since 2025
        if not self._may("admin.group") and not self.shows_groups_to_agents:
            return _error(403, "Not authorized")
        return web.json_response([{"name": name, "active": True} for name in self.groups])

    async def _attributes(self, _: web.Request) -> web.Response:
        # api/object.html, List: admin.object
        if not self._may("admin.object"):
            return _error(403, "Not authorized")
        names = ["title", *self.attributes]
        return web.json_response([{"name": name, "object": "Ticket"} for name in names])

    async def _list(self, request: web.Request) -> web.Response:
        # api/ticket/index.html, List: ticket.agent or ticket.customer; api/intro.html, Pagination
        if not self._may("ticket.agent"):
            return _error(403, "Not authorized")
        count = int(request.query.get("per_page", "100"))
        return web.json_response(list(self.tickets.values())[:count])

    async def _create(self, request: web.Request) -> web.Response:
        # api/ticket/index.html, Create: ticket.agent to create on behalf of users
        if not self._may("ticket.agent"):
            return _error(403, "Not authorized")
        told = await request.json()
        # api/ticket/index.html, Create: the group by name; CanAssociations: an unknown one is 422
        if told.get("group") not in self.groups:
            return _error(422, f"No lookup value found for 'group': {told.get('group')!r}")
        # the same: `guess:` belongs into customer_id; in `customer` it would be a login or address
        if "customer" in told:
            return _error(422, f"No lookup value found for 'customer': {told['customer']!r}")
        customer = told.get("customer_id")
        known = customer in self.users or re.fullmatch(r"guess:[^@\s]+@\S+", str(customer))
        if not known:
            return _error(422, f"Invalid value for param 'customer_id': {customer!r}")
        # admin-docs.zammad.org, Access Levels: CREATE
        if not set(self.groups[told["group"]] or ["full"]) & {"create", "full"}:
            return _error(403, "Not authorized")
        number = len(self.tickets) + 1
        # ApplicationModel::CanCleanupParam: an attribute that is not there is left out in silence
        kept = {name: told.get(name) for name in self.attributes}
        self.tickets[number] = {"id": number, "title": told["title"], "group_id": 1, **kept}
        self.articles[number] = [told["article"]]
        if not self.index_lags:
            self._indexed.add(number)
        return web.json_response(self.tickets[number], status=201)

    async def _search(self, request: web.Request) -> web.Response:
        # api/ticket/index.html, Search; user-docs.zammad.org, Search: attribute:"words"
        if not self._may("ticket.agent"):
            return _error(403, "Not authorized")
        query, limit = request.query["query"], int(request.query["limit"])
        if self.elasticsearch:
            found = [number for number in sorted(self._indexed) if self._matches(number, query)]
        else:  # Ticket::Search.search_sql_query_extension
            found = [
                number
                for number, articles in self.articles.items()
                if any(query in article["body"] for article in articles)
            ]
        tickets = [self.tickets[number] for number in reversed(found)][:limit]
        if request.query.get("expand") == "true":  # TicketsController#search
            return web.json_response(tickets)
        ids = [ticket["id"] for ticket in tickets]
        return web.json_response({"tickets": ids, "tickets_count": len(ids), "assets": {}})

    def _matches(self, number: int, query: str) -> bool:
        """As an index does: all words of the phrase, side by side, in any text around them."""
        name, _, phrase = query.partition(":")
        text = str(self.tickets[number].get(name, ""))
        wanted = re.findall(r"\w+", re.sub(r"\\(.)", r"\1", phrase.strip('"')))
        return " ".join(wanted) in " ".join(re.findall(r"\w+", text))

    async def _update(self, request: web.Request) -> web.Response:
        # api/ticket/index.html, Update: the article is a new one
        number = int(request.match_info["id"])
        if number not in self.tickets:
            return _error(404, f"Couldn't find Ticket with 'id'={number}")
        told = await request.json()
        self.articles[number].append(told.pop("article"))
        self.tickets[number].update(told)
        return web.json_response(self.tickets[number])

    async def _by_ticket(self, request: web.Request) -> web.Response:
        # api/ticket/articles.html, List Articles by Ticket
        number = int(request.match_info["id"])
        if number not in self.tickets:
            return _error(404, f"Couldn't find Ticket with 'id'={number}")
        return web.json_response(self.articles[number])


def _error(status: int, message: str) -> web.Response:
    # ApplicationController::HandlesErrors
    return web.json_response({"error": message}, status=status)
