from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from dispatcher.sandbox.calls import Call
from dispatcher.sandbox.engine import Engine
from dispatcher.sandbox.replies import Reply
from dispatcher.sandbox.routes import account, lists, live, send
from dispatcher.sandbox.statuses import RefusedError, Status

Answer: TypeAlias = Callable[[Engine, Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """One route of the API; a path that ends in `:id` takes any last part."""

    method: str
    path: str
    answer: Answer
    live_only: bool = False

    @property
    def name(self) -> str:
        """How faults are planned for it: `POST /send`."""
        return f"{self.method} {self.path}"

    @property
    def simulates(self) -> bool:
        """Say whether it is a simulation."""
        return self.path.endswith("/simulate")


ROUTES = (
    Route("POST", "/send", send.send),
    Route("POST", "/send/simulate", send.simulate),
    Route("POST", "/send/lists", send.send_to_lists),
    Route("POST", "/send/lists/simulate", send.simulate_lists),
    Route("GET", "/send", send.send_by_query),
    Route("GET", "/send/simulate", send.simulate_by_query),
    Route("DELETE", "/send/:id", send.cancel),
    Route("GET", "/credits", account.show_credits),
    Route("POST", "/account", account.create_account),
    Route("GET", "/link/short/advertising/tag", account.show_link_tag),
    Route("GET", "/link/short/alert/tag", account.show_link_tag),
    Route("POST", "/list", lists.create_or_extend),
    Route("GET", "/lists", lists.show_all),
    Route("GET", "/list/:id", lists.show_one),
    Route("PUT", "/list/deduplicate/:id", lists.deduplicate),
    Route("DELETE", "/list/contact/:id", lists.remove_contact),
    Route("GET", "/blacklist", lists.show_blacklist),
    Route("DELETE", "/list/:id", live.remove_list, live_only=True),
    Route("POST", "/blacklist", live.add_to_blacklist, live_only=True),
    Route("DELETE", "/blacklist/contact/:id", live.remove_from_blacklist, live_only=True),
    Route("GET", "/campaigns", live.show_campaigns, live_only=True),
    Route("GET", "/campaign/:id", live.show_campaign, live_only=True),
    Route("GET", "/webhook", live.show_webhooks, live_only=True),
    Route("GET", "/webhook/:id", live.show_webhook, live_only=True),
    Route("POST", "/webhook", live.create_webhook, live_only=True),
    Route("PUT", "/webhook/:id", live.change_webhook, live_only=True),
    Route("DELETE", "/webhook/:id", live.remove_webhook, live_only=True),
)
_BY_NAME = {route.name: route for route in ROUTES}
ROUTE_NAMES = frozenset(_BY_NAME)
"""What faults may be planned for."""


def find_route(method: str, path: str, *, live: bool) -> tuple[Route, str]:
    """Find the route of a request, and the id its path ends in.

    Raises:
        RefusedError: -99, with HTTP status 404: the dialect has no such route.
    """
    head, _, last = path.rpartition("/")
    route, id_ = _BY_NAME.get(f"{method} {path}"), ""
    if route is None:
        route, id_ = _BY_NAME.get(f"{method} {head}/:id"), last
    if route is None or (route.live_only and not live):
        raise RefusedError(Status.OTHER, "Cette route n'existe pas", http_status=404)
    return route, id_
