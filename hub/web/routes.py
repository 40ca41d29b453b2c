"""The whole URL table, and the application made of it."""

from __future__ import annotations

from collections.abc import Container

import msgspec
from aiohttp import web

from hub.web import middlewares, telegram
from hub.web.api import alerts, areas, audit, incidents, openapi, operations, public, sms, subscriptions, web_push
from hub.web.api.descriptions import OPERATIONS
from hub.web.client_address import read_networks
from hub.web.console import alerts as console
from hub.web.console import compose, languages, log_in, progress
from hub.web.context import ERROR_PAGE, HUB, HubContext
from hub.web.language import PAGE_LANGUAGES
from hub.web.outbox_page import outbox
from hub.web.pages import PAGES, Pages, error_page
from hub.web.publication import PUBLICATION, Publication
from hub.web.residents import alert, confirm, manage, public_pages, subscribe, unsubscribe, why
from hub.web.route import Route
from hub.web.security import security_headers

TABLE: tuple[Route, ...] = (
    # The API for staff programs.
    Route("POST", "/api/v1/alerts", alerts.create_alert, "staff", "Publish an alert, or leave it for a second person to approve."),
    Route("GET", "/api/v1/alerts", alerts.list_alerts, "staff", "Alerts, newest first."),
    Route("POST", "/api/v1/alerts/preview", alerts.preview_alert, "staff", "What would go to whom; nothing is stored."),
    Route("GET", "/api/v1/alerts/{id}", alerts.show_alert, "staff", "One alert."),
    Route("GET", "/api/v1/alerts/{id}/progress", alerts.show_progress, "staff", "How far it has got."),
    Route("POST", "/api/v1/alerts/{id}/approve", alerts.approve_alert, "staff", "The second person's yes."),
    Route("POST", "/api/v1/alerts/{id}/reject", alerts.reject_alert, "staff", "The second person's no."),
    Route("POST", "/api/v1/alerts/{id}/stop", alerts.stop_alert, "staff", "Stop all hand-overs of it; no body is read."),
    Route("POST", "/api/v1/alerts/{id}/update", alerts.update_alert, "staff", "Publish a new version of it."),
    Route("POST", "/api/v1/alerts/{id}/cancel", alerts.cancel_alert, "staff", "Call it off, without a body in its own words."),
    Route("POST", "/api/v1/cap", alerts.create_from_cap, "staff", "The same from CAP 1.2 XML."),
    Route("GET", "/api/v1/audit", audit.show_audit, "staff", "The hash-chained operator log."),
    Route("POST", "/api/v1/incidents", incidents.create_incident, "staff", "Open an incident."),
    Route("GET", "/api/v1/incidents/{id}", incidents.show_incident, "staff", "One incident."),
    Route("POST", "/api/v1/videos/{id}/review", incidents.review_video, "staff", "Staff have looked at it: it may be shown."),
    # The API for residents: no account, a token in the path.
    Route("POST", "/api/v1/subscriptions", subscriptions.create_subscription, "resident", "Sign up; each address must confirm."),
    Route("GET", "/api/v1/subscriptions/{token}", subscriptions.show_subscription, "resident", "One's own subscription."),
    Route("GET", "/api/v1/subscriptions/{token}/export", subscriptions.export_subscription, "resident", "All that is kept of one."),
    Route("PATCH", "/api/v1/subscriptions/{token}", subscriptions.change_subscription, "resident", "Change what the body names."),
    Route("DELETE", "/api/v1/subscriptions/{token}", subscriptions.end_subscription, "resident", "Delete it."),
    Route("POST", "/api/v1/web-push/renewed", web_push.renewed, "resident", "A browser has another push address: its alerts go there."),
    Route("POST", "/api/v1/incidents/{id}/videos", incidents.add_video, "resident", "Share a video, private at first."),
    Route("PATCH", "/api/v1/videos/{manage}", incidents.change_video, "resident", "Change either choice."),
    Route("DELETE", "/api/v1/videos/{manage}", incidents.remove_video, "resident", "Withdraw it."),
    Route("POST", sms.PATH, sms.receive_sms, "resident", "A text message, from a Twilio-compatible provider, signed by it."),
    # Open data: any origin.
    Route("GET", "/api/v1/areas", areas.search_areas, "open", "Areas by name."),
    Route("GET", "/api/v1/areas/{layer}.geojson", areas.area_layer, "open", "A layer of areas for maps."),
    Route("GET", "/api/v1/web-push/key", web_push.vapid_key, "open", "The hub's key for web push."),
    Route("GET", "/api/v1/openapi.json", openapi.openapi, "open", "This description."),
    Route("GET", "/api/v1/public/alerts", public.public_alerts, "open", "What is on here now."),
    Route("GET", "/feeds/alerts.atom", public.atom_feed, "open", "What is on, as Atom."),
    Route("GET", "/feeds/alerts.rss", public.rss_feed, "open", "What is on, as RSS 2.0."),
    Route("GET", "/feeds/alerts.json", public.json_feed, "open", "What is on, as a JSON Feed 1.1."),
    Route("GET", "/feeds/alerts.geojson", public.geojson_feed, "open", "What is on, as GeoJSON."),
    Route("GET", "/feeds/cap/{id}.xml", public.cap_feed, "open", "One published alert as CAP 1.2."),
    Route("GET", "/live", public.live_stream, "open", "What happens now, as Server-Sent Events."),
    Route("GET", "/problems/{slug}", operations.problem_type, "open", "What the type of a problem means."),
    Route("GET", "/healthz", operations.healthz, "open", "The process lives."),
    Route("GET", "/readyz", operations.readyz, "open", "It can publish and hand over; 503 with the same body when not."),
    Route("GET", "/metrics", operations.metrics, "open", "Prometheus' figures."),
    # Pages for residents.
    Route("GET", "/", public_pages.home_page),
    Route("GET", "/alerts/{id}", public_pages.alert_page),
    Route("GET", "/pictures/{id}.svg", public_pages.picture),
    Route("GET", "/a/{short}", alert.short_link),
    Route("GET", "/v/{video}", incidents.watch_video),
    Route("GET", "/subscribe", subscribe.subscribe_page),
    Route("POST", "/subscribe", subscribe.subscribe_submit),
    Route("GET", "/confirm/{token}", confirm.confirm_page),
    Route("POST", "/confirm/{token}", confirm.confirm_submit),
    Route("GET", "/manage", manage.manage_ask),
    Route("POST", "/manage", manage.manage_ask_submit),
    Route("GET", "/manage/{token}", manage.manage_page),
    Route("POST", "/manage/{token}", manage.manage_submit),
    Route("POST", "/manage/{token}/end", manage.manage_end),
    Route("GET", "/unsubscribe/{token}", unsubscribe.unsubscribe_page),
    Route("POST", "/unsubscribe/{token}", unsubscribe.unsubscribe_submit),
    Route("GET", "/why/{token}", why.why_page),
    Route("POST", "/telegram/{secret}", telegram.receive_update),
    Route("GET", "/offline", public_pages.offline_page),
    Route("GET", "/sw.js", public_pages.service_worker),
    Route("GET", "/manifest.webmanifest", public_pages.manifest),
    Route("GET", "/assets/{name:.+}", public_pages.asset),
    # Pages for staff.
    Route("GET", "/console", console.console_home),
    Route("GET", "/console/languages", languages.languages_page),
    Route("GET", "/console/log-in", log_in.log_in_page),
    Route("POST", "/console/log-in", log_in.log_in_submit),
    Route("POST", "/console/log-out", log_in.log_out),
    Route("GET", "/console/compose", compose.compose_page),
    Route("POST", "/console/compose", compose.compose_submit),
    Route("POST", "/console/compose/preview", compose.compose_preview),
    Route("GET", "/console/demo-notice", compose.notice_preview),
    Route("POST", "/console/demo-notice", compose.compose_submit),
    Route("GET", "/console/alerts/{id}", console.alert_review),
    Route("GET", "/console/alerts/{id}/events", progress.progress_events),
    Route("POST", "/console/alerts/{id}/approve", console.alert_approve),
    Route("POST", "/console/alerts/{id}/reject", console.alert_reject),
    Route("POST", "/console/alerts/{id}/stop", console.alert_stop),
    Route("POST", "/console/alerts/{id}/call-off", console.alert_call_off),
    Route("GET", "/outbox", outbox),
)


