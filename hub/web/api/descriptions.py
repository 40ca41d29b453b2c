"""What every route of the API reads and answers, for its OpenAPI document; paths and summaries are in the URL table."""

from __future__ import annotations

from hub.delivery.progress import Progress
from hub.feeds.selection import NAMES as FEED_PARAMETERS
from hub.incidents.incident import Incident, IncidentRequest
from hub.incidents.video import AddedVideo, VideoChanges, VideoRequest, VideoView
from hub.publishing.preview import Preview
from hub.web import open_data
from hub.web.api import alerts, areas, audit, incidents, openapi, operations, public, sms, subscriptions, web_push
from hub.web.api.alert_shapes import Accepted, AlertPage, AlertRequest, AlertView, ApproveRequest, RejectRequest, StoppedView
from hub.web.api.problems import ProblemKind
from hub.web.route import Handler, Operation
from subscriptions.renewal import RenewalRequest
from subscriptions.subscriber import SubscriptionChange, SubscriptionRequest
from subscriptions.views import Export, SubscriptionView

KEY = "Idempotency-Key"
CAP = "application/cap+xml"

OPERATIONS: dict[Handler, Operation] = {
    # staff
    alerts.create_alert: Operation(
        body=AlertRequest,
        answer=Accepted,
        status=201,
        header=KEY,
        refusals=(409, 429),
    ),
    alerts.create_from_cap: Operation(body=CAP, answer=Accepted, status=201, header=KEY, refusals=(409, 429)),
    alerts.preview_alert: Operation(body=AlertRequest, answer=Preview),
    alerts.list_alerts: Operation(answer=AlertPage, query=("status", "topic", "since", "cursor")),
    alerts.show_alert: Operation(answer=AlertView),
    alerts.show_progress: Operation(answer=Progress),
    alerts.approve_alert: Operation(body=ApproveRequest, body_required=False, answer=Accepted, refusals=(409, 429)),
    alerts.reject_alert: Operation(body=RejectRequest, body_required=False, answer=Accepted, refusals=(409,)),
    alerts.stop_alert: Operation(answer=StoppedView, refusals=(409,)),
    alerts.update_alert: Operation(body=AlertRequest, answer=Accepted, status=201, header=KEY, refusals=(409, 429)),
    alerts.cancel_alert: Operation(
        body=AlertRequest,
        body_required=False,
        answer=Accepted,
        status=201,
        header=KEY,
        refusals=(409, 429),
    ),
    audit.show_audit: Operation(answer=audit.AuditPage, query=("cursor", "verify")),
    incidents.create_incident: Operation(body=IncidentRequest, answer=Incident, status=201),
    incidents.show_incident: Operation(answer=Incident),
    incidents.review_video: Operation(status=204, refusals=(410,)),
    # residents
    subscriptions.create_subscription: Operation(
        body=SubscriptionRequest,
        answer=subscriptions.SignUpAnswer,
        status=202,
        refusals=(429,),
    ),
    subscriptions.show_subscription: Operation(answer=SubscriptionView),
    subscriptions.export_subscription: Operation(answer=Export),
    subscriptions.change_subscription: Operation(body=SubscriptionChange, answer=SubscriptionView, refusals=(429,)),
    subscriptions.end_subscription: Operation(status=204),
    web_push.renewed: Operation(body=RenewalRequest, status=204, refusals=(429,)),
    incidents.add_video: Operation(body=VideoRequest, answer=AddedVideo, status=201, refusals=(429,)),
    incidents.change_video: Operation(body=VideoChanges, answer=VideoView, refusals=(410,)),
    incidents.remove_video: Operation(answer=incidents.Withdrawn),
    sms.receive_sms: Operation(body=sms.FORM, answer="text/xml", header="X-Twilio-Signature", refusals=(403,)),
    # open data
    areas.search_areas: Operation(answer=areas.FoundAreas, query=("q",)),
    areas.area_layer: Operation(answer="application/geo+json"),
    web_push.vapid_key: Operation(answer=web_push.VapidKey),
    openapi.openapi: Operation(answer="application/json"),
    public.public_alerts: Operation(answer=open_data.PublicAlerts, query=open_data.PARAMETERS),
    public.atom_feed: Operation(answer="application/atom+xml", query=FEED_PARAMETERS),
    public.rss_feed: Operation(answer="application/rss+xml", query=FEED_PARAMETERS),
    public.json_feed: Operation(answer="application/feed+json", query=FEED_PARAMETERS),
    public.geojson_feed: Operation(answer="application/geo+json", query=FEED_PARAMETERS),
    public.cap_feed: Operation(answer=CAP),
    public.live_stream: Operation(answer="text/event-stream", header="Last-Event-ID", refusals=(503,)),
    operations.problem_type: Operation(answer=ProblemKind),
    operations.healthz: Operation(answer=operations.Alive),
    operations.readyz: Operation(answer=operations.Readiness),
    operations.metrics: Operation(answer="text/plain"),
}