STREAMS = frozenset({"/live", "/console/alerts/{id}/events"})


ONE_LANGUAGE = ("/console", "/outbox", "/assets", "/sw.js", "/manifest.webmanifest", "/pictures/", "/a/", "/v/")
"""How addresses begin that are the same in every language: staff's, files, and what leads on to somewhere else."""
LANGUAGE = f"{{language:(?i:{'|'.join(PAGE_LANGUAGES)})}}"


WATCHED = frozenset({"/healthz", "/readyz", "/metrics"})
"""What a node answers that only delivers."""


def build_app(hub: HubContext, *, paths: Container[str] | None = None) -> web.Application:
    """The web application of one node, with `paths` only those. Raises SettingsError for trusted proxies that are no addresses."""
    app = web.Application(middlewares=middlewares.MIDDLEWARES, client_max_size=middlewares.BODY_BYTES)
    app[HUB] = hub
    app[PAGES] = Pages()
    app[PUBLICATION] = Publication(hub, app[PAGES])
    app[ERROR_PAGE] = error_page
    app[openapi.DESCRIPTION] = msgspec.json.encode(openapi.describe(TABLE, OPERATIONS, hub.public_url))
    app[middlewares.HEADERS] = security_headers(hub)
    app[middlewares.PROXIES] = read_networks(hub.settings.items("trusted_proxies"))
    app[middlewares.LIMITS] = middlewares.Limits(hub.clock, strangers=hub.settings.signup_limits.strip().lower() != "off")
    app[middlewares.PUBLIC] = frozenset(route.path for route in TABLE if route.access == "open")
    app.on_response_prepare.append(middlewares.add_headers_to_all)
    for route in TABLE:
        if paths is None or route.path in paths:
            _add(app, route)
            if in_languages(route):
                _add(app, msgspec.structs.replace(route, path=f"/{LANGUAGE}{route.path}"))
    app.router.add_get(f"/{LANGUAGE}", public_pages.language_home)
    return app


def in_languages(route: Route) -> bool:
    """Whether a page also has an address per language, ``/es/subscribe``."""
    return route.access == "page" and not route.path.startswith(ONE_LANGUAGE)


def _add(app: web.Application, route: Route) -> None:
    if route.method == "GET":
        # A stream has no HEAD: nobody would end it.
        app.router.add_get(route.path, route.handler, allow_head=route.path not in STREAMS)
    else:
        app.router.add_route(route.method, route.path, route.handler)
    if route.access == "open":
        app.router.add_route("OPTIONS", route.path, middlewares.preflight)
